/** What a two-way sync tells whoever watches it, and what it has done. */
import type { ChangeTotals } from "../core/change.ts";
import type { Conflict, TwoWaySide } from "../core/conflict.ts";
import type { Digest, Totals } from "../core/entry.ts";
import type { RelPath } from "../core/path.ts";
import type { Problem } from "../core/problem.ts";

/** Something happened. */
export type TwoWayEvent =
  | {
    readonly kind: "scanning";
    readonly side: TwoWaySide;
    readonly entries: number;
  }
  | {
    readonly kind: "scanned";
    readonly side: TwoWaySide;
    readonly totals: Totals;
  }
  /** What this round will do at each side; `round` counts from 1. */
  | {
    readonly kind: "planned";
    readonly round: number;
    readonly changes: Readonly<Record<TwoWaySide, ChangeTotals>>;
  }
  /** Content handed over in this round so far, in both directions; comes often. */
  | {
    readonly kind: "transfer";
    readonly files: number;
    readonly bytes: number;
    readonly path: RelPath | undefined;
  }
  /** All content is staged; the trees change now. */
  | { readonly kind: "applying" }
  /** A path was left out; comes once for each, at the end. */
  | {
    readonly kind: "problem";
    readonly side: TwoWaySide;
    readonly problem: Problem;
  }
  /** Both sides changed one path; comes once for each, at the end. */
  | { readonly kind: "conflict"; readonly conflict: Conflict };

/** Receives events; must not throw. */
export type TwoWayListener = (event: TwoWayEvent) => void;

/** A problem, and where it was met. */
export interface TwoWayProblem {
  readonly side: TwoWaySide;
  readonly problem: Problem;
}

/** What a two-way sync did, over all its rounds. */
export interface TwoWaySummary {
  /** What was changed at each side. */
  readonly changes: Readonly<Record<TwoWaySide, ChangeTotals>>;
  /** Of alpha, as the last round found it. */
  readonly totals: Totals;
  /** Of alpha, with what that round has changed there. */
  readonly digest: Digest;
  readonly rounds: number;
  /** In path order. */
  readonly conflicts: readonly Conflict[];
  /** What was left out, in path order. */
  readonly problems: readonly TwoWayProblem[];
}

/** A round of a two-way watch that is through. */
export interface SyncedTwoWay {
  /** From 1, over all connections. */
  readonly round: number;
  /** Of alpha, with what was changed there. */
  readonly digest: Digest;
  /** What was changed at each side. */
  readonly changes: Readonly<Record<TwoWaySide, ChangeTotals>>;
  /** Of alpha. */
  readonly totals: Totals;
  /** Conflicts that were met, and all that are left to people at present. */
  readonly conflicts: number;
  readonly open: number;
  /** Paths that were left out. */
  readonly problems: number;
  readonly seconds: number;
}

/** Conflicts that are left as they are. */
export function openConflicts(
  { conflicts }: Pick<TwoWaySummary, "conflicts">,
): readonly Conflict[] {
  return conflicts.filter(({ winner }) => winner === undefined);
}
