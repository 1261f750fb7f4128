/**
 * The rounds of one target of a watch: each compares a version of the source with
 * what the target is known to have, and carries out what is different. When a round
 * comes is up to the caller. What it leaves undone, because it failed, rests or was
 * put off, is found again by the next one.
 */
import { withDigests } from "../core/apply_changes.ts";
import {
  type Change,
  hasChanges,
  totalsAfter,
  totalsOfChanges,
} from "../core/change.ts";
import type { Clock } from "../core/clock.ts";
import { applyMoves, madeBy } from "../core/moves.ts";
import { NO_ORIGINS, type Origins, originsOf } from "../core/origins.ts";
import type { RelPath } from "../core/path.ts";
import type { Snapshot } from "../core/snapshot.ts";
import { GuardError } from "../errors.ts";
import { isWronglyDated } from "./achieved.ts";
import { awakeChanges } from "./awake.ts";
import {
  asPostponed,
  type CarriedOut,
  carryOutInOrder,
  type Interruption,
} from "./carry_out_in_order.ts";
import { carryOutMoves, movedAt, withCtimes } from "./carry_out_moves.ts";
import {
  type CompareOptions,
  compareSnapshots,
  mayMove,
  onSide,
  scanOptionsOf,
} from "./compare_sides.ts";
import type { Doubts } from "./doubts.ts";
import type { Endpoint, MoveResult } from "./endpoint.ts";
import type { Comparison, SidedProblem, SyncedRound } from "./events.ts";
import type { Feed, Version } from "./feed.ts";
import { FeedInterruption } from "./interruption.ts";
import type { KnownTarget } from "./known_target.ts";
import { RecentDeletions } from "./recent_deletions.ts";
import type { Resting } from "./resting.ts";
import { reviewRound, type RoundGuard } from "./round_guard.ts";
import type { AppliedRound, RoundObserver } from "./round_observer.ts";
import { RoundTally } from "./round_tally.ts";
import type { SourceView } from "./source_view.ts";
import { StandingProblems } from "./standing_problems.ts";

/** The record of completed rounds is written no more often than this. */
const RECORD_MS = 30_000;

/** How rounds are done, and who hears of them. */
export interface FeedRoundOptions extends CompareOptions {
  readonly clock: Clock;
  /** Hear what each round has done. */
  readonly observers?: readonly RoundObserver[];
  /** Makes the guards of one round. */
  readonly guards: () => Promise<readonly RoundGuard[]>;
  /** Whether what the first complete round deletes was allowed: it is no part of a burst. */
  readonly isFirstMeant?: boolean;
  /** Hears of each round that did something, and of the first. */
  readonly onSynced: (round: SyncedRound) => void;
  /** Hears that the rest of a round, which is large, was put off. */
  readonly onBrokenOff?: (round: number) => void;
  /** Hears why nothing is carried out any more, once until it is again. */
  readonly onHalted: (error: GuardError) => void;
}

/** What rounds share with whoever says when they come. */
interface Surroundings {
  readonly feed: Feed;
  readonly source: SourceView;
  readonly doubts: Doubts;
  readonly resting: Resting;
}

/** How far a round came; a guard halts it before anything is changed. */
type RoundEnd = "through" | "midway" | "halted";

/** Carries out versions of one feed at one target, over any number of connections. */
export class FeedRounds {
  readonly #feed: Feed;
  readonly #source: SourceView;
  readonly #doubts: Doubts;
  readonly #resting: Resting;
  readonly #options: FeedRoundOptions;
  readonly #problems: StandingProblems<SidedProblem>;
  /** Deletions carried out lately. */
  readonly #deleted: RecentDeletions;
  #count = 0;
  #open = new OpenRound();
  /** The source as it was when the target was equal to it last. */
  #equal: Snapshot | undefined;
  #halted: GuardError | undefined;
  /** What is still to be recorded. */
  #unrecorded: (() => Promise<void>) | undefined;
  #lastRecord = -Infinity;

