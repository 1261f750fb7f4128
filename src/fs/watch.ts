/**
 * A whole tree under watch: the events of one recursive watch, or of one for each
 * directory where a watch sees no further, as a set of dirty paths. It cannot
 * prove that it is alive (for that it would have to write into a tree that is not
 * ours); what it may have missed is left to scans that its owner makes now and then.
 */
import type { Clock } from "../core/clock.ts";
import type { DirectoryEntry, Entry } from "../core/entry.ts";
import {
  isWithin,
  join,
  type Name,
  parentOf,
  type RelPath,
  RESERVED_NAME,
  ROOT,
} from "../core/path.ts";
import { isFileSystemError } from "../errors.ts";
import { DirectoryCursor } from "./directory_cursor.ts";
import { DirtyPaths } from "./dirty_paths.ts";
import type {
  Directory,
  Watch,
  WatchEvent,
  WatchReach,
} from "./file_system.ts";

/**
 * More events than this without a pause may have overflowed a queue in silence, as
 * that of the kernel does. However slowly they come in: whoever reads them may be the
 * one that is slow.
 */
const MAX_EVENTS = 2_000;

/** Whoever did not get to read events for so long may have lost some. */
const STALL_MS = 500;
const PULSE_MS = 250;

/** Never part of a tree. */
const OWN = join(ROOT, RESERVED_NAME);

/** The end of a watch, and why. */
export type WatchEnded = WatchEvent & { readonly kind: "ended" };

/** What a {@link TreeWatch} is given. */
export interface TreeWatchOptions {
  readonly clock: Clock;
  /** Whether nothing at `path` or below counts. Cheap: it is asked for each event. */
  readonly isIgnored?: (path: RelPath) => boolean;
  /** Called when something has become dirty. */
  readonly onDirty?: () => void;
  /**
   * Called when events were lost, or so many came, ignored or not, that a queue
   * may have overflowed in silence: anything may be dirty.
   */
  readonly onFlood?: () => void;
  /**
   * Called when a part of the tree, or all of it, is seen no longer; what was
   * missed by then is dirty.
   */
  readonly onEnded?: (event: WatchEnded) => void;
}

/** Watches the tree below one open directory; its owner closes it. */
export class TreeWatch {
  readonly #root: Directory;
  readonly #reach: WatchReach;
  readonly #options: TreeWatchOptions;
  readonly #dirty = new DirtyPaths();
  /** By the path of the directory. */
  readonly #watches = new Map<RelPath, Watch>();
  #followed: DirectoryEntry | undefined;
  /** Whether events were lost since something was taken. */
  #isUnknown = false;
  /** Events since the last pause, of ignored paths as well. */
  #heard = 0;
  /** How many they were at the last pulse. */
  #heardBefore = 0;
  #isComplete = true;
  #closed = false;
  #cancelPulse = (): void => {};

  constructor(root: Directory, reach: WatchReach, options: TreeWatchOptions) {
    this.#root = root;
    this.#reach = reach;
    this.#options = options;
  }

  /** Whether all of the tree is watched, as far as is known. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** How many watches are open. */
  get size(): number {
    return this.#watches.size;
  }

  /** Begins: from when this has resolved, changes make paths dirty. */
  async start(): Promise<void> {
    this.#pulse(this.#options.clock.now());
    await this.#watch(ROOT, this.#root);
  }

  /** Whether there is something to be looked at. */
  get isDirty(): boolean {
    return this.#isUnknown || !this.#dirty.isEmpty;
  }

  /** How many paths are to be looked at, or a few more; infinite where all are. */
  get dirtySize(): number {
    return this.#isUnknown ? Infinity : this.#dirty.size;
  }

  /** Whether everything is to be looked at, and not only what is known to be dirty. */
  get isAllDirty(): boolean {
    return this.#dirty.everything || (this.#isUnknown && this.#dirty.isEmpty);
  }

