/** One of the situations that Lockstep has to survive. */
export interface FaultRow {
  /** A letter for the section, and a number: "D05". Tests begin with it. */
  readonly id: string;
  readonly situation: string;
  /** Why no test shows it; only where none does. */
  readonly uncovered?: string;
}

/** The words for a row that is waiting for a part of the program. */
export function missing(feature: string): string {
  return `feature not there yet: ${feature}`;
}

/** The words for a row that no test can bring about. */
export function impossible(reason: string): string {
  return `cannot be produced here: ${reason}`;
}
