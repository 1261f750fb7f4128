/**
 * One target of a watch: carries out there what the feed of the source brings,
 * round after round. What it knows of the target is what it has seen there once,
 * and what transitions have achieved since; where that turns out to be wrong, it
 * looks at the target again. It holds no queue: who was away for long needs one
 * round, like who was away for a moment.
 */
import {
  addChanges,
  type Change,
  isIdle,
  NO_CHANGES,
  sameContent,
  totalsOfChanges,
} from "../core/change.ts";
import type { Clock } from "../core/clock.ts";
import { withDigests } from "../core/apply_changes.ts";
import { type DirectoryEntry, type Totals, totalsOf } from "../core/entry.ts";
import type { IgnoreTree } from "../core/ignore_tree.ts";
import { applyMoves, madeBy, type Move } from "../core/moves.ts";
import { NO_ORIGINS, originsOf } from "../core/origins.ts";
import type { RelPath } from "../core/path.ts";
import { entryAt, type Snapshot } from "../core/snapshot.ts";
import { doubted, renewed, suspectsBetween } from "../core/suspects.ts";
import { TreeEdit } from "../core/edit_tree.ts";
import { asError, FileSystemError, GuardError, messageOf } from "../errors.ts";
import { RacyReads } from "../fs/racy_reads.ts";
import {
  asPostponed,
  carryOutInOrder,
  type Interruption,
} from "./carry_out_in_order.ts";
import { carryOutMoves, movedAt, withCtimes } from "./carry_out_moves.ts";
import {
  type CompareOptions,
  compareSnapshots,
  mayMove,
  onSide,
  refuseOwners,
  scanOptionsOf,
  scanTarget,
  withoutIgnored,
} from "./compare_sides.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Comparison, SidedProblem, SyncedRound } from "./events.ts";
import type { Feed, Version } from "./feed.ts";
import { FeedInterruption } from "./interruption.ts";
import type { LocalEndpoint } from "./local_endpoint.ts";
import { RecentDeletions } from "./recent_deletions.ts";
import { Resting } from "./resting.ts";
import type { RoundGuard } from "./round_guard.ts";
import type { RoundObserver } from "./round_observer.ts";

/** The record of completed rounds is written no more often than this. */
const RECORD_MS = 30_000;

/** After a failure of the target as a whole: from, up to. */
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 30_000;

/** What stays stale this often is worth a word. */
const PATIENT_TRIES = 9;

/** How to follow a source. */
export interface FollowOptions extends CompareOptions {
  readonly clock: Clock;
  /** The clock by which the source dates files, in milliseconds since 1970. */
  readonly timeOfDay?: () => number;
  /** Hear what each round has done. */
  readonly observers?: readonly RoundObserver[];
  /** Makes the guards of one round. */
  readonly guards: () => Promise<readonly RoundGuard[]>;
  /** Whether what the first complete round deletes was allowed: it is no part of a burst. */
  readonly isFirstMeant?: boolean;
  /** Milliseconds between looks at what others did at the target; 0: none. */
  readonly repairMs: number;
  /**
   * Whether to go on with the same target after it has failed as a whole; else
   * whoever opened it is to do that anew.
   */
  readonly staysOnFailure: boolean;
  /** Hears of each round that did something, and of the first. */
  readonly onSynced: (round: SyncedRound) => void;
  /** Hears that the rest of a round, which is large, was put off. */
  readonly onBrokenOff?: (round: number) => void;
  /** Hears why nothing is carried out any more, once until it is again. */
  readonly onHalted: (error: GuardError) => void;
  readonly onWarning: (message: string) => void;
}

