/** What `lockstep doctor` has found out, in words and for programs. */

/** One thing that was looked at. */
export interface Finding {
  /** What it is about, in a word that does not change: "watches", "certificate". */
  readonly check: string;
  /** As it should be, worth to be looked at, or in the way of work. */
  readonly state: "good" | "poor" | "bad";
  /** What is the case. */
  readonly message: string;
  /** What to do about it. */
  readonly advice?: string | undefined;
  /** The values behind it. */
  readonly facts?: Readonly<Record<string, unknown>> | undefined;
}

const SIGNS: Readonly<Record<Finding["state"], string>> = {
  good: "ok  ",
  poor: "note",
  bad: "BAD ",
};

/** The lines for people. */
export function findingLines(finding: Finding): string[] {
  const { state, check, message, advice } = finding;
  return [
    `${SIGNS[state]}  ${check}: ${message}`,
    ...(advice === undefined ? [] : [`      ${advice}`]),
  ];
}

/** The fields for programs. */
export function findingFields(
  { check, state, message, advice, facts }: Finding,
): Readonly<Record<string, unknown>> {
  return { check, state, message, advice: advice ?? null, ...facts };
}
