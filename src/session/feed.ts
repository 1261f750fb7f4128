/**
 * The source of a watch: one scan, one watch and one current snapshot, for any
 * number of targets that follow it (`follow.ts`). Events only say where to look;
 * what is lost of them is found by the scans in between.
 */
import type { Clock } from "../core/clock.ts";
import { displayPath, type RelPath } from "../core/path.ts";
import { sleep, sleepBriefly } from "../core/sleep.ts";
import { entryAt, type ScanOptions } from "../core/snapshot.ts";
import { FileSystemError, isFileSystemError, messageOf } from "../errors.ts";
import { DirtyPaths } from "../fs/dirty_paths.ts";
import type { ScannedSnapshot } from "../fs/scan.ts";
import { isIgnoredIn } from "../fs/watch.ts";
import { GitLocks } from "./git_locks.ts";
import type { LocalEndpoint } from "./local_endpoint.ts";
import { LookSchedule, MOMENT_MS } from "./look_schedule.ts";
import { SourceReader, VANISHED_MS } from "./source_reader.ts";
import {
  ROOT_WAIT_MS,
  type SourceEvent,
  type SourcePlace,
  WatchedRoot,
} from "./watched_root.ts";

/** Timers take no more. */
const MAX_TIMER_MS = 60_000;

/** So many paths that can't be read are tried again by themselves. */
const MAX_RETRIED = 1_000;

/** In a path it stands for bytes that are not UTF-8: only a listing tells of these. */
const REPLACEMENT = "\ufffd";

/** More dirty paths than this take a while. */
const MANY_PATHS = 100;

/** A directory is listed as a whole where that is no more than so many times the work. */
const LISTED_SHARE = 4;

/** For so long they are left until somebody has time for what they bring. */
const MAX_BUSY_MS = 1_000;

/** The source at one moment. */
export interface Version {
  /** From 1; each differs from the one before. */
  readonly number: number;
  readonly snapshot: ScannedSnapshot;
}

/** What a {@link Feed} is given. */
export interface FeedOptions {
  readonly scan: ScanOptions;
  readonly place: SourcePlace;
  readonly clock: Clock;
  /** Milliseconds between whole scans; 0: none. */
  readonly rescanMs: number;
  readonly signal: AbortSignal;
  readonly onEvent: (event: SourceEvent) => void;
}

/**
 * Watches one source. Whoever made it calls {@link run} once, and closes it. When to
 * look is for its schedule to say, what there is for its reader, and whether there is
 * a root at all for that; here all this is put to work, and what is new gets a number.
 */
export class Feed {
  readonly #options: FeedOptions;
  readonly #schedule: LookSchedule;
  readonly #reader: SourceReader;
  readonly #root: WatchedRoot;
  readonly #locks = new GitLocks();
  #version: Version | undefined;
  readonly #waiting = new Set<() => void>();
  /** How many paths are being looked at, and how many looks are through. */
  #looking = 0;
  #looks = 0;
  /** Called as soon as somebody waits. */
  #onWaiting: (() => void) | undefined;
  #wake: (() => void) | undefined;
  /** Looks that were asked for, and how many of them are through. */
  #asked = 0;
  #answered = 0;
  /** What of the last version could not be read. */
  #unreadable: ReadonlySet<RelPath> = new Set();
  /** What was warned of last, since when nothing new was seen. */
  #warned: string | undefined;

