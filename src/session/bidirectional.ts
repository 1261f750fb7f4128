/**
 * The two-way cycle: scan both sides, reconcile them with what they agreed on
 * last, stage what each lacks, carry the changes out on both, and remember what
 * they agree on now. In this order a run may break off anywhere: what one side got
 * already is then an equal edit on both for the next run, and what changes of that
 * which both had was announced before, see `announced.ts`.
 */
import { afterBreak, announcedOf } from "../core/announced.ts";
import { applyChanges } from "../core/apply_changes.ts";
import { allDone } from "../core/all_done.ts";
import { type Change, totalsOfChanges } from "../core/change.ts";
import type { Clock } from "../core/clock.ts";
import {
  type Conflict,
  type ConflictPolicy,
  otherSide,
  SIDES,
  type TwoWaySide,
} from "../core/conflict.ts";
import type { Digest, DirectoryEntry } from "../core/entry.ts";
import { comparePaths, type RelPath, ROOT } from "../core/path.ts";
import type { Problem } from "../core/problem.ts";
import { keepAncestor } from "../core/keep_ancestor.ts";
import { smallOfBoth } from "../core/order_by_size.ts";
import { reconcile, type Reconciliation } from "../core/reconcile.ts";
import type { SettledTrees } from "../core/settled_trees.ts";
import { sleep } from "../core/sleep.ts";
import type { Snapshot } from "../core/snapshot.ts";
import { GuardError } from "../errors.ts";
import { unexplained } from "./achieved.ts";
import type { Ancestry } from "./ancestry.ts";
import { awakeChanges } from "./awake.ts";
import type { Endpoint, TransitionResult } from "./endpoint.ts";
import { handOver } from "./hand_over.ts";
import { LossGuard, type LossGuardOptions } from "./loss_guard.ts";
import { scanTwoWay, type TwoWayScan } from "./scan_two_way.ts";
import { systemClock } from "./system_clock.ts";
import type { TwoWayProblem, TwoWaySummary } from "./two_way_events.ts";

/** Rounds at the most: what is still being changed then is reported. */
const MAX_ROUNDS = 5;

/** How long to leave a tree that is being written to alone, by round. */
const SETTLE_MS = 200;

/** How to make two sides equal. */
export interface BidirectionalOptions extends TwoWayScan, LossGuardOptions {
  readonly policy: ConflictPolicy;
  /** How conflict copies call the sides, in lower-case letters and digits. */
  readonly labels: Readonly<Record<TwoWaySide, string>>;
  /**
   * Hears of the conflicts of a round, before anything is done about them, and may
   * keep versions of alpha elsewhere: it answers which, by path and digest, and
   * beta's version takes their place without a copy.
   */
  readonly keepElsewhere?: (
    conflicts: readonly Conflict[],
  ) => Promise<ReadonlyMap<RelPath, Digest>>;
  /** The time between rounds; that of the system unless said. */
  readonly clock?: Clock;
  /** What runs before have left; only where they follow each other closely. */
  readonly memory?: TwoWayMemory;
}

/**
 * What one run knows from those before it. Runs that have it leave what is being
 * changed to the next one.
 */
export interface TwoWayMemory {
  /** Where nothing has been to be done. */
  readonly settled: SettledTrees;
  /** What beta had last; set by each run. */
  beta: Snapshot | undefined;
  /** Whether a path is left alone for now. */
  isResting(path: RelPath): boolean;
  /** Hears of all that there is to do, and of what is in doubt. */
  keepTo(
    changes: readonly Change[],
    problems: readonly TwoWayProblem[],
  ): void;
  /** Hears of a change that could not be carried out. */
  rest(problem: TwoWayProblem): void;
  /**
   * Whether large changes may be left to the next run, which is to follow at once.
   * The run that does so says no: else what is small could keep them waiting.
   */
  mayPostpone: boolean;
}

/** Two sides of a sync. */
export type Sides = Readonly<Record<TwoWaySide, Endpoint>>;

/** What a round is about to do. */
export interface TwoWayRound {
  readonly snapshots: Readonly<Record<TwoWaySide, Snapshot>>;
  readonly reconciled: Reconciliation;
  /** Changes of each side, less those that could not be confirmed. */
  readonly changes: Readonly<Record<TwoWaySide, readonly Change[]>>;
  readonly problems: readonly TwoWayProblem[];
  /** Whether mode bits count: both file systems keep them. */
  readonly modes: boolean;
}

/** What {@link previewTwoWay} has found. */
export interface TwoWayPreview extends TwoWayRound {
  /** Why a run would halt, if it would. */
  readonly halt: GuardError | undefined;
}

