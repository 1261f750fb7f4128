/** What a running sync tells whoever watches it. */
import type { Change, ChangeTotals } from "../core/change.ts";
import type { TwoWaySide } from "../core/conflict.ts";
import type { Digest, Totals } from "../core/entry.ts";
import type { Move } from "../core/moves.ts";
import type { RelPath } from "../core/path.ts";
import type { Problem } from "../core/problem.ts";
import type { Snapshot } from "../core/snapshot.ts";

/** Which side: of a mirror, or of a two-way sync. */
export type Side = "source" | "target" | TwoWaySide;

/** Something happened; `report` in `cli/` turns it into text or JSON. */
export type SyncEvent =
  | { readonly kind: "scanning"; readonly side: Side; readonly entries: number }
  | { readonly kind: "scanned"; readonly side: Side; readonly totals: Totals }
  /** What this round will do; `round` counts from 1. */
  | {
    readonly kind: "planned";
    readonly round: number;
    readonly totals: ChangeTotals;
    /** What of it is done at which side of a two-way sync. */
    readonly sides?: Readonly<Record<TwoWaySide, ChangeTotals>>;
  }
  /** Content handed to the target so far in this round; comes often. */
  | {
    readonly kind: "transfer";
    readonly files: number;
    readonly bytes: number;
    /** The file that is being sent. */
    readonly path: RelPath | undefined;
  }
  /** The target has moved an entry. */
  | { readonly kind: "moved"; readonly from: RelPath; readonly to: RelPath }
  /** All content is staged; the tree changes now. */
  | { readonly kind: "applying" }
  /** A path was left out; comes once for each, at the end of the round. */
  | { readonly kind: "problem"; readonly side: Side; readonly problem: Problem }
  /** The connection was lost (or not made yet); another try comes in `delayMs`. */
  | {
    readonly kind: "retrying";
    readonly attempt: number;
    readonly delayMs: number;
    readonly error: Error;
  };

/** Receives events; must not throw. */
export type EventListener = (event: SyncEvent) => void;

/** What a mirror did, over all its rounds. */
export interface MirrorSummary {
  /** What was changed at the target (as planned, less what is in `problems`). */
  readonly changes: ChangeTotals;
  /** The source tree. */
  readonly totals: Totals;
  /** Digest of the source tree as it was mirrored. */
  readonly digest: Digest;
  readonly rounds: number;
  /** What was left out on either side, in path order; empty: the sides are equal. */
  readonly problems: readonly SidedProblem[];
}

/** A round of a watch that is through. */
export interface SyncedRound {
  /** From 1, over all connections. */
  readonly round: number;
  /** Digest of the source tree as it was mirrored. */
  readonly digest: Digest;
  /** What was changed at the target. */
  readonly changes: ChangeTotals;
  /** The source tree. */
  readonly totals: Totals;
  /** Paths that are left out at present. */
  readonly problems: number;
  readonly seconds: number;
}

/** A problem, and where it was met. */
export interface SidedProblem {
  readonly side: Side;
  readonly problem: Problem;
}

/** Two sides at one moment, and what would make the target equal to the source. */
export interface Comparison {
  readonly source: Snapshot;
  /** Undefined where the target does not exist yet. */
  readonly target: Snapshot | undefined;
  /** To be carried out first, one after the other. */
  readonly moves: readonly Move[];
  /** What remains to be done after the moves. */
  readonly changes: readonly Change[];
  readonly totals: ChangeTotals;
  /** What would be left out. */
  readonly problems: readonly SidedProblem[];
  /** Whether mode bits count: both file systems keep them. */
  readonly modes: boolean;
}