  private constructor(source: LocalEndpoint, options: FeedOptions) {
    this.#options = options;
    this.#schedule = new LookSchedule(options.rescanMs);
    this.#reader = new SourceReader(options);
    this.#root = new WatchedRoot(source, {
      place: options.place,
      clock: options.clock,
      schedule: this.#schedule,
      onEvent: options.onEvent,
      isIgnored: (path) => {
        const root = this.#version?.snapshot.root;
        return root !== undefined && !GitLocks.concerns(path) &&
          isIgnoredIn(root, path);
      },
      onChange: () => this.#wake?.(),
    });
  }

  /**
   * Begins to watch `source`. Whoever made the feed closes {@link source} after it:
   * where that is another one by then, this one is closed already.
   */
  static async open(
    source: LocalEndpoint,
    options: FeedOptions,
  ): Promise<Feed> {
    const feed = new Feed(source, options);
    try {
      // The first thing that is told is all that there is.
      await feed.#root.start();
    } catch (error) {
      feed.close();
      throw error;
    }
    return feed;
  }

  /** The source, to have content from; another one after it was lost and found. */
  get source(): LocalEndpoint {
    return this.#root.source;
  }

  /** The last version, if there is one. */
  get version(): Version | undefined {
    return this.#version;
  }

  /** Whether the root is gone, so that nothing can be said of it. */
  get isLost(): boolean {
    return this.#root.isLost;
  }

  /** Looks at `paths` again, or at everything, as if an event had named them. */
  relook(paths: Iterable<RelPath> | DirtyPaths | "everything"): void {
    if (paths === "everything") this.#root.watch.markAll();
    else {
      this.#root.watch.mark(
        paths instanceof DirtyPaths ? paths : DirtyPaths.of(paths),
      );
    }
  }

  /** Resolves when there is a newer version than `number`, or the signal aborts. */
  async newer(number: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (this.#version?.number ?? 0) <= number) {
      await this.#told(signal);
    }
  }

  /**
   * Resolves when the version is worth being carried out: where much is dirty, when
   * that was looked at, or not within a while. Nobody waits for a look at everything.
   */
  async recent(signal: AbortSignal): Promise<void> {
    const looks = this.#looks;
    const { dirtySize, isAllDirty } = this.#root.watch;
    const much = Math.max(this.#looking, isAllDirty ? 0 : dirtySize);
    if (much <= MANY_PATHS) return;
    const late = new AbortController();
    const { clock } = this.#options;
    const cancel = clock.after(MAX_BUSY_MS, () => late.abort());
    const end = AbortSignal.any([signal, late.signal]);
    while (!end.aborted && looks === this.#looks) await this.#told(end);
    cancel();
  }

  /**
   * Resolves when all that is dirty by now was looked at, so that the version is no
   * older than this call; or when the signal aborts.
   * @throws {FileSystemError} `not-found`, if the root is gone, or another one.
   */
  async refresh(signal: AbortSignal): Promise<void> {
    const number = ++this.#asked;
    this.#wake?.();
    while (
      this.#answered < number && !this.isLost && !signal.aborted
    ) await this.#told(signal);
    if (!this.isLost || signal.aborted) return;
    const path = displayPath(this.source.name);
    throw new FileSystemError("not-found", `${path} is not there any more`);
  }

  /**
   * Looks at everything once more.
   * @returns The number of a version that has all that was there before the call;
   *   undefined where the source is gone, or the signal aborts.
   */
  async settled(signal: AbortSignal): Promise<number | undefined> {
    if (this.isLost) return undefined;
    this.relook("everything");
    try {
      await this.refresh(signal);
    } catch (error) {
      if (isFileSystemError(error, "not-found")) return undefined;
      throw error;
    }
    return signal.aborted ? undefined : this.#version?.number;
  }

  /** Resolves when something was told, or the signal aborts. */
  async #told(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    this.#waiting.add(wake);
    this.#onWaiting?.();
    signal.addEventListener("abort", wake);
    await promise;
    signal.removeEventListener("abort", wake);
    this.#waiting.delete(wake);
  }

  /**
   * Looks whenever there is something to be looked at, until the signal aborts.
   * @throws {SyncError} If the source can't be read from the start.
   */
  async run(): Promise<void> {
    const { signal } = this.#options;
    try {
      while (!signal.aborted) await this.#step();
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #step(): Promise<void> {
    const { clock, signal } = this.#options;
    const root = this.#root;
    await this.#wait();
    if (signal.aborted) return;
    if (!await root.check()) return this.#answer(this.#asked);
    if (this.#schedule.isWatchDue(clock.now())) {
      await root.watchAgain(this.#version?.snapshot.root);
    }
    if (this.#schedule.isScanDue(clock.now())) root.watch.markAll();
    if (this.#schedule.isRetryDue(clock.now())) {
      this.#schedule.retried();
      this.relook(this.#unreadable);
    }
    if (!root.watch.isDirty) return this.#answer(this.#asked);
    await this.#collect();
    if (signal.aborted) return;
    const asked = this.#asked;
    if (await this.#look()) this.#answer(asked);
  }

  /** Whether somebody waits for a look. */
  get #isAsked(): boolean {
    return this.#answered < this.#asked;
  }

  /** All looks up to number `asked` are through. */
  #answer(asked: number): void {
    if (asked === this.#answered) return;
    this.#answered = asked;
    this.#tellAll();
  }

  /**
   * Until there is silence for a moment, or long enough if there is none. Where much
   * is dirty, until somebody waits for a version: looking takes time from those who
   * still carry out the one before, and would only be done again.
   */
  async #collect(): Promise<void> {
    const { clock, signal } = this.#options;
    this.#schedule.collect(clock.now(), this.#isAsked);
    for (;;) {
      const left = this.#schedule.leftToCollect(clock.now());
      const isMuch = this.#version !== undefined &&
        this.#root.watch.dirtySize > MANY_PATHS;
      if (signal.aborted || (isMuch && this.#waiting.size > 0)) return;
      if (left <= 0) {
        if (isMuch) await this.#waitedFor(MAX_BUSY_MS);
        return;
      }
      if (isMuch) await this.#waitedFor(left);
      else if (left > MOMENT_MS) await sleep(left, clock, signal);
      else await sleepBriefly(left, clock, signal);
    }
  }

  /** Until somebody waits for a version, or for so long. */
  async #waitedFor(ms: number): Promise<void> {
    const { clock, signal } = this.#options;
    const waited = new AbortController();
    this.#onWaiting = () => waited.abort();
    await sleep(ms, clock, AbortSignal.any([signal, waited.signal]));
    this.#onWaiting = undefined;
  }

  close(): void {
    this.#root.close();
    this.#wake?.();
    this.#tellAll();
  }

  /** Until something is dirty, or something is due. */
  async #wait(): Promise<void> {
    const isBusy = this.#root.watch.isDirty || this.#isAsked;
    // Whatever happens where the root was is of no use before it is back.
    if (isBusy && !this.#locks.areHeld && !this.isLost) return;
    const { clock, signal } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    const wait = this.#locks.areHeld
      ? VANISHED_MS
      : Math.max(0, this.#nextDue() - clock.now());
    if (!this.#locks.areHeld) this.#wake = wake;
    const cancel = clock.after(Math.min(wait, MAX_TIMER_MS), wake);
    signal.addEventListener("abort", wake);
    await promise;
    cancel();
    signal.removeEventListener("abort", wake);
    this.#wake = undefined;
  }

  #nextDue(): number {
    const { isLost, nextCheck } = this.#root;
    // Of a root that is gone nothing else is looked at.
    return isLost ? nextCheck : Math.min(nextCheck, this.#schedule.nextDue);
  }

  /** Looks at what is dirty, and tells of what is new; false if that has to wait. */
  async #look(): Promise<boolean> {
    const { clock, signal } = this.#options;
    const { source, watch } = this.#root;
    const dirty = watch.take();
    this.#looking = dirty.everything ? 0 : dirty.size;
    this.#schedule.looking(dirty.everything);
    try {
      if (await this.#isHeld(dirty)) {
        watch.mark(dirty);
        return false;
      }
      const start = clock.now();
      const before = this.#version?.snapshot;
      if (before !== undefined) {
        dirty.widenCrowded((path, count) => isCrowded(before, path, count));
      }
      const take = (): DirtyPaths => watch.take();
      const found = await this.#reader.read({ source, before, dirty, take });
      const { root } = found.snapshot;
      if (before === undefined || dirty.everything) {
        this.#schedule.scanned(start, clock.now());
        this.#reader.remember(root);
      }
      // Whatever was seen of a root that is gone by now is not to be believed.
      if (!await this.#root.checkNow()) return false;
      this.#tell(found.snapshot);
      this.#noteUnreadable(found.snapshot);
      await watch.follow(root);
      if (before !== undefined) {
        const fresh = this.#reader.fresh(before, found);
        if (fresh.size > 0) {
          await watch.settled();
          watch.mark(DirtyPaths.of(fresh));
        }
      }
      this.#schedule.looked(start, clock.now());
      return true;
    } catch (error) {
      watch.mark(dirty);
      if (this.#version === undefined || signal.aborted) throw error;
      // It may be on its way out: the check of the root will tell.
      await sleep(VANISHED_MS, clock, signal);
      if (await this.#root.checkNow()) this.#warnOnce(messageOf(error));
      await sleep(ROOT_WAIT_MS, clock, signal);
      return false;
    } finally {
      this.#looking = 0;
      this.#looks++;
      this.#tellAll();
    }
  }

  /** Whether git is at work, as far as `dirty` tells: its changes are to come as one. */
  async #isHeld(dirty: DirtyPaths): Promise<boolean> {
    const { clock, onEvent } = this.#options;
    await this.#locks.note(
      dirty,
      this.#version?.snapshot.root,
      (path) => this.source.holds(path),
      clock.now(),
    );
    const { mustHold, justExpired } = this.#locks.check(clock.now());
    if (justExpired !== undefined) {
      const path = displayPath(justExpired);
      onEvent({
        kind: "warning",
        message: `${path} does not go away: no longer waiting for git`,
      });
    }
    return mustHold;
  }

  #tell(found: ScannedSnapshot): void {
    const before = this.#version;
    if (before?.snapshot === found) return;
    this.#warned = undefined;
    const number = (before?.number ?? 0) + 1;
    this.#version = { number, snapshot: found };
    this.#tellAll();
  }

  /**
   * What can't be read now may be readable soon: no event tells of that. Not where
   * all would have to be looked at for it, which has its own times.
   */
  #noteUnreadable({ problems }: ScannedSnapshot): void {
    if (this.#options.scan.symlinks === "follow") return;
    const unreadable = new Set<RelPath>();
    for (const { code, path } of problems) {
      const mayBe = code === "unreadable" && !path.includes(REPLACEMENT);
      if (mayBe && unreadable.size < MAX_RETRIED) unreadable.add(path);
    }
    const what = unreadable.size === 0
      ? "none"
      : unreadable.isSubsetOf(this.#unreadable)
      ? "same"
      : "new";
    this.#unreadable = unreadable;
    this.#schedule.sawUnreadable(this.#options.clock.now(), what);
  }

  #tellAll(): void {
    for (const wake of this.#waiting) wake();
  }

  #warnOnce(message: string): void {
    if (this.#warned === message) return;
    this.#warned = message;
    this.#options.onEvent({ kind: "warning", message });
  }
}

/** Whether `dirty` of the entries of the directory at `path` are as good as all. */
function isCrowded(
  { root }: ScannedSnapshot,
  path: RelPath,
  dirty: number,
): boolean {
  if (dirty <= MANY_PATHS) return false;
  const directory = entryAt(root, path);
  return directory?.kind === "directory" &&
    directory.children.size <= LISTED_SHARE * dirty;
}