/** Follows one source to one target, over any number of connections. */
export class Follower {
  readonly #feed: Feed;
  readonly #options: FollowOptions;
  readonly #resting: Resting;
  #rounds = 0;
  /** The source as it was when a round was begun last. */
  #seen: Snapshot | undefined;
  /** The source as it was when the target was equal to it last. */
  #equal: Snapshot | undefined;
  /** Files that may differ though they look the same, until they were sent. */
  readonly #suspects = new Set<RelPath>();
  /** Files that were sent so soon after a change that another one could hide. */
  readonly #racy: RacyReads;
  /** Whether suspects were found since the last try. */
  #hasFound = false;
  #halted: GuardError | undefined;
  /** Why the last try failed, if it did. */
  #failure: Error | undefined;
  /** The number of the version that was carried out last, by whatever connection. */
  #carriedOut = 0;
  /** The same of the last one of which nothing was put off. */
  #reached = 0;
  #problems: readonly SidedProblem[] = [];
  /** Problems that were told of and still stand. */
  #told = new Set<string>();
  #warned: string | undefined;
  /** Deletions carried out lately. */
  readonly #deleted: RecentDeletions;
  #lastRecord = -Infinity;
  /** What was done in a round that was broken off, and is to be told of at its end. */
  #untold = NO_CHANGES;
  #isMidway = false;
  /** When the round was begun that was broken off. */
  #begun: number | undefined;
  /** A view of the feed's source, and of which one. */
  #view: { of: LocalEndpoint; endpoint: LocalEndpoint } | undefined;
  /** What is still to be recorded. */
  #unrecorded: (() => Promise<void>) | undefined;

  constructor(feed: Feed, options: FollowOptions) {
    this.#feed = feed;
    this.#options = options;
    this.#resting = new Resting(options.clock);
    this.#deleted = new RecentDeletions(options.clock);
    this.#racy = new RacyReads(options.timeOfDay);
  }

  /** How many rounds were carried out. */
  get rounds(): number {
    return this.#rounds;
  }

  /**
   * The number of the last version that was carried out, but for what `problems`
   * names; 0: none.
   */
  get reached(): number {
    return this.#reached;
  }

  /** Why it stands still, if it does. */
  get halted(): GuardError | undefined {
    return this.#halted;
  }

  /**
   * Why the target is behind: the failure of the last try, while there is
   * something that was not carried out.
   */
  get failure(): Error | undefined {
    const newest = this.#feed.version?.number ?? 0;
    return this.#carriedOut < newest ? this.#failure : undefined;
  }

  /** Says that what leads to the target has failed. */
  fail(error: unknown): void {
    this.#failure = asError(error);
  }

  /** What was left out of the last round, on either side. */
  get problems(): readonly SidedProblem[] {
    return this.#problems;
  }

