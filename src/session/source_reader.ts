/**
 * Reads the source of a watch: all of it at first, then what is dirty. One look at
 * that may not do: whoever saves by renaming takes the old file away a moment before
 * the new one comes; a look may fall between the two events of a rename; and what
 * happens in a directory before it is watched makes no event.
 */
import type { Clock } from "../core/clock.ts";
import type { DirectoryEntry } from "../core/entry.ts";
import { nameOf, parentOf, type RelPath } from "../core/path.ts";
import { sleep } from "../core/sleep.ts";
import { entryAt, type ScanOptions } from "../core/snapshot.ts";
import { noteInodes, outdatedTwins } from "../core/twins.ts";
import { DirtyPaths } from "../fs/dirty_paths.ts";
import { newDirectories, type Rescan } from "../fs/rescan.ts";
import type { ScannedSnapshot } from "../fs/scan.ts";
import type { LocalEndpoint } from "./local_endpoint.ts";

/** What is gone is looked for once more after this: editors save by renaming. */
export const VANISHED_MS = 20;

/** For so long it is looked for where it stands beside its place, as a backup does. */
const BACKED_UP_MS = 200;

/** Who saves by renaming does not save more files than this at once. */
const MAX_BACKED_UP = 16;

/** What a {@link SourceReader} is given. */
export interface SourceReaderOptions {
  readonly scan: ScanOptions;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What is read, and what for. */
export interface Reading {
  /** Another endpoint than before, where the root was lost and found. */
  readonly source: LocalEndpoint;
  /** What was read last; undefined: all is to be read. */
  readonly before: ScannedSnapshot | undefined;
  /** What is to be looked at; what `take` gives is added. */
  readonly dirty: DirtyPaths;
  /** Takes what has become dirty meanwhile. */
  take(): DirtyPaths;
}

/** Reads one source again and again, one call at a time. */
export class SourceReader {
  readonly #options: SourceReaderOptions;
  /** Of all directories that were read last, and of some that are gone. */
  readonly #inodes = new Set<number>();
  /** Directories that are looked at once more, though no event has named them. */
  #lookedAgain: ReadonlySet<RelPath> = new Set();

  constructor(options: SourceReaderOptions) {
    this.#options = options;
  }

  /** What there is. If it throws, all that is `dirty` by then is to be looked at again. */
  async read(reading: Reading): Promise<Rescan> {
    const { source, before, dirty } = reading;
    const { scan, signal } = this.#options;
    if (before === undefined) {
      const snapshot = await source.scan(scan, { signal });
      return { snapshot, vanished: [], directories: [] };
    }
    const start = this.#options.clock.now();
    const first = await source.rescan(before, dirty, scan, { signal });
    const seen = first.vanished.length === 0
      ? first
      : await this.#lookForVanished(reading, before, first, start);
    return await this.#withoutTwins(source, before, seen);
  }

  /** `root` is all there is. */
  remember(root: DirectoryEntry): void {
    this.#inodes.clear();
    noteInodes(root, this.#inodes);
  }

  /**
   * The directories to be looked at once more as soon as they are watched: what
   * happens in one before makes no event, so these are all that may be new.
   */
  fresh(
    before: ScannedSnapshot,
    { snapshot: { root }, directories }: Rescan,
  ): ReadonlySet<RelPath> {
    const fresh = new Set(newDirectories(before.root, root));
    for (const path of fresh) {
      const directory = entryAt(root, path);
      if (directory?.kind === "directory") noteInodes(directory, this.#inodes);
    }
    for (const path of directories) {
      if (!this.#lookedAgain.has(path)) fresh.add(path);
    }
    this.#lookedAgain = fresh;
    return fresh;
  }

  /**
   * What there is once what has vanished was looked for again; of the rest, only
   * that is looked at of which there was an event meanwhile.
   */
  async #lookForVanished(
    { source, dirty, take }: Reading,
    before: ScannedSnapshot,
    first: Rescan,
    start: number,
  ): Promise<Rescan> {
    await this.#awaitReturn(source, before, first, start);
    const more = take();
    // Should this fail, all of it is to be looked at again.
    dirty.addAll(more);
    const again = DirtyPaths.of(first.vanished);
    again.addAll(more);
    return await this.#lookFurther(source, first, again);
  }

  /** `seen`, in which no directory is where it was before it was renamed. */
  async #withoutTwins(
    source: LocalEndpoint,
    before: ScannedSnapshot,
    seen: Rescan,
  ): Promise<Rescan> {
    if (seen.directories.length === 0) return seen;
    const twins = outdatedTwins(before.root, seen.snapshot.root, this.#inodes);
    if (twins.length === 0) return seen;
    return await this.#lookFurther(source, seen, DirtyPaths.of(twins));
  }

  /** What there is once `dirty` is looked at, too. */
  async #lookFurther(
    source: LocalEndpoint,
    { snapshot, directories }: Rescan,
    dirty: DirtyPaths,
  ): Promise<Rescan> {
    const { scan, signal } = this.#options;
    const next = await source.rescan(snapshot, dirty, scan, { signal });
    return { ...next, directories: [...directories, ...next.directories] };
  }

  /** Until what has vanished may have come back; the look began at `start`. */
  async #awaitReturn(
    source: LocalEndpoint,
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
      if (backedUp.length > 0 && await areThere(source, backedUp)) return;
    }
  }
}

/** Whether there is something again at each of `paths`. */
async function areThere(
  source: LocalEndpoint,
  paths: readonly RelPath[],
): Promise<boolean> {
  for (const path of paths) if (!await source.holds(path)) return false;
  return true;
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
