/**
 * The source of a watch: one scan, one watch and one current snapshot, for any
 * number of targets that follow it (`follow.ts`). Events only say where to look;
 * what is lost of them is found by the scans in between.
 */
import type { Clock } from "../core/clock.ts";
import type { DirectoryEntry } from "../core/entry.ts";
import { displayPath, nameOf, parentOf, type RelPath } from "../core/path.ts";
import { sleep, sleepBriefly } from "../core/sleep.ts";
import { entryAt, type ScanOptions } from "../core/snapshot.ts";
import { noteInodes, outdatedTwins } from "../core/twins.ts";
import {
  asError,
  FileSystemError,
  isFileSystemError,
  messageOf,
} from "../errors.ts";
import { DirtyPaths } from "../fs/dirty_paths.ts";
import { newDirectories, type Rescan } from "../fs/rescan.ts";
import type { ScannedSnapshot } from "../fs/scan.ts";
import { isIgnoredIn, type TreeWatch, type WatchEnded } from "../fs/watch.ts";
import { GitLocks } from "./git_locks.ts";
import type { LocalEndpoint } from "./local_endpoint.ts";

/** Whoever makes a file writes to it in the next moment. */
const MOMENT_MS = 1;

/** Changes are collected while they keep coming: for so long at first, and at most. */
const FIRST_COLLECT_MS = 5;
const MAX_COLLECT_MS = 100;

/** A silence as long as one part in so many of that ends the collecting. */
const SILENCE_SHARE = 10;

/** What comes so soon after the last look comes in a row: more of it is collected. */
const IN_A_ROW_MS = 25;

/** What is gone is looked for once more after this: editors save by renaming. */
const VANISHED_MS = 20;

/** For so long it is looked for where it stands beside its place, as a backup does. */
const BACKED_UP_MS = 200;

/** Who saves by renaming does not save more files than this at once. */
const MAX_BACKED_UP = 16;

/** How often the root is looked at, though nothing says that it has changed. */
const ROOT_CHECK_MS = 2_000;

/** How often a root that is gone is looked for. */
const ROOT_WAIT_MS = 500;

/** Bounds of the time between two whole scans where the tree is not watched. */
const MIN_POLL_MS = 1_000;
const MAX_POLL_MS = 60_000;

/** Polling is to take no more than one part in so many of the time. */
const POLL_SHARE = 20;

/** After a flood of events, a whole scan may take one part in so many of the time. */
const FLOOD_SHARE = 10;

/** Timers take no more. */
const MAX_TIMER_MS = 60_000;

/** After this, watching is tried again. */
const WATCH_AGAIN_MS = 60_000;

/** The source at one moment. */
export interface Version {
  /** From 1; each differs from the one before. */
  readonly number: number;
  readonly snapshot: ScannedSnapshot;
}

/** Where a source is, and whether it still is the same directory. */
export interface SourcePlace {
  /** Whether the directory that was opened is still the one at its path. */
  isThere(): boolean;
  /** Opens it anew; the caller closes it. */
  open(): Promise<LocalEndpoint>;
}

/** Something that concerns the source, whoever follows it. */
export type FeedEvent =
  /** The root is not there any more, or another one is; nothing is changed until it is back. */
  | { readonly kind: "source-lost"; readonly path: string }
  | { readonly kind: "source-back"; readonly path: string }
  | { readonly kind: "warning"; readonly message: string };

/** What a {@link Feed} is given. */
export interface FeedOptions {
  readonly scan: ScanOptions;
  readonly place: SourcePlace;
  readonly clock: Clock;
  /** Milliseconds between whole scans; 0: none. */
  readonly rescanMs: number;
  readonly signal: AbortSignal;
  readonly onEvent: (event: FeedEvent) => void;
}

