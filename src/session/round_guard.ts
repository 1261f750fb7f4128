/** Whoever may stop a mirror before it changes anything. */
import type { Change } from "../core/change.ts";
import type { Problem } from "../core/problem.ts";
import type { Comparison } from "./events.ts";

/** What a guard lets through. */
export interface Review {
  /** The changes that may be carried out. */
  readonly changes: readonly Change[];
  /** One for each path that is left out because of it. */
  readonly problems: readonly Problem[];
}

/** Watches over the rounds of one run, also where that takes several tries. */
export interface RoundGuard {
  /**
   * Looks at what a round is about to do, before anything is staged for it.
   * @throws {GuardError} To halt the run.
   */
  review(round: Comparison): Review;

  /** Hears that a round was carried out, and with what it began. */
  completed(round: Comparison): Promise<void>;
}