  constructor(surroundings: Surroundings, options: FeedRoundOptions) {
    const { feed, source, doubts, resting } = surroundings;
    this.#feed = feed;
    this.#source = source;
    this.#doubts = doubts;
    this.#resting = resting;
    this.#options = options;
    this.#problems = new StandingProblems(resting);
    this.#deleted = new RecentDeletions(options.clock);
  }

  /** How many rounds were told of. */
  get count(): number {
    return this.#count;
  }

  /** Why nothing is carried out any more, if it is not. */
  get halted(): GuardError | undefined {
    return this.#halted;
  }

  /** What was left out of the last round, on either side. */
  get problems(): readonly SidedProblem[] {
    return this.#problems.all;
  }

  /**
   * Makes `target` equal to `version`, but for what is left out.
   * @throws {SyncError} If a side fails as a whole; what the target has then is
   *   not known.
   */
  async carryOut(
    target: KnownTarget,
    version: Version,
    signal: AbortSignal,
  ): Promise<RoundEnd> {
    try {
      const isThrough = await this.#round(target, version, signal);
      return isThrough ? "through" : "midway";
    } catch (error) {
      if (signal.aborted || !(error instanceof GuardError)) throw error;
      if (this.#halted === undefined) this.#options.onHalted(error);
      this.#halted = error;
      return "halted";
    }
  }

  /** Records the last round that came to its end, if that was not done yet. */
  async record(): Promise<void> {
    const record = this.#unrecorded;
    if (record === undefined) return;
    this.#unrecorded = undefined;
    this.#lastRecord = this.#options.clock.now();
    await record();
  }

  /** One round; whether nothing was put off. */
  async #round(
    target: KnownTarget,
    version: Version,
    signal: AbortSignal,
  ): Promise<boolean> {
    const source = await this.#source.open();
    const { clock, onEvent, onBrokenOff } = this.#options;
    const start = clock.now();
    const { comparison, there, origins } = await this.#compare(
      source,
      target,
      version,
      signal,
    );
    const { moves, modes } = comparison;
    const awake = this.#awake(comparison);
    const guards = await this.#options.guards();
    const reviewed = reviewRound(
      { ...comparison, changes: awake },
      guards,
      this.#deleted.current(),
    );
    this.#halted = undefined;
    let { changes } = reviewed;