  /** What is dirty; nothing is afterwards. */
  take(): DirtyPaths {
    if (this.#isUnknown) {
      this.#isUnknown = false;
      // What was lost is mostly where the rest is; for the other cases there are
      // scans. Where there is no rest, it may be anywhere.
      if (this.#dirty.isEmpty) this.#dirty.addEverything();
      else this.#dirty.widen();
    }
    return this.#dirty.take();
  }

  /** Makes `paths` dirty. */
  mark(paths: DirtyPaths): void {
    this.#dirty.addAll(paths);
    if (this.isDirty) this.#options.onDirty?.();
  }

  /** Makes everything dirty. */
  markAll(): void {
    this.#dirty.addEverything();
    this.#options.onDirty?.();
  }

  /**
   * Where a watch sees one directory only: watches all directories of `tree`, as
   * it was seen last, and no others. New ones become dirty, because something may
   * have happened in them since they were seen.
   */
  async follow(tree: DirectoryEntry): Promise<void> {
    if (this.#reach !== "children" || this.#closed) return;
    const before = this.#followed;
    this.#followed = tree;
    const added: RelPath[] = [];
    this.#compare(ROOT, before, tree, added);
    const cursor = new DirectoryCursor(this.#root);
    try {
      for (const path of added) {
        try {
          await this.#watch(path, await cursor.at(path));
          this.#dirty.add(path);
        } catch (error) {
          // It is gone already, or will be told of as a problem.
          if (!isFileSystemError(error)) throw error;
          this.#dirty.add(path);
        }
      }
    } finally {
      cursor.close();
    }
    if (added.length > 0) this.#options.onDirty?.();
  }

  /** See {@link Watch.settled}. */
  async settled(): Promise<void> {
    for (const watch of [...this.#watches.values()]) await watch.settled();
  }

  close(): void {
    this.#closed = true;
    this.#cancelPulse();
    for (const watch of this.#watches.values()) watch.close();
    this.#watches.clear();
  }

  /**
   * Releases the watches of directories that were there and are not; adds those
   * that are new to `added`. Equal directories of the two are the same objects.
   */
  #compare(
    path: RelPath,
    before: Entry | undefined,
    now: Entry | undefined,
    added: RelPath[],
  ): void {
    if (before === now) return;
    const old = childrenOf(before);
    const next = childrenOf(now);
    for (const [name, child] of old ?? []) {
      if (child.kind !== "directory") continue;
      if (next?.get(name)?.kind === "directory") continue;
      this.#compare(join(path, name), child, undefined, added);
    }
    if (old !== undefined && next === undefined) this.#release(path);
    if (next === undefined) return;
    if (old === undefined && path !== ROOT) added.push(path);
    for (const [name, child] of next) {
      if (child.kind !== "directory") continue;
      this.#compare(join(path, name), old?.get(name), child, added);
    }
  }

  async #watch(path: RelPath, directory: Directory): Promise<void> {
    let hasEnded = false;
    const watch = await directory.watch((event) => {
      if (event.kind === "ended") hasEnded = true;
      this.#hear(path, event);
    });
    if (this.#closed || hasEnded) watch.close();
    else {
      this.#watches.get(path)?.close();
      this.#watches.set(path, watch);
    }
  }

  #release(path: RelPath): void {
    this.#watches.get(path)?.close();
    this.#watches.delete(path);
  }

  #hear(at: RelPath, event: WatchEvent): void {
    if (this.#closed) return;
    switch (event.kind) {
      case "changed": {
        const path = at === ROOT
          ? event.path
          : event.path === ROOT
          ? at
          : `${at}/${event.path}` as RelPath;
        this.#changed(path, event.isOwn);
        break;
      }
      case "unknown":
        this.#isUnknown = true;
        this.#options.onFlood?.();
        this.#options.onDirty?.();
        break;
      case "ended":
        this.#ended(at, event);
        break;
      default:
        event satisfies never;
    }
  }

  #changed(path: RelPath, isOwn = false): void {
    if (++this.#heard % MAX_EVENTS === 0) this.#options.onFlood?.();
    if (isWithin(path, OWN)) return;
    if (this.#options.isIgnored?.(path)) return;
    if (isOwn) this.#dirty.addOwn(path);
    else this.#dirty.add(path);
    this.#options.onDirty?.();
  }

  #ended(at: RelPath, event: WatchEnded): void {
    this.#release(at);
    if (at !== ROOT && event.reason === "gone") {
      return this.#changed(parentOf(at) === ROOT ? at : parentOf(at)!);
    }
    this.#isComplete = false;
    this.#dirty.addEverything();
    this.#options.onEnded?.(event);
    this.#options.onDirty?.();
  }

  /** Notices when this process did not get its turn. */
  #pulse(before: number): void {
    const { clock } = this.#options;
    this.#cancelPulse = clock.after(PULSE_MS, () => {
      const now = clock.now();
      if (this.#heard === this.#heardBefore) this.#heard = 0;
      this.#heardBefore = this.#heard;
      if (now - before > PULSE_MS + STALL_MS) this.markAll();
      this.#pulse(now);
    });
  }
}

function childrenOf(
  entry: Entry | undefined,
): DirectoryEntry["children"] | undefined {
  return entry?.kind === "directory" ? entry.children : undefined;
}

/** Whether `path` lies below something that `tree` has as ignored. */
export function isIgnoredIn(tree: DirectoryEntry, path: RelPath): boolean {
  let here: Entry | undefined = tree;
  for (let start = 0; here?.kind === "directory";) {
    const slash = path.indexOf("/", start);
    const isLast = slash < 0;
    const name = isLast ? path.slice(start) : path.slice(start, slash);
    here = here.children.get(name as Name);
    // The entry itself may have become one of another kind.
    if (isLast) return false;
    if (here?.kind === "untracked" && here.reason === "ignored") return true;
    start = slash + 1;
  }
  return false;
}