/** Watches one source. Whoever made it calls {@link run} once, and closes it. */
export class Feed {
  readonly #options: FeedOptions;
  #source: LocalEndpoint;
  #watch: TreeWatch;
  #version: Version | undefined;
  readonly #waiting = new Set<() => void>();
  #wake: (() => void) | undefined;
  #isLost = false;
  /** Why the tree, or a part of it, is not watched. */
  #ended: WatchEnded | undefined;
  #hasSaidLimit = false;
  #lastScan = { at: 0, tookMs: 0 };
  #nextWatch = Infinity;
  /** When all is looked at because of a flood of events. */
  #nextAfterFlood = Infinity;
  #nextRootCheck = 0;
  /** For how long changes were collected last, at the most. */
  #collectMs = FIRST_COLLECT_MS;
  /** When something has become dirty since the last look: first, and last. */
  #dirtied: { readonly since: number; last: number } | undefined;
  /** Of all directories of the version, and of some that are gone. */
  readonly #inodes = new Set<number>();
  /** Directories that are looked at once more, though no event has named them. */
  #lookedAgain: ReadonlySet<RelPath> = new Set();
  /** When looking has ended last, and how long that took. */
  #lastLook = { at: -Infinity, tookMs: 0 };
  /** Looks that were asked for, and how many of them are through. */
  #asked = 0;
  #answered = 0;
  /** What was warned of last, since when nothing new was seen. */
  #warned: string | undefined;
  readonly #locks = new GitLocks();