    if (moves.length + changes.length > 0) {
      const totals = totalsOfChanges(changes, modes, moves.length);
      onEvent?.({ kind: "planned", round: this.#count + 1, totals });
    }
    let before = there;
    if (moves.length > 0) {
      const moved = await this.#move(
        source,
        target,
        { comparison, there },
        signal,
      );
      if (moved === undefined) {
        return await this.#round(target, version, signal);
      }
      before = moved.before;
      changes = withCtimes(changes, moves, moved.ctimes);
    }
    const { achieved, postponed, failure, problems: failed } =
      changes.length === 0 ? NOTHING_SENT : await this.#send(
        { source, target, before, version, modes, changes },
        signal,
      );
    const isThrough = postponed.length === 0;
    const left = new Set(postponed.map(({ path }) => path));
    this.#doubts.settle((path) =>
      this.#resting.has(path) || left.has(path) || origins.has(path)
    );
    const problems = this.#withResting([
      ...this.#open.kept,
      ...reviewed.problems,
      ...failed.map(onSide("target")),
    ]);
    for (const { side, problem } of this.#problems.replace(problems)) {
      onEvent?.({ kind: "problem", side, problem });
    }
    if (isThrough) {
      this.#unrecorded = async (): Promise<void> => {
        for (const guard of guards) await guard.completed(comparison);
      };
    }
    await this.#tell({
      source,
      comparison,
      changes,
      moves: movedAt(comparison.source.root, moves),
      achieved: [...madeBy(moves), ...achieved],
      problems: [...problems, ...postponed.map(asPostponed)],
    });

    const open = this.#open;
    const hasDone = open.isMidway || hasChanges(open.tally.totals);
    open.isMidway = !isThrough;
    if (failure !== undefined) throw failure.error;
    this.#equal = version.snapshot;
    if (!isThrough) {
      // The round is not over: the next version brings the rest of it.
      open.begun ??= start;
      onBrokenOff?.(this.#count + 1);
      return false;
    }
    this.#open = new OpenRound();
    if (hasDone || this.#count === 0 || target.isNew) {
      const { digest } = version.snapshot.root;
      if (digest === undefined) throw new TypeError("A scan gave no digest");
      await this.#tellSynced(target, signal, {
        digest,
        changes: open.tally.totals,
        totals: comparison.source.totals,
        problems: problems.length,
        seconds: (clock.now() - (open.begun ?? start)) / 1_000,
      });
    }
    return true;
  }

  /** What would make the target equal to `version`, and what is known of it now. */
  async #compare(
    source: Endpoint,
    target: KnownTarget,
    version: Version,
    signal: AbortSignal,
  ): Promise<Compared> {
    const { snapshot } = version;
    const { endpoint } = target;
    const modes = source.traits.modes && endpoint.traits.modes;
    const scanOptions = scanOptionsOf(this.#options, modes);
    const seen = await target.snapshot(snapshot, scanOptions, {
      signal,
      onEvent: this.#count === 0 ? this.#options.onEvent : undefined,
    });
    const { here, there } = this.#doubts.mark(snapshot, seen, modes);
    const options = { ...this.#options, signal };
    // What stood elsewhere when both sides were equal is moved there.
    const origins = this.#equal !== undefined && mayMove(endpoint, options)
      ? originsOf(this.#equal.root, snapshot.root)
      : NO_ORIGINS;
    this.#doubts.moveAlong(origins);
    const sides = { here, there, modes };
    const comparison = await compareSnapshots(source, sides, options, {
      origins,
    });
    return { comparison, there, origins };
  }

  /** The changes that are to be carried out now, while others rest. */
  #awake(comparison: Comparison): readonly Change[] {
    const { changes, problems, modes } = comparison;
    this.#resting.keepTo(changes, problems);
    for (const { problem } of problems.filter(isDoubt)) {
      this.#resting.add(problem.path, "stale");
    }
    return awakeChanges(changes, {
      isResting: (path) => this.#resting.has(path),
      modes,
    });
  }

  /**
   * Moves what is to be moved, all of it or else undefined: then the target has to
   * be looked at again, and what was not moved is sent, for want of evidence.
   */
  async #move(
    source: Endpoint,
    target: KnownTarget,
    { comparison, there }: Pick<Compared, "comparison" | "there">,
    signal: AbortSignal,
  ): Promise<
    | { readonly before: Snapshot; readonly ctimes: MoveResult["ctimes"] }
    | undefined
  > {
    const { onEvent } = this.#options;
    const { moves, modes } = comparison;
    const { isAll, moved, ctimes, kept } = await carryOutMoves(
      target.endpoint,
      moves,
      { signal, onEvent },
    );
    if (isAll) {
      const root = applyMoves(there.root, moves, ctimes);
      const before = { ...there, root: withDigests(root, modes) };
      target.learn(before);
      return { before, ctimes };
    }
    this.#open.kept.push(...kept);
    if (moved.length > 0) {
      this.#open.isMidway = true;
      await this.#tell({
        source,
        comparison,
        changes: [],
        moves: movedAt(comparison.source.root, moved),
        achieved: [...madeBy(moved)],
        problems: [],
      });
    }
    this.#equal = undefined;
    target.forget();
    return undefined;
  }

  /** Carries out what is left to do after the moves, and notes what came of it. */
  async #send(work: Work, signal: AbortSignal): Promise<Sent> {
    const { source, target, before, version, modes, changes } = work;
    const { clock, onEvent, observers } = this.#options;
    const { endpoint } = target;
    const unavailable = new Set<RelPath>();
    this.#doubts.sending(changes);
    const result = await carryOutInOrder(source, endpoint, changes, {
      signal,
      root: before.root,
      modes,
      ...(onEvent && { onEvent }),
      ...(observers && { observers }),
      onUnavailable: (path) => unavailable.add(path),
      // Who has to look at the target again after each break had better wait.
      ...(endpoint.follows && {
        interruption: (large): Interruption =>
          new FeedInterruption(this.#feed, version, large, clock),
      }),
    });
    const { achieved, problems, failure } = result;
    for (const { path } of achieved) {
      this.#resting.delete(path);
      this.#doubts.sent(path);
    }
    // Whether somebody else has changed something at the target.
    let isForeign = false;
    for (const problem of problems) {
      const { path, code } = problem;
      const sided = onSide("target")(problem);
      if (code !== "kept") this.#resting.add(path, code, sided);
      if (code === "stale" && !unavailable.has(path)) isForeign = true;
    }
    this.#deleted.add(achieved);
    if (isForeign || failure !== undefined || !endpoint.follows) {
      target.forget();
    } else {
      const root = await endpoint.advance(result.root, result.since, modes);
      if (isWronglyDated(root, changes, problems, modes)) target.forget();
      else {
        target.learn({
          ...before,
          root: this.#doubts.unmark(root, modes),
          totals: totalsAfter(before.totals, achieved),
        });
      }
    }
    return result;
  }

  /** `problems`, and those of paths that rest and are not named in them. */
  #withResting(problems: readonly SidedProblem[]): readonly SidedProblem[] {
    const named = new Set(problems.map(({ problem }) => problem.path));
    const resting = this.#resting.problems();
    return [
      ...problems,
      ...resting.filter(({ problem }) => !named.has(problem.path)),
    ];
  }

  /** Tells of what was done, and counts it. */
  async #tell(round: AppliedRound): Promise<void> {
    const { observers = [] } = this.#options;
    for (const observer of [...observers, this.#open.tally]) {
      await observer.applied(round);
    }
  }

  /** Tells of a round that is over. */
  async #tellSynced(
    target: KnownTarget,
    signal: AbortSignal,
    told: Omit<SyncedRound, "round">,
  ): Promise<void> {
    const { clock, onSynced, isFirstMeant } = this.#options;
    target.isNew = false;
    const round = ++this.#count;
    if (round === 1 && isFirstMeant) this.#deleted.forget();
    onSynced({ round, ...told });
    await target.endpoint.synced({ round, digest: told.digest }, signal);
    if (clock.now() - this.#lastRecord >= RECORD_MS) await this.record();
  }
}

