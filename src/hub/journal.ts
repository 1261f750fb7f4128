/**
 * The order of changes: what somebody who knows a hub up to some revision has to
 * hear. PURE.
 */

/** Where a hub stands. */
export interface JournalState {
  /** Revision of the last change. */
  readonly head: number;
  /** Changes up to this revision may be missing from the journal. */
  readonly horizon: number;
}

/** What has to be heard by somebody who knows all up to a revision. */
export type CatchUp =
  /** Nothing has changed. */
  | { readonly kind: "nothing" }
  /** All changes after this revision. */
  | { readonly kind: "changes"; readonly after: number }
  /** Which changes there were is not known any more, or never was: compare all. */
  | { readonly kind: "everything"; readonly reason: "too-old" | "from-future" };

/** What to tell somebody who knows all up to `known`. */
export function catchUp(
  known: number,
  { head, horizon }: JournalState,
): CatchUp {
  // A hub whose data was put back from a copy is behind its clients.
  if (known > head) return { kind: "everything", reason: "from-future" };
  if (known === head) return { kind: "nothing" };
  if (known < horizon) return { kind: "everything", reason: "too-old" };
  return { kind: "changes", after: known };
}

/** How many changes somebody who knows all up to `known` has not heard of. */
export function lagOf(known: number, head: number): number {
  return Math.max(0, head - known);
}