/**
 * Makes both sides equal, each with what the other has changed since they agreed
 * last, and returns when both have confirmed it. What could not be made equal is
 * in the summary's problems and conflicts.
 * @throws {GuardError} If one side would lose more than is usual or allowed;
 *   nothing was changed then.
 * @throws {SyncError} If either side fails as a whole; what was staged is kept.
 */
export async function bidirectional(
  sides: Sides,
  ancestry: Ancestry,
  options: BidirectionalOptions,
): Promise<TwoWaySummary> {
  return await new Bidirectional(sides, ancestry, options).run();
}

/**
 * What {@link bidirectional} would do first; nothing is changed anywhere.
 * @throws {SyncError} If either side can't be read.
 */
export async function previewTwoWay(
  sides: Sides,
  ancestry: Ancestry,
  options: BidirectionalOptions,
): Promise<TwoWayPreview> {
  const work = new Bidirectional(sides, ancestry, options);
  const round = await work.plan();
  try {
    work.guard(round);
    return { ...round, halt: undefined };
  } catch (error) {
    if (!(error instanceof GuardError)) throw error;
    return { ...round, halt: error };
  }
}

class Bidirectional {
  readonly #sides: Sides;
  readonly #ancestry: Ancestry;
  readonly #options: BidirectionalOptions;
  readonly #modes: boolean;
  #ancestor: DirectoryEntry | undefined;
  readonly #achieved = { alpha: [] as Change[], beta: [] as Change[] };
  /** The same, of the last round alone. */
  #latest: Readonly<Record<TwoWaySide, readonly Change[]>> = {
    alpha: [],
    beta: [],
  };
  /** By path: what a round has settled, or what is left. */
  readonly #conflicts = new Map<RelPath, Conflict>();
  /** What was kept elsewhere stays there, whatever later rounds do. */
  readonly #kept: TwoWayProblem[] = [];
  /** Files of alpha that are kept elsewhere. */
  #keptElsewhere: ReadonlyMap<RelPath, Digest> = new Map();
  readonly #losses: LossGuard;

  constructor(
    sides: Sides,
    ancestry: Ancestry,
    options: BidirectionalOptions,
  ) {
    this.#sides = sides;
    this.#ancestry = ancestry;
    this.#options = options;
    this.#modes = sides.alpha.traits.modes && sides.beta.traits.modes;
    this.#ancestor = ancestry.ancestor;
    const names = { alpha: sides.alpha.name, beta: sides.beta.name };
    this.#losses = new LossGuard(names, options);
  }

  async run(): Promise<TwoWaySummary> {
    const { clock = systemClock, signal, memory } = this.#options;
    for (let number = 1;; number++) {
      const round = await this.plan();
      const halt = this.#haltOf(round, number);
      const before = this.#achieved.alpha.length + this.#achieved.beta.length;
      const { problems, isStale } = halt === undefined
        ? await this.#carryOut(round, number)
        : { problems: [...round.problems, halt], isStale: false };
      const achieved = this.#achieved.alpha.length + this.#achieved.beta.length;
      const isPending = round.reconciled.pending.length > 0;
      // Who runs again and again waits elsewhere.
      const goesOn = halt === undefined &&
        (memory === undefined
          ? isStale || isPending
          : isPending && achieved > before);
      if (!goesOn || number === MAX_ROUNDS) {
        return this.#summary(round, problems, number);
      }
      this.#kept.push(...problems.filter(isKept));
      if (isStale) await sleep(number * SETTLE_MS, clock, signal);
      signal?.throwIfAborted();
    }
  }

  /** Looks at both sides, and decides what is to be done. */
  async plan(): Promise<TwoWayRound> {
    const { keepElsewhere } = this.#options;
    const round = await this.#look();
    const { conflicts, pending } = round.reconciled;
    if (
      keepElsewhere === undefined || conflicts.length + pending.length === 0
    ) {
      return round;
    }
    this.#keptElsewhere = await keepElsewhere([...conflicts, ...pending]);
    // Beta may have another version by now: what both had before is worth nothing.
    return this.#keptElsewhere.size === 0 ? round : await this.#look();
  }

  async #look(): Promise<TwoWayRound> {
    const { policy, labels, memory } = this.#options;
    const { snapshots, beta } = await scanTwoWay(this.#sides, this.#modes, {
      ...this.#options,
      known: memory?.beta,
    });
    if (memory !== undefined) memory.beta = beta;
    this.#latest = { alpha: [], beta: [] };
    this.#losses.scanned(snapshots);
    const { announced } = this.#ancestry;
    if (this.#ancestor !== undefined && announced.length > 0) {
      const { alpha, beta } = snapshots;
      const roots = { alpha: alpha.root, beta: beta.root };
      this.#ancestor = afterBreak(this.#ancestor, announced, roots);
    }
    const reconciled = reconcile(
      this.#ancestor,
      snapshots.alpha.root,
      snapshots.beta.root,
      {
        policy,
        labels,
        modes: this.#modes,
        settled: memory?.settled,
        keptElsewhere: this.#keptElsewhere,
      },
    );
    const problems: TwoWayProblem[] = [];
    const changes = {
      alpha: await this.#confirmed("alpha", reconciled, problems),
      beta: await this.#confirmed("beta", reconciled, problems),
    };
    if (memory !== undefined) {
      memory.keepTo([...changes.alpha, ...changes.beta], problems);
      const awake = {
        isResting: (path: RelPath): boolean => memory.isResting(path),
        modes: this.#modes,
      };
      changes.alpha = awakeChanges(changes.alpha, awake);
      changes.beta = awakeChanges(changes.beta, awake);
    }
    for (const side of SIDES) {
      problems.push(
        ...snapshots[side].problems.map(at(side)),
        ...reconciled[side].problems.map(at(side)),
      );
    }
    return { snapshots, reconciled, changes, problems, modes: this.#modes };
  }

  #rest(failures: readonly TwoWayProblem[]): void {
    for (const failure of failures) this.#options.memory?.rest(failure);
  }

  /** @throws {GuardError} If a side would lose more than is usual or allowed. */
  guard(round: TwoWayRound): void {
    this.#losses.check({ ...round, ancestor: this.#ancestor });
  }

  /** "Halted" says that nothing was changed: later on, it is a problem instead. */
  #haltOf(round: TwoWayRound, number: number): TwoWayProblem | undefined {
    try {
      this.guard(round);
      return undefined;
    } catch (error) {
      if (number === 1 || !(error instanceof GuardError)) throw error;
      const message = `What came later was not carried out: ${error.message}`;
      return at("beta")({ path: ROOT, code: "blocked", message });
    }
  }

  /** "Not listed" must be known to mean "not there" before anything is deleted. */
  async #confirmed(
    side: TwoWaySide,
    reconciled: Reconciliation,
    problems: TwoWayProblem[],
  ): Promise<readonly Change[]> {
    const { changes, absences } = reconciled[side];
    if (absences.length === 0) return changes;
    const other = otherSide(side);
    const doubts = await this.#sides[other].confirmAbsent(
      [...absences].sort(comparePaths),
      this.#options.signal,
    );
    if (doubts.length === 0) return changes;
    problems.push(...doubts.map(at(other)));
    this.#rest(doubts.map(at(other)));
    const doubted = new Set(doubts.map(({ path }) => path));
    return changes.filter(({ path, new: wanted }) =>
      wanted !== undefined || !doubted.has(path)
    );
  }

  /**
   * `round`, but where more runs follow only what is small of it, if anything is:
   * nobody waits for a small file because a large one is on its way.
   */
  #smallFirst(round: TwoWayRound): TwoWayRound {
    const { memory } = this.#options;
    if (memory?.mayPostpone !== true) return round;
    const changes = smallOfBoth(round.changes, this.#modes);
    if (changes === undefined) return round;
    memory.mayPostpone = false;
    return { ...round, changes };
  }

  async #carryOut(
    whole: TwoWayRound,
    number: number,
  ): Promise<{
    readonly problems: readonly TwoWayProblem[];
    readonly isStale: boolean;
  }> {
    const { onEvent, signal } = this.#options;
    const round = this.#smallFirst(whole);
    const { reconciled, changes } = round;
    onEvent?.({
      kind: "planned",
      round: number,
      changes: {
        alpha: totalsOfChanges(changes.alpha, this.#modes),
        beta: totalsOfChanges(changes.beta, this.#modes),
      },
    });
    // First all content, then the changes: what one side reads must not move yet.
    await allDone([this.#announce(changes), this.#stage(round)]);
    const busy = SIDES.filter((side) => changes[side].length > 0);
    if (busy.length > 0) onEvent?.({ kind: "applying" });
    const problems = [...round.problems];
    const failed: Change[] = [];
    for (const side of SIDES) {
      let result: TransitionResult | undefined;
      if (changes[side].length > 0) {
        result = await this.#sides[side].transition(changes[side], signal);
        const failures = [
          ...result.problems.map(at(side)),
          ...unexplained(changes[side], result).map(at(side)),
        ];
        problems.push(...failures);
        this.#rest(failures);
      }
      this.#sort(side, round, result, failed);
    }
    await this.#remember(reconciled, failed);
    const open = new Set(failed.map(({ path }) => path));
    for (const conflict of reconciled.conflicts) {
      // What could not be settled now is met again by the run that can.
      const isLater = this.#options.memory !== undefined &&
        conflict.winner !== undefined && open.has(conflict.path);
      if (!isLater) this.#conflicts.set(conflict.path, conflict);
    }
    const isStale = problems.some(({ problem }) => problem.code === "stale");
    return { problems, isStale };
  }

  /** Has it on record what of the ancestor is about to change at either side. */
  async #announce(changes: TwoWayRound["changes"]): Promise<void> {
    const ancestry = this.#ancestry;
    if (this.#ancestor === undefined) return;
    // What was announced before has come true, or not.
    if (this.#ancestor !== ancestry.ancestor) {
      await ancestry.save(this.#ancestor);
    }
    const announced = announcedOf(this.#ancestor, changes);
    if (announced.length === 0 && ancestry.announced.length === 0) return;
    await ancestry.announce(announced);
  }

  async #stage({ changes, reconciled }: TwoWayRound): Promise<void> {
    const { onEvent, signal } = this.#options;
    let files = 0;
    let bytes = 0;
    for (const side of SIDES) {
      if (changes[side].length === 0) continue;
      const { origins } = reconciled[side];
      const giver = this.#sides[otherSide(side)];
      const before = { files, bytes };
      await handOver(giver, this.#sides[side], changes[side], {
        origins,
        signal,
        onProgress(done): void {
          files = before.files + done.files;
          bytes = before.bytes + done.bytes;
          onEvent?.({ kind: "transfer", files, bytes, path: done.path });
        },
      });
    }
  }

  /** Tells changes that were carried out in full from those that were not. */
  #sort(
    side: TwoWaySide,
    { changes, reconciled }: TwoWayRound,
    result: TransitionResult | undefined,
    failed: Change[],
  ): void {
    const done = new Set<Change>();
    for (const [i, change] of changes[side].entries()) {
      if (result?.done[i] !== 1) continue;
      done.add(change);
      this.#achieved[side].push(change);
    }
    this.#latest = { ...this.#latest, [side]: [...done] };
    for (const change of reconciled[side].changes) {
      if (!done.has(change)) failed.push(change);
    }
    if (done.size === 0) return;
    this.#losses.carriedOut(side, done);
    const { memory } = this.#options;
    if (side === "alpha" || memory?.beta === undefined) return;
    // A guess: it spares the question of what the other end has become.
    const root = applyChanges(memory.beta.root, done, this.#modes);
    memory.beta = { ...memory.beta, root };
  }

  /** Both sides have said that their changes are safe: so may be the memory of it. */
  async #remember(
    { ancestor }: Reconciliation,
    failed: readonly Change[],
  ): Promise<void> {
    const before = this.#ancestor;
    const agreed = failed.length === 0
      ? ancestor
      : keepAncestor(ancestor, before, failed);
    if (agreed === before) return;
    await this.#ancestry.save(agreed);
    this.#ancestor = agreed;
  }

  #summary(
    round: TwoWayRound,
    problems: readonly TwoWayProblem[],
    rounds: number,
  ): TwoWaySummary {
    const { onEvent, memory } = this.#options;
    // Those that no round came to settle are left as they are.
    const unsettled = memory === undefined ? round.reconciled.pending : [];
    for (const pending of unsettled) {
      const reason = "its versions could not be kept beside each other";
      const left = { ...pending, winner: undefined, copies: [], reason };
      this.#conflicts.set(pending.path, left);
    }
    const conflicts = [...this.#conflicts.values()]
      .sort((a, b) => comparePaths(a.path, b.path));
    const all = [...this.#kept, ...problems]
      .sort((a, b) => comparePaths(a.problem.path, b.problem.path));
    for (const conflict of conflicts) onEvent?.({ kind: "conflict", conflict });
    for (const { side, problem } of all) {
      onEvent?.({ kind: "problem", side, problem });
    }
    return {
      changes: {
        alpha: totalsOfChanges(this.#achieved.alpha, this.#modes),
        beta: totalsOfChanges(this.#achieved.beta, this.#modes),
      },
      totals: round.snapshots.alpha.totals,
      digest: applyChanges(
        round.snapshots.alpha.root,
        this.#latest.alpha,
        this.#modes,
      ).digest!,
      rounds,
      conflicts,
      problems: all,
    };
  }
}

function isKept({ problem }: TwoWayProblem): boolean {
  return problem.code === "kept";
}

function at(side: TwoWaySide): (problem: Problem) => TwoWayProblem {
  return (problem) => ({ side, problem });
}
