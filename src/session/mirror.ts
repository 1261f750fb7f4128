/**
 * The one-way cycle: scan both sides, find the changes that make the target
 * equal to the source, stage their content at the target, carry them out. What
 * somebody changed meanwhile is left alone and looked at again in the next round.
 */
import { withDigests } from "../core/apply_changes.ts";
import { type Change, totalsOfChanges } from "../core/change.ts";
import type { Clock } from "../core/clock.ts";
import type { DirectoryEntry } from "../core/entry.ts";
import { applyMoves, madeBy, type Move } from "../core/moves.ts";
import { comparePaths, ROOT } from "../core/path.ts";
import { sleep } from "../core/sleep.ts";
import { GuardError } from "../errors.ts";
import { type CompareOptions, compareSides, onSide } from "./compare_sides.ts";
import { asPostponed, carryOutInOrder } from "./carry_out_in_order.ts";
import { carryOutMoves, movedAt, withCtimes } from "./carry_out_moves.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Comparison, MirrorSummary, SidedProblem } from "./events.ts";
import { type Reviewed, reviewRound, type RoundGuard } from "./round_guard.ts";
import type { RoundObserver } from "./round_observer.ts";
import { systemClock } from "./system_clock.ts";

/** Rounds at the most: what is still being changed then is reported. */
const MAX_ROUNDS = 3;

/** How long to leave a tree that is being written to alone, by round. */
const SETTLE_MS = 200;

/** How to mirror. */
export interface MirrorOptions extends CompareOptions {
  /** The time between rounds; that of the system unless said. */
  readonly clock?: Clock;
  /** Asked in this order before each round changes anything. */
  readonly guards?: readonly RoundGuard[];
  /** Hear what each round has done. */
  readonly observers?: readonly RoundObserver[];
}

/**
 * Makes the tree of `target` equal to that of `source`, and returns when the
 * target has confirmed it. Paths that could not be made equal are in the
 * summary's problems.
 * @throws {GuardError} If one of the guards halts it.
 * @throws {SyncError} If either side fails as a whole; what was staged is kept.
 */
export async function mirror(
  source: Endpoint,
  target: Endpoint,
  options: MirrorOptions,
): Promise<MirrorSummary> {
  const { clock = systemClock } = options;
  const changes: Change[] = [];
  let moved = 0;
  // What was kept elsewhere stays there, whatever later rounds do.
  const kept: SidedProblem[] = [];
  let last: Round | undefined;
  let halted = false;
  for (let round = 1;; round++) {
    const result = await nextRound(round);
    for (const change of result.achieved) changes.push(change);
    moved += result.moved;
    last = result;
    const isStale = result.problems.some(({ problem }) =>
      problem.code === "stale"
    );
    if (isStale && !halted && round < MAX_ROUNDS) {
      kept.push(
        ...result.problems.filter(({ problem }) => problem.code === "kept"),
      );
      await sleep(round * SETTLE_MS, clock, options.signal);
      options.signal?.throwIfAborted();
      continue;
    }
    const problems = [...kept, ...result.problems].sort((a, b) =>
      comparePaths(a.problem.path, b.problem.path)
    );
    for (const { side, problem } of problems) {
      options.onEvent?.({ kind: "problem", side, problem });
    }
    return {
      changes: totalsOfChanges(
        changes,
        source.traits.modes && target.traits.modes,
        moved,
      ),
      totals: result.totals,
      digest: result.digest,
      rounds: round,
      problems,
    };
  }

  /** "Halted" says that nothing was changed: later on, it is a problem instead. */
  async function nextRound(round: number): Promise<Round> {
    try {
      return await mirrorOnce(source, target, options, round);
    } catch (error) {
      if (last === undefined || !(error instanceof GuardError)) throw error;
      halted = true;
      const problems = [...last.problems, notCarriedOut(error)];
      return { ...last, achieved: [], moved: 0, problems };
    }
  }
}

interface Round {
  readonly achieved: readonly Change[];
  /** How many entries were moved. */
  readonly moved: number;
  readonly totals: MirrorSummary["totals"];
  readonly digest: MirrorSummary["digest"];
  readonly problems: readonly SidedProblem[];
}

async function mirrorOnce(
  source: Endpoint,
  target: Endpoint,
  options: MirrorOptions,
  round: number,
): Promise<Round> {
  const { onEvent, guards = [], observers = [] } = options;
  let comparison = await compareSides(source, target, options);
  onEvent?.({ kind: "planned", round, totals: comparison.totals });
  let reviewed = reviewRound(comparison, guards);
  let { changes } = reviewed;
  let kept: readonly SidedProblem[] = [];
  let moved: readonly Move[] = [];
  let achieved: readonly Change[] = [];
  /** The target after the moves. */
  let there: DirectoryEntry | undefined;
  if (comparison.moves.length > 0) {
    const { moves } = comparison;
    const result = await carryOutMoves(target, moves, options);
    moved = result.moved;
    achieved = [...madeBy(moved)];
    if (result.isAll) {
      const after = applyMoves(comparison.target!.root, moves, result.ctimes);
      there = withDigests(after, comparison.modes);
      changes = withCtimes(changes, moves, result.ctimes);
    } else {
      // What could not be moved is deleted and sent, as without any evidence.
      kept = result.kept;
      const { origins: _, recall: __, ...plain } = options;
      comparison = await compareSides(source, target, plain);
      onEvent?.({ kind: "planned", round, totals: comparison.totals });
      reviewed = reviewFurther(comparison, guards, moved.length > 0);
      ({ changes } = reviewed);
    }
  }

  let problems = [...kept, ...reviewed.problems];
  let postponed: readonly Change[] = [];
  let failure: { readonly error: unknown } | undefined;
  if (changes.length > 0) {
    const result = await carryOutInOrder(source, target, changes, {
      ...options,
      modes: comparison.modes,
      root: there ?? comparison.target!.root,
    });
    problems = problems.concat(result.problems.map(onSide("target")));
    achieved = [...achieved, ...result.achieved];
    ({ failure, postponed } = result);
  }
  const { root } = comparison.source;
  const moves = movedAt(root, moved);
  for (const observer of observers) {
    await observer.applied({
      source,
      comparison,
      changes,
      moves,
      achieved,
      problems: [...problems, ...postponed.map(asPostponed)],
    });
  }
  if (failure !== undefined) throw failure.error;
  for (const guard of guards) await guard.completed(comparison);
  const { digest } = root;
  if (digest === undefined) throw new TypeError("A scan gave no digest");
  const { totals } = comparison.source;
  return { achieved, moved: moved.length, totals, digest, problems };
}

/** As {@link reviewRound}; where something was moved already, a halt is a problem. */
function reviewFurther(
  comparison: Comparison,
  guards: readonly RoundGuard[],
  hasMoved: boolean,
): Reviewed {
  try {
    return reviewRound(comparison, guards);
  } catch (error) {
    if (!hasMoved || !(error instanceof GuardError)) throw error;
    const problems = [...comparison.problems, notCarriedOut(error)];
    return { changes: [], problems };
  }
}

function notCarriedOut({ message: reason }: GuardError): SidedProblem {
  const message = `What came later was not carried out: ${reason}`;
  return { side: "target", problem: { path: ROOT, code: "blocked", message } };
}
