/** Whoever may stop a mirror before it changes anything. */
import { type Change, totalsAfter } from "../core/change.ts";
import type { Problem } from "../core/problem.ts";
import { onSide } from "./compare_sides.ts";
import type { Comparison, SidedProblem } from "./events.ts";

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

/** What guards let through, and all that is wrong. */
export interface Reviewed {
  readonly changes: readonly Change[];
  readonly problems: readonly SidedProblem[];
}

/**
 * What all guards leave of a round.
 * @param lately Deletions that were carried out before, and count as if they were
 *   part of it.
 * @throws {GuardError}
 */
export function reviewRound(
  comparison: Comparison,
  guards: readonly RoundGuard[],
  lately: readonly Change[] = [],
): Reviewed {
  const { target } = comparison;
  const before = target && {
    ...target,
    totals: totalsAfter(target.totals, lately, -1),
  };
  const known = new Set(lately);
  let { changes, problems } = comparison;
  for (const guard of guards) {
    const reviewed = guard.review({
      ...comparison,
      target: before,
      changes: [...lately, ...changes],
    });
    changes = reviewed.changes.filter((change) => !known.has(change));
    problems = problems.concat(reviewed.problems.map(onSide("source")));
  }
  return { changes, problems };
}