/** A round, over all the tries that it takes. */
class OpenRound {
  /** What was done so far. */
  readonly tally = new RoundTally();
  /** What earlier tries had to keep aside at the target. */
  readonly kept: SidedProblem[] = [];
  /** Whether a try has ended, and the rest is still to come. */
  isMidway = false;
  /** When it was begun, if it was put off. */
  begun: number | undefined;
}

/** What is to be done. */
interface Compared {
  readonly comparison: Comparison;
  /** What the target has. */
  readonly there: Snapshot;
  /** What of the source stood elsewhere. */
  readonly origins: Origins;
}

/** Changes that are to be carried out. */
interface Work {
  readonly source: Endpoint;
  readonly target: KnownTarget;
  /** What the target has. */
  readonly before: Snapshot;
  /** What it is to have. */
  readonly version: Version;
  readonly modes: boolean;
  readonly changes: readonly Change[];
}

type Sent = Pick<
  CarriedOut,
  "achieved" | "postponed" | "failure" | "problems"
>;

const NOTHING_SENT: Sent = {
  achieved: [],
  postponed: [],
  failure: undefined,
  problems: [],
};

/** A deletion that the source could not confirm. */
function isDoubt({ side, problem }: SidedProblem): boolean {
  return side === "source" && problem.code === "stale";
}