  private constructor(source: LocalEndpoint, options: FeedOptions) {
    this.#source = source;
    this.#options = options;
    this.#watch = this.#newWatch();
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
      await feed.#watch.start();
    } catch (error) {
      feed.close();
      throw error;
    }
    // The first thing that is told is all that there is.
    feed.#watch.markAll();
    return feed;
  }

  /** The source, to have content from; another one after it was lost and found. */
  get source(): LocalEndpoint {
    return this.#source;
  }

  /** The last version, if there is one. */
  get version(): Version | undefined {
    return this.#version;
  }

  /** Whether the root is gone, so that nothing can be said of it. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Looks at `paths` again, or at everything, as if an event had named them. */
  relook(paths: Iterable<RelPath> | DirtyPaths | "everything"): void {
    if (paths === "everything") this.#watch.markAll();
    else {
      this.#watch.mark(
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
   * Resolves when all that is dirty by now was looked at, so that the version is no
   * older than this call; or when the signal aborts.
   * @throws {FileSystemError} `not-found`, if the root is gone, or another one.
   */
  async refresh(signal: AbortSignal): Promise<void> {
    const number = ++this.#asked;
    this.#wake?.();
    while (
      this.#answered < number && !this.#isLost && !signal.aborted
    ) await this.#told(signal);
    if (!this.#isLost || signal.aborted) return;
    const path = displayPath(this.#source.name);
    throw new FileSystemError("not-found", `${path} is not there any more`);
  }

  /**
   * Looks at everything once more.
   * @returns The number of a version that has all that was there before the call;
   *   undefined where the source is gone, or the signal aborts.
   */
  async settled(signal: AbortSignal): Promise<number | undefined> {
    if (this.#isLost) return undefined;
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
    await this.#wait();
    if (signal.aborted) return;
    if (!await this.#checkRoot()) return this.#answer(this.#asked);
    if (clock.now() >= this.#nextWatch) await this.#watchAgain();
    if (this.#isScanDue()) this.#watch.markAll();
    if (!this.#watch.isDirty) return this.#answer(this.#asked);
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

  /** Until there is silence for a moment, or long enough if there is none. */
  async #collect(): Promise<void> {
    const { clock, signal } = this.#options;
    const { at, tookMs } = this.#lastLook;
    const now = clock.now();
    const isInARow = !this.#isAsked &&
      (this.#dirtied?.since ?? now) - at < IN_A_ROW_MS;
    const wanted = isInARow ? Math.max(2 * this.#collectMs, tookMs) : 0;
    this.#collectMs = Math.min(
      MAX_COLLECT_MS,
      Math.max(FIRST_COLLECT_MS, wanted),
    );
    const silence = Math.max(MOMENT_MS, this.#collectMs / SILENCE_SHARE);
    const end = now + this.#collectMs;
    for (;;) {
      const quiet = (this.#dirtied?.last ?? now) + silence;
      const left = Math.min(quiet, end) - clock.now();
      if (left <= 0 || signal.aborted) return;
      if (left > MOMENT_MS) await sleep(left, clock, signal);
      else await sleepBriefly(left, clock, signal);
    }
  }

  close(): void {
    this.#watch.close();
    this.#wake?.();
    this.#tellAll();
  }

  /** Until something is dirty, or something is due. */
  async #wait(): Promise<void> {
    const isBusy = this.#watch.isDirty || this.#isAsked;
    // Whatever happens where the root was is of no use before it is back.
    if (isBusy && !this.#locks.areHeld && !this.#isLost) return;
    const { clock, signal } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wait = this.#locks.areHeld
      ? VANISHED_MS
      : Math.max(0, this.#nextDue() - clock.now());
    if (!this.#locks.areHeld) this.#wake = resolve;
    const wake = (): void => resolve();
    const cancel = clock.after(Math.min(wait, MAX_TIMER_MS), wake);
    signal.addEventListener("abort", wake);
    await promise;
    cancel();
    signal.removeEventListener("abort", wake);
    this.#wake = undefined;
  }

  #nextDue(): number {
    // Of a root that is gone nothing else is looked at.
    if (this.#isLost) return this.#nextRootCheck;
    const { rescanMs } = this.#options;
    const scan = this.#ended !== undefined
      ? this.#lastScan.at + this.#pollMs()
      : rescanMs > 0
      ? this.#lastScan.at + rescanMs
      : Infinity;
    return Math.min(
      scan,
      this.#nextRootCheck,
      this.#nextWatch,
      this.#nextAfterFlood,
    );
  }

  #isScanDue(): boolean {
    const { clock, rescanMs } = this.#options;
    if (clock.now() >= this.#nextAfterFlood) return true;
    const since = clock.now() - this.#lastScan.at;
    if (this.#ended !== undefined) return since >= this.#pollMs();
    return rescanMs > 0 && since >= rescanMs;
  }

  /**
   * Events may be lost: all is looked at, soon but not over and over. What was
   * heard of comes first.
   */
  #onFlood(): void {
    // A flood that comes while another is waited for is covered by it.
    if (this.#nextAfterFlood !== Infinity) return;
    const { at, tookMs } = this.#lastScan;
    this.#nextAfterFlood = Math.max(
      this.#options.clock.now() + MIN_POLL_MS,
      at + tookMs * FLOOD_SHARE,
    );
    this.#wake?.();
  }

  #pollMs(): number {
    const share = this.#lastScan.tookMs * POLL_SHARE;
    return Math.min(MAX_POLL_MS, Math.max(MIN_POLL_MS, share));
  }

  /** Looks at what is dirty, and tells of what is new; false if that has to wait. */
  async #look(): Promise<boolean> {
    const { clock, scan, signal } = this.#options;
    const watch = this.#watch;
    const dirty = watch.take();
    this.#dirtied = undefined;
    if (dirty.everything) this.#nextAfterFlood = Infinity;
    try {
      await this.#locks.note(
        dirty,
        this.#version?.snapshot.root,
        (path) => this.#source.holds(path),
        clock.now(),
      );
      if (this.#mustHold()) {
        watch.mark(dirty);
        return false;
      }
      const start = clock.now();
      const before = this.#version?.snapshot;
      let found: ScannedSnapshot;
      let directories: readonly RelPath[] = [];
      if (before === undefined) {
        found = await this.#source.scan(scan, { signal });
      } else {
        const again = await this.#settled(before, dirty);
        found = again.snapshot;
        directories = again.directories;
      }
      if (before === undefined || dirty.everything) {
        const end = clock.now();
        this.#lastScan = { at: end, tookMs: end - start };
        this.#inodes.clear();
        noteInodes(found.root, this.#inodes);
      }
      // Whatever was seen of a root that is gone by now is not to be believed.
      this.#nextRootCheck = 0;
      if (!await this.#checkRoot()) return false;
      this.#tell(found);
      await this.#watch.follow(found.root);
      if (before !== undefined) {
        await this.#lookAgain(before, found, directories);
      }
      const end = clock.now();
      this.#lastLook = { at: end, tookMs: end - start };
      return true;
    } catch (error) {
      watch.mark(dirty);
      if (this.#version === undefined || signal.aborted) throw error;
      // It may be on its way out: the check of the root will tell.
      await sleep(VANISHED_MS, clock, signal);
      this.#nextRootCheck = 0;
      if (await this.#checkRoot()) this.#warnOnce(messageOf(error));
      await sleep(ROOT_WAIT_MS, clock, signal);
      return false;
    }
  }

  /**
   * What there is at the dirty paths. What is gone is looked for once more: who
   * saves by renaming takes the old file away a moment before the new one comes.
   * Of the rest only that is looked at again of which there was an event meanwhile.
   */
  async #settled(
    before: ScannedSnapshot,
    dirty: DirtyPaths,
  ): Promise<Rescan> {
    const { clock, scan, signal } = this.#options;
    const start = clock.now();
    const first = await this.#source.rescan(before, dirty, scan, { signal });
    if (first.vanished.length === 0) {
      return await this.#withoutTwins(before, first);
    }
    await this.#awaitReturn(before, first, start);
    const more = this.#watch.take();
    // Should this fail, all of it is to be looked at again.
    dirty.addAll(more);
    const again = DirtyPaths.of(first.vanished);
    again.addAll(more);
    return await this.#withoutTwins(
      before,
      await this.#lookFurther(first, again),
    );
  }

  /** `seen`, in which no directory is where it was before it was renamed. */
  async #withoutTwins(before: ScannedSnapshot, seen: Rescan): Promise<Rescan> {
    if (seen.directories.length === 0) return seen;
    const twins = outdatedTwins(
      before.root,
      seen.snapshot.root,
      this.#inodes,
    );
    if (twins.length === 0) return seen;
    return await this.#lookFurther(seen, DirtyPaths.of(twins));
  }

  /** What there is once `dirty` is looked at, too. */
  async #lookFurther(seen: Rescan, dirty: DirtyPaths): Promise<Rescan> {
    const { scan, signal } = this.#options;
    const { snapshot, directories } = seen;
    const next = await this.#source.rescan(snapshot, dirty, scan, { signal });
    return { ...next, directories: [...directories, ...next.directories] };
  }

  /** Until what has vanished may have come back; the look began at `start`. */
  async #awaitReturn(
    before: ScannedSnapshot,
    first: Rescan,
    start: number,
  ): Promise<void> {
    const { clock, signal } = this.#options;
    const backedUp = backedUpIn(before.root, first);
    const end = start + (backedUp.length > 0 ? BACKED_UP_MS : VANISHED_MS);
    for (;;) {
      const left = end - clock.now();
      if (left <= 0 || signal.aborted) return;
      await sleep(Math.min(left, VANISHED_MS), clock, signal);
      if (backedUp.length > 0 && await this.#areThere(backedUp)) return;
    }
  }

  /** Whether there is something again at each of `paths`. */
  async #areThere(paths: readonly RelPath[]): Promise<boolean> {
    for (const path of paths) {
      if (!await this.#source.holds(path)) return false;
    }
    return true;
  }

  /**
   * What happens in a directory before it is watched makes no event: so each one
   * that may be new is looked at once more when it is.
   */
  async #lookAgain(
    before: ScannedSnapshot,
    found: ScannedSnapshot,
    named: readonly RelPath[],
  ): Promise<void> {
    const fresh = new Set(newDirectories(before.root, found.root));
    for (const path of fresh) {
      const directory = entryAt(found.root, path);
      if (directory?.kind === "directory") noteInodes(directory, this.#inodes);
    }
    for (const path of named) if (!this.#lookedAgain.has(path)) fresh.add(path);
    this.#lookedAgain = fresh;
    if (fresh.size === 0) return;
    await this.#watch.settled();
    this.#watch.mark(DirtyPaths.of(fresh));
  }

  /** Whether git is at work, so that its changes are to come as one. */
  #mustHold(): boolean {
    const { clock } = this.#options;
    const held = this.#locks.check(clock.now());
    if (held.justExpired !== undefined) {
      this.#options.onEvent({
        kind: "warning",
        message: `${
          displayPath(held.justExpired)
        } does not go away: no longer waiting for git`,
      });
    }
    return held.mustHold;
  }

  #tell(found: ScannedSnapshot): void {
    const before = this.#version;
    if (before?.snapshot === found) return;
    this.#warned = undefined;
    const number = (before?.number ?? 0) + 1;
    this.#version = { number, snapshot: found };
    this.#tellAll();
  }

  #tellAll(): void {
    for (const wake of this.#waiting) wake();
  }

  /** Whether the root is there; says so when that changes. */
  async #checkRoot(): Promise<boolean> {
    const { place, clock, onEvent } = this.#options;
    const now = clock.now();
    if (now < this.#nextRootCheck) return !this.#isLost;
    const isThere = place.isThere();
    this.#nextRootCheck = now + (isThere ? ROOT_CHECK_MS : ROOT_WAIT_MS);
    const path = this.#source.name;
    if (!isThere) {
      if (!this.#isLost) onEvent({ kind: "source-lost", path });
      this.#isLost = true;
      // Else it would be looked at at once.
      this.#watch.take();
      return false;
    }
    if (!this.#isLost) return true;
    try {
      await this.#reopen();
    } catch {
      // It went away again.
      return false;
    }
    this.#isLost = false;
    onEvent({ kind: "source-back", path });
    return true;
  }

  /** What was opened may be the directory of before, on a disk that is gone. */
  async #reopen(): Promise<void> {
    const source = await this.#options.place.open();
    const before = this.#source;
    this.#source = source;
    try {
      this.#watch.close();
      this.#watch = this.#newWatch();
      await this.#watch.start();
      this.#watch.markAll();
    } finally {
      await before.close({ kind: "interrupted", message: "" });
    }
  }

  #newWatch(): TreeWatch {
    this.#ended = undefined;
    this.#nextWatch = Infinity;
    const { clock } = this.#options;
    return this.#source.watch({
      clock,
      isIgnored: (path) => {
        const root = this.#version?.snapshot.root;
        return root !== undefined && !GitLocks.concerns(path) &&
          isIgnoredIn(root, path);
      },
      onDirty: () => {
        const now = clock.now();
        if (this.#dirtied === undefined) {
          this.#dirtied = { since: now, last: now };
        } else this.#dirtied.last = now;
        this.#wake?.();
      },
      onFlood: () => this.#onFlood(),
      onEnded: (ended) => this.#onEnded(ended),
    });
  }

  async #watchAgain(): Promise<void> {
    const tree = this.#version?.snapshot.root;
    this.#watch.close();
    this.#watch = this.#newWatch();
    await this.#watch.start();
    if (tree !== undefined) await this.#watch.follow(tree);
    this.#watch.markAll();
  }

  #onEnded(ended: WatchEnded): void {
    const { clock, onEvent } = this.#options;
    this.#ended = ended;
    this.#nextWatch = clock.now() + WATCH_AGAIN_MS;
    if (this.#hasSaidLimit) return;
    this.#hasSaidLimit = true;
    const how = ended.remedy === undefined
      ? ""
      : ` (to allow more: ${ended.remedy})`;
    onEvent({
      kind: "warning",
      message: `Can't watch all of ${displayPath(this.#source.name)}: ${
        asText(ended.message)
      }${how}; looking at all of it every now and then instead`,
    });
  }

  #warnOnce(message: string): void {
    if (this.#warned === message) return;
    this.#warned = message;
    this.#options.onEvent({ kind: "warning", message });
  }
}

function asText(message: string): string {
  return asError(message).message.replace(/\.$/, "");
}

/**
 * The files that have vanished since `before`, and stand beside their places under
 * names that hold theirs, as `file~` or `.file.bak`: whoever saves makes them anew.
 */
function backedUpIn(
  before: DirectoryEntry,
  { snapshot: { root }, vanished }: Rescan,
): readonly RelPath[] {
  if (vanished.length > MAX_BACKED_UP) return [];
  return vanished.filter((path) => {
    const file = entryAt(before, path);
    const directory = entryAt(root, parentOf(path)!);
    if (file?.kind !== "file" || directory?.kind !== "directory") return false;
    for (const [name, entry] of directory.children) {
      const isIt = entry.kind === "file" && entry.inode === file.inode &&
        entry.generation === file.generation && name.includes(nameOf(path));
      if (isIt) return true;
    }
    return false;
  });
}