  /**
   * Keeps `target` equal to the source until the signal aborts. To be called
   * again with a new endpoint after it has failed.
   * @throws {SyncError} If the target, or the way to it, fails.
   */
  async follow(target: Endpoint, signal: AbortSignal): Promise<void> {
    refuseOwners(target, this.#options);
    const course = new Course(target);
    try {
      while (!signal.aborted) {
        await this.#wait(course, signal);
        if (signal.aborted) break;
        await this.#reread();
        if (this.#isDue(course)) await this.#try(course, signal);
      }
    } catch (error) {
      if (!signal.aborted) this.#failure = asError(error);
      throw error;
    } finally {
      await this.#record();
      await this.#leaveSource();
    }
  }

  /** The source as this target is given it: numbers are not to be mixed with others'. */
  async #source(): Promise<LocalEndpoint> {
    const { source } = this.#feed;
    if (this.#view?.of === source) return this.#view.endpoint;
    await this.#leaveSource();
    const endpoint = source.view(this.#racy);
    this.#view = { of: source, endpoint };
    return endpoint;
  }

  async #leaveSource(): Promise<void> {
    const view = this.#view;
    this.#view = undefined;
    await view?.endpoint.close({ kind: "done", message: "" });
  }

  /** Until there is something new, or something is due. */
  async #wait(course: Course, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    if (this.#isDue(course)) return;
    const ms = Math.min(
      this.#nextTry(course) - clock.now(),
      this.#racy.wait ?? Infinity,
    );
    const number = course.pausedUntil === undefined ? course.done : Infinity;
    const wait = new AbortController();
    const stop = (): void => wait.abort();
    const cancel = ms === Infinity
      ? undefined
      : clock.after(Math.max(0, ms), stop);
    signal.addEventListener("abort", stop);
    await this.#feed.newer(number, wait.signal);
    signal.removeEventListener("abort", stop);
    cancel?.();
  }

  /** When a round is to be tried, though there is nothing new. */
  #nextTry({ pausedUntil = Infinity, nextRepair }: Course): number {
    return Math.min(this.#resting.due, pausedUntil, nextRepair);
  }

  #isDue(course: Course): boolean {
    if (this.#options.clock.now() >= this.#nextTry(course)) return true;
    if (course.pausedUntil !== undefined) return false;
    return course.isBehind(this.#feed) || this.#hasFound;
  }

  /** Looks again at what was sent too early to be sure of. */
  async #reread(): Promise<void> {
    if (this.#racy.wait !== 0) return;
    const source = await this.#source();
    for (const path of await source.reread()) {
      this.#suspects.add(path);
      this.#hasFound = true;
    }
  }

  async #try(course: Course, signal: AbortSignal): Promise<void> {
    const { clock, staysOnFailure, onWarning, repairMs } = this.#options;
    const version = this.#feed.version;
    if (version === undefined) return;
    if (clock.now() >= course.nextRepair) course.model = undefined;
    if (course.model === undefined && repairMs > 0) {
      course.nextRepair = clock.now() + repairMs;
    }
    course.pausedUntil = undefined;
    this.#hasFound = false;
    this.#feed.relook(this.#resting.wake());
    try {
      await this.#round(course, version, signal);
      this.#resting.settle();
      course.failures = 0;
      this.#warned = undefined;
    } catch (error) {
      if (signal.aborted) throw error;
      // A guard speaks before anything is changed; else, what the target has now
      // is not known.
      if (!(error instanceof GuardError)) course.model = undefined;
      if (error instanceof GuardError) {
        if (this.#halted === undefined) this.#options.onHalted(error);
        this.#halted = error;
      } else if (
        error instanceof FileSystemError && staysOnFailure && this.#rounds > 0
      ) {
        const pause = FIRST_PAUSE_MS * 2 ** course.failures++;
        course.pausedUntil = clock.now() + Math.min(pause, MAX_PAUSE_MS);
        this.#failure = error;
        course.done = version.number;
        const text = messageOf(error);
        if (text !== this.#warned) onWarning(text);
        this.#warned = text;
        return;
      } else throw error;
    }
    course.done = version.number;
    this.#carriedOut = version.number;
    if (!this.#isMidway && this.#halted === undefined) {
      this.#reached = version.number;
    }
    this.#failure = undefined;
  }

  async #round(
    course: Course,
    version: Version,
    signal: AbortSignal,
  ): Promise<void> {
    const feed = this.#feed;
    const source = await this.#source();
    const { clock, onSynced, onEvent, observers } = this.#options;
    const { target } = course;
    const start = clock.now();
    const modes = source.traits.modes && target.traits.modes;
    const seen = await this.#modelFor(course, version.snapshot, modes, signal);
    const { here, there, doubts } = this.#withDoubts(
      version.snapshot,
      seen,
      modes,
    );
    const options = { ...this.#options, signal };
    // What stood elsewhere when both sides were equal is moved there.
    const origins = this.#equal !== undefined && mayMove(target, options)
      ? originsOf(this.#equal.root, version.snapshot.root)
      : NO_ORIGINS;
    // A doubt goes along with what it is about.
    for (const [to, from] of origins) {
      if (this.#suspects.has(from)) this.#suspects.add(to);
    }
    const comparison = await compareSnapshots(
      source,
      { here, there, modes },
      options,
      { origins },
    );
    const { moves } = comparison;
    this.#resting.keepTo(comparison.changes, comparison.problems);
    const doubted = comparison.problems.filter(isDoubt);
    for (const { problem } of doubted) this.#resting.add(problem.path, "stale");
    let { changes } = comparison;
    let problems = comparison.problems;
    const awake = changes.filter(({ path }) => !this.#resting.has(path));
    // A directory is not to be dated anew only because of what rests in it.
    const isIdleOnly = moves.length === 0 &&
      awake.every((change) => isIdle(change, modes));
    changes = isIdleOnly ? [] : awake;

    const guards = await this.#options.guards();
    const reviewed = this.#review(guards, { ...comparison, changes });
    changes = reviewed.changes;
    problems = problems.concat(reviewed.problems);
    this.#halted = undefined;

    const isFirst = this.#rounds === 0;
    let achieved: readonly Change[] = [];
    let { root } = there;
    if (moves.length + changes.length > 0) {
      const totals = totalsOfChanges(changes, modes, moves.length);
      onEvent?.({ kind: "planned", round: this.#rounds + 1, totals });
    }
    if (moves.length > 0) {
      const moved = await carryOutMoves(target, moves, { signal, onEvent });
      if (!moved.isAll) {
        await this.#tellMoved(source, comparison, moved.moved);
        // It has to be looked at again; without evidence all else is sent.
        this.#equal = undefined;
        course.model = undefined;
        return await this.#round(course, version, signal);
      }
      root = withDigests(applyMoves(root, moves, moved.ctimes), modes);
      course.model = target.follows ? { ...there, root } : undefined;
      changes = withCtimes(changes, moves, moved.ctimes);
    }
    let postponed: readonly Change[] = [];
    let failure: { readonly error: unknown } | undefined;
    if (changes.length > 0) {
      const unavailable = new Set<RelPath>();
      const result = await carryOutInOrder(source, target, changes, {
        signal,
        root,
        modes,
        ...(onEvent && { onEvent }),
        ...(observers && { observers }),
        onUnavailable: (path) => unavailable.add(path),
        // Who has to look at the target again after each break had better wait.
        ...(target.follows && {
          interruption: (large): Interruption =>
            new FeedInterruption(feed, version, large, clock),
        }),
      });
      ({ achieved, postponed, failure } = result);
      problems = problems.concat(result.problems.map(onSide("target")));
      const settled = new Set(achieved.map(({ path }) => path));
      for (const path of settled) {
        this.#resting.delete(path);
        if (doubts.has(path)) this.#suspects.delete(path);
      }
      let isForeign = false;
      for (const problem of result.problems) {
        const { path, code } = problem;
        const sided = onSide("target")(problem);
        if (code !== "kept") this.#resting.add(path, code, sided);
        if (code === "stale" && !unavailable.has(path)) isForeign = true;
      }
      this.#deleted.add(achieved);
      const isKnown = !isForeign && failure === undefined && target.follows;
      course.model = !isKnown ? undefined : {
        ...there,
        root: withoutDoubts(
          await target.advance(result.root, result.since, modes),
          doubts,
          modes,
        ),
        totals: totalsAfter(there.totals, achieved),
      };
    }
    const isThrough = postponed.length === 0;
    const left = new Set(postponed.map(({ path }) => path));
    for (const path of this.#suspects) {
      // What is different anyway is sent anyway.
      const isOpen = doubts.has(path) || this.#resting.has(path) ||
        left.has(path) || origins.has(path);
      if (!isOpen) this.#suspects.delete(path);
    }
    const named = new Set(problems.map(({ problem }) => problem.path));
    problems = problems.concat(
      this.#resting.problems().filter(({ problem }) =>
        !named.has(problem.path)
      ),
    );
    this.#tellProblems(problems);
    if (isThrough) this.#recordLater(guards, comparison);
    for (const observer of observers ?? []) {
      await observer.applied({
        source,
        comparison,
        changes,
        moves: movedAt(here.root, moves),
        achieved: [...madeBy(moves), ...achieved],
        problems: [...problems, ...postponed.map(asPostponed)],
      });
    }
    const done = totalsOfChanges(
      [...madeBy(moves), ...achieved],
      modes,
      moves.length,
    );
    const hasDone = moves.length > 0 || this.#isMidway ||
      achieved.some((change) => !isIdle(change, modes));
    this.#untold = addChanges(this.#untold, done);
    this.#isMidway = !isThrough;
    if (failure !== undefined) throw failure.error;
    this.#equal = version.snapshot;
    if (!isThrough) {
      // The round is not over: the next version brings the rest of it.
      this.#begun ??= start;
      this.#options.onBrokenOff?.(this.#rounds + 1);
      return;
    }
    const told = this.#untold;
    const begun = this.#begun ?? start;
    this.#untold = NO_CHANGES;
    this.#begun = undefined;
    if (!hasDone && !isFirst && !course.isNew) return;
    course.isNew = false;
    const round = ++this.#rounds;
    if (isFirst && this.#options.isFirstMeant) this.#deleted.forget();
    const { digest } = version.snapshot.root;
    if (digest === undefined) throw new TypeError("A scan gave no digest");
    onSynced({
      round,
      digest,
      changes: told,
      totals: here.totals,
      problems: problems.length,
      seconds: (clock.now() - begun) / 1_000,
    });
    await target.synced({ round, digest }, signal);
    if (clock.now() - this.#lastRecord >= RECORD_MS) await this.#record();
  }

  /**
   * Both trees, in which files of which only the source knows that they may have
   * changed count as different, however equal they look: so they are sent.
   */
  #withDoubts(
    here: Snapshot,
    there: Snapshot,
    modes: boolean,
  ): { here: Snapshot; there: Snapshot; doubts: ReadonlySet<RelPath> } {
    // From now on the target may have what is there now, whatever comes of this.
    for (
      const path of suspectsBetween(this.#seen?.root ?? here.root, here.root)
    ) {
      this.#suspects.add(path);
    }
    this.#seen = here;
    const doubts = new Set<RelPath>();
    const ours = new TreeEdit(here.root, modes);
    const theirs = new TreeEdit(there.root, modes);
    for (const path of this.#suspects) {
      const old = entryAt(there.root, path);
      const now = entryAt(here.root, path);
      if (old?.kind !== "file" || now?.kind !== "file") continue;
      if (!sameContent(old, now)) continue;
      theirs.put(path, doubted(old));
      ours.put(path, renewed(now));
      doubts.add(path);
    }
    if (doubts.size === 0) return { here, there, doubts };
    return {
      here: { ...here, root: ours.finish() },
      there: { ...there, root: theirs.finish() },
      doubts,
    };
  }

  /** What the target has, as far as it is not ignored. */
  async #modelFor(
    course: Course,
    here: Version["snapshot"],
    modes: boolean,
    signal: AbortSignal,
  ): Promise<Snapshot> {
    if (course.model !== undefined && course.rules === here.ignoreTree) {
      return course.model;
    }
    const scanOptions = scanOptionsOf(this.#options, modes);
    const onEvent = this.#rounds === 0 ? this.#options.onEvent : undefined;
    const audience = { signal, onEvent };
    const { there } = await scanTarget(
      course.target,
      Promise.resolve(here),
      scanOptions,
      audience,
    );
    onEvent?.({ kind: "scanned", side: "source", totals: here.totals });
    onEvent?.({ kind: "scanned", side: "target", totals: there.totals });
    course.model = withoutIgnored(here, there, scanOptions);
    course.rules = here.ignoreTree;
    return course.model;
  }

  /** Tells of what was moved, where the rest of a round has to be found anew. */
  async #tellMoved(
    source: Endpoint,
    comparison: Comparison,
    moves: readonly Move[],
  ): Promise<void> {
    if (moves.length === 0) return;
    const achieved = [...madeBy(moves)];
    const done = totalsOfChanges(achieved, comparison.modes, moves.length);
    this.#untold = addChanges(this.#untold, done);
    this.#isMidway = true;
    for (const observer of this.#options.observers ?? []) {
      await observer.applied({
        source,
        comparison,
        changes: [],
        moves: movedAt(comparison.source.root, moves),
        achieved,
        problems: [],
      });
    }
  }

  /** Asks the guards, as if what was deleted lately were part of this round. */
  #review(
    guards: readonly RoundGuard[],
    comparison: Comparison,
  ): Pick<Comparison, "changes" | "problems"> {
    const deleted = this.#deleted.current();
    const lately = new Set(deleted);
    const { target } = comparison;
    const before = target === undefined ? undefined : {
      ...target,
      totals: totalsAfter(target.totals, deleted, -1),
    };
    let { changes } = comparison;
    const problems: SidedProblem[] = [];
    for (const guard of guards) {
      const reviewed = guard.review({
        ...comparison,
        target: before,
        changes: [...deleted, ...changes],
      });
      changes = reviewed.changes.filter((change) => !lately.has(change));
      problems.push(...reviewed.problems.map(onSide("source")));
    }
    return { changes, problems };
  }

  /** Tells of problems that are new; what may settle by itself gets time to. */
  #tellProblems(problems: readonly SidedProblem[]): void {
    const standing = problems.filter(({ problem }) =>
      problem.code !== "stale" ||
      this.#resting.tries(problem.path) >= PATIENT_TRIES
    );
    const told = new Set<string>();
    for (const { side, problem } of standing) {
      const key = `${side} ${problem.path} ${problem.message}`;
      told.add(key);
      if (this.#told.has(key)) continue;
      this.#options.onEvent?.({ kind: "problem", side, problem });
    }
    this.#told = told;
    this.#problems = problems;
  }

  #recordLater(
    guards: readonly RoundGuard[],
    comparison: Comparison,
  ): void {
    this.#unrecorded = async () => {
      for (const guard of guards) await guard.completed(comparison);
    };
  }

  async #record(): Promise<void> {
    const record = this.#unrecorded;
    if (record === undefined) return;
    this.#unrecorded = undefined;
    this.#lastRecord = this.#options.clock.now();
    await record();
  }
}

/** The way with one endpoint. */
class Course {
  readonly target: Endpoint;
  /** What the target has, less what is ignored; undefined: it has to be looked at. */
  model: Snapshot | undefined;
  /** The rules by which the model leaves things out. */
  rules: IgnoreTree | undefined;
  /** The number of the version that was carried out last. */
  done = 0;
  /** Whether it has not heard of any round yet. */
  isNew = true;
  failures = 0;
  pausedUntil: number | undefined;
  nextRepair = Infinity;

  constructor(target: Endpoint) {
    this.target = target;
  }

  isBehind(feed: Feed): boolean {
    return (feed.version?.number ?? 0) > this.done;
  }
}

/** The tree `root`, in which nothing is in doubt any more. */
function withoutDoubts(
  root: DirectoryEntry,
  doubts: ReadonlySet<RelPath>,
  modes: boolean,
): DirectoryEntry {
  const edit = new TreeEdit(root, modes);
  for (const path of doubts) {
    const entry = entryAt(root, path);
    if (entry?.kind === "file") edit.put(path, { ...entry, digest: undefined });
  }
  return edit.finish();
}

/** A deletion that the source could not confirm. */
function isDoubt({ side, problem }: SidedProblem): boolean {
  return side === "source" && problem.code === "stale";
}

/** `totals` of a tree after `changes`, or, with a `sign` of -1, before them. */
function totalsAfter(
  totals: Totals,
  changes: readonly Change[],
  sign: 1 | -1 = 1,
): Totals {
  const sum = { ...totals };
  for (const { old, new: wanted } of changes) {
    if (old?.kind === "directory" && wanted?.kind === "directory") continue;
    for (const [entry, factor] of [[old, -sign], [wanted, sign]] as const) {
      const { directories, files, symlinks, bytes } = totalsOf(entry);
      sum.directories += factor * directories;
      sum.files += factor * files;
      sum.symlinks += factor * symlinks;
      sum.bytes += factor * bytes;
    }
  }
  return sum;
}
