/** Whoever wants to know what rounds have really done. */
import type { Change } from "../core/change.ts";
import type { Moved } from "../core/operation.ts";
import type { ContentBatch } from "../core/piece.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Comparison, SidedProblem } from "./events.ts";

/** A round that was carried out. */
export interface AppliedRound {
  readonly source: Endpoint;
  readonly comparison: Comparison;
  /** All that was to be done; `filesOf` numbers their files. */
  readonly changes: readonly Change[];
  /** What was moved at the target, before anything else. */
  readonly moves: readonly Moved[];
  /** What the target has confirmed of the changes. */
  readonly achieved: readonly Change[];
  readonly problems: readonly SidedProblem[];
}

/** Follows the rounds of a mirror. */
export interface RoundObserver {
  /** The content of `changes` is going to pass. */
  staging(changes: readonly Change[]): void;

  /** Sees content on its way to the target; the bytes are only lent. */
  passing(batch: ContentBatch): void;

  /** Hears of each round at its end, also where nothing was to be done. Must not throw. */
  applied(round: AppliedRound): Promise<void>;
}
