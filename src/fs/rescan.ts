/**
 * A scan that looks only where something may have changed, and takes the rest
 * over from the one before: as the very same objects.
 */
import {
  type DirectoryEntry,
  type Entry,
  IGNORED,
  isWhollyTracked,
  type Totals,
  totalsOf,
} from "../core/entry.ts";
import { TreeEdit } from "../core/edit_tree.ts";
import type { IgnoreScope } from "../core/ignore.ts";
import {
  join,
  type Name,
  parentOf,
  type RelPath,
  RESERVED_NAME,
  ROOT,
} from "../core/path.ts";
import { visitReplaced } from "../core/replaced_entries.ts";
import { entryAt, type ScanOptions } from "../core/snapshot.ts";
import { isFileSystemError } from "../errors.ts";
import {
  changedEntries,
  isSameThing,
  isUnmoved,
  lookUp,
} from "./changed_entries.ts";
import type { DirtyNode, DirtyPaths } from "./dirty_paths.ts";
import type { Directory, ListedEntry, Stat } from "./file_system.ts";
import { OtherNames } from "./other_names.ts";
import { Pacer } from "./pacer.ts";
import {
  scan,
  type ScanControl,
  type ScannedSnapshot,
  Scanner,
} from "./scan.ts";
import { sparing } from "./sparing.ts";

/** What a {@link rescan} found. */
export interface Rescan {
  /** The same object as before where nothing has changed. */
  readonly snapshot: ScannedSnapshot;
  /** Paths at which there was something, and now is nothing; not after a whole scan. */
  readonly vanished: readonly RelPath[];
  /** Dirty paths at which there is a directory; not after a whole scan. */
  readonly directories: readonly RelPath[];
}

/**
 * Looks at the dirty paths below `root` again: a file costs one look, a directory
 * a scan of all that is in it; but one that was renamed is taken to hold what it
 * held, until somebody looks at it again (it is among the `directories`). Else, the
 * outcome is what a whole scan would give, if nothing has changed elsewhere since
 * `previous`, which was made with the same options. A file that was changed by one
 * of its names (hard links), or has lost one, is looked at by all that are in the
 * tree. Where links are followed, anything may be anywhere: then all is scanned.
 * @throws {FileSystemError} If `root` itself can't be read.
 */
export async function rescan(
  root: Directory,
  previous: ScannedSnapshot,
  dirty: DirtyPaths,
  options: ScanOptions,
  control: ScanControl = {},
): Promise<Rescan> {
  if (dirty.isEmpty) {
    return { snapshot: previous, vanished: [], directories: [] };
  }
  if (dirty.everything || options.symlinks === "follow") return await whole();
  const work = new Rescanner(previous, dirty, options, control);
  const place = {
    directory: root,
    path: ROOT,
    scope: previous.ignoreTree.root,
  };
  try {
    if (await work.visit(place, previous.root, dirty.root)) {
      const others = await work.otherNames();
      const isDone = others.isEmpty || !others.everything &&
          await work.visit(place, previous.root, others.root);
      if (isDone) return work.finish();
    }
  } catch (error) {
    // What became unreadable on the way is for a whole scan to tell.
    if (!isFileSystemError(error)) throw error;
  }
  return await whole();

  async function whole(): Promise<Rescan> {
    const snapshot = sparing(previous, await scan(root, options, control));
    return { snapshot, vanished: [], directories: [] };
  }
}

/** The topmost directories of `now` that are none in `before`, in path order. */
export function newDirectories(
  before: DirectoryEntry,
  now: DirectoryEntry,
): RelPath[] {
  const found: RelPath[] = [];
  visitReplaced(before, now, (path, _, entry) => {
    if (entry.kind === "directory") found.push(path);
  });
  return found;
}

/** A directory that is open, and the rules in force in it. */
interface Place {
  readonly directory: Directory;
  readonly path: RelPath;
  readonly scope: IgnoreScope;
}

class Rescanner {
  readonly #previous: ScannedSnapshot;
  readonly #scanner: Scanner;
  readonly #options: ScanOptions;
  readonly #control: ScanControl;
  readonly #edit: TreeEdit;
  readonly #pacer = new Pacer();
  readonly #vanished: RelPath[] = [];
  readonly #directories: RelPath[] = [];
  /** Directories that may have been renamed, as they were, by inode. */
  readonly #renamable: ReadonlyMap<number, DirectoryEntry>;
  /** Paths that were looked at anew, with all below them. */
  readonly #looked = new Set<RelPath>();
  readonly #otherNames: OtherNames;

  constructor(
    previous: ScannedSnapshot,
    dirty: DirtyPaths,
    options: ScanOptions,
    control: ScanControl,
  ) {
    this.#previous = previous;
    this.#otherNames = new OtherNames(previous);
    this.#renamable = renamableIn(previous.root, dirty, options);
    this.#options = options;
    this.#control = control;
    this.#scanner = new Scanner(options, control, { before: previous });
    Object.assign(this.#scanner.totals, previous.totals);
    this.#edit = new TreeEdit(previous.root, options.modes);
  }

  /**
   * Looks at what is dirty in one directory, which was there before as `entry`.
   * False if that does not do, and all of the directory has to be scanned.
   */
  async visit(
    place: Place,
    entry: DirectoryEntry,
    node: DirtyNode,
  ): Promise<boolean> {
    const { directory, path } = place;
    const { below, listed } = node.entries
      ? await changedEntries(directory, entry, node.below)
      : { below: node.below, listed: NOTHING_LISTED };
    for (const name of below.keys()) {
      // Other rules hold for all that is in it; and of a name that is not valid
      // only a listing can tell what has become of it.
      const isOdd = this.#scanner.ignore.isIgnoreFile(name) ||
        name.includes("\ufffd") || !name.isWellFormed();
      if (isOdd) return false;
    }
    const stat = await directory.stat();
    if (!isSameThing(entry, stat)) return false;
    for (const [name, child] of below) {
      if (path === ROOT && name === RESERVED_NAME) continue;
      this.#control.signal?.throwIfAborted();
      const pause = this.#pacer.turn();
      if (pause !== undefined) await pause;
      const before = entry.children.get(name);
      // Where only something below an ignored directory is dirty, nothing is.
      if (!child.self && before === IGNORED) continue;
      const isDone = !child.self && before?.kind === "directory" &&
        await this.#enter(place, name, before, child);
      if (isDone) continue;
      await this.#look(place, stat, name, before, listed.get(name));
    }
    // What comes and goes in a directory moves its mtime.
    const own = this.#scanner.ownOf(await directory.stat());
    this.#edit.adjust(path, own);
    return true;
  }

  /** What is to be looked at besides, as it may have changed by another name. */
  otherNames(): Promise<DirtyPaths> {
    return this.#otherNames.find((path) => this.#wasLooked(path));
  }

  finish(): Rescan {
    const previous = this.#previous;
    const { ignore, problems, totals } = this.#scanner;
    const root = this.#edit.finish();
    const kept = this.#looked.size === 0
      ? previous.problems
      : previous.problems.filter(({ path }) => !this.#wasLooked(path));
    const snapshot: ScannedSnapshot = {
      root,
      totals,
      problems: kept.concat(problems),
      ignoreDigest: ignore.digest(),
      ignoreTree: ignore.tree(),
      ignoreRecords: ignore.records(),
      linked: this.#scanner.linked,
    };
    return {
      snapshot: sparing(previous, snapshot),
      vanished: this.#vanished,
      directories: this.#directories,
    };
  }

  /** Looks further down, in what was a directory; false if it is none any more. */
  async #enter(
    { directory, path, scope }: Place,
    name: Name,
    entry: DirectoryEntry,
    node: DirtyNode,
  ): Promise<boolean> {
    let opened: Directory;
    try {
      opened = await directory.openDirectory(name);
    } catch (error) {
      if (!isFileSystemError(error)) throw error;
      return false;
    }
    try {
      const at = join(path, name);
      const { ignoreTree } = this.#previous;
      const below = ignoreTree.enter(scope, name, at);
      return await this.visit(
        { directory: opened, path: at, scope: below },
        entry,
        node,
      );
    } finally {
      opened.close();
    }
  }

  /**
   * Finds out what the entry `name` is now; `stat` is that of its directory, and
   * `listed` what was just seen of it, if it was.
   */
  async #look(
    { directory, path, scope }: Place,
    { device }: Stat,
    name: Name,
    before: Entry | undefined,
    listed: ListedEntry | undefined,
  ): Promise<void> {
    const at = join(path, name);
    const scanner = this.#scanner;
    let found: Entry | undefined;
    try {
      const seen = listed ?? await lookUp(directory, name);
      const stat = seen?.stat;
      if (
        stat?.kind === "file" && before?.kind === "file" &&
        !this.#options.checksum && isUnmoved(before, stat)
      ) return;
      if (stat?.kind === "file" && before?.kind === "file") {
        this.#otherNames.changed(before, stat);
      }
      this.#leave(at, before);
      if (seen !== undefined) {
        found = before === undefined && seen.stat.device === device
          ? this.#renamed(seen.stat)
          : undefined;
        found ??= await scanner.look(directory, at, seen, device, scope);
      }
    } catch (error) {
      if (!isFileSystemError(error)) throw error;
      this.#leave(at, before);
      if (error.code !== "not-found") {
        const { message } = error;
        scanner.problems.push({ path: at, code: "unreadable", message });
        found = { kind: "problem", message };
      }
    }
    this.#otherNames.replaced(before, found);
    if (found !== undefined) {
      this.#edit.put(at, found);
      if (found.kind === "directory") this.#directories.push(at);
    } else if (before !== undefined) {
      this.#edit.remove(at);
      this.#vanished.push(at);
    }
  }

  /** Takes what was at `path` out of the counts; once. */
  #leave(path: RelPath, before: Entry | undefined): void {
    if (this.#looked.has(path)) return;
    this.#looked.add(path);
    this.#scanner.ignore.forget(path);
    this.#count(before, -1);
  }

  /** A directory that was renamed, with all that was in it; undefined if it is none. */
  #renamed(stat: Stat): DirectoryEntry | undefined {
    const before = this.#renamable.get(stat.inode);
    if (before === undefined || !isSameThing(before, stat)) return undefined;
    const own = this.#scanner.ownOf(stat);
    const { children, digest, inode, generation } = before;
    const entry: DirectoryEntry = {
      kind: "directory",
      ...own,
      children,
      digest,
      inode,
      generation,
    };
    this.#count(entry, 1);
    this.#otherNames.renamed(stat.inode);
    return entry;
  }

  #count(entry: Entry | undefined, sign: 1 | -1): void {
    const totals = this.#scanner.totals as {
      -readonly [K in keyof Totals]: number;
    };
    const { directories, files, symlinks, bytes } = totalsOf(entry);
    totals.directories += sign * directories;
    totals.files += sign * files;
    totals.symlinks += sign * symlinks;
    totals.bytes += sign * bytes;
  }

  #wasLooked(path: RelPath): boolean {
    let at: RelPath | undefined = path;
    while (at !== undefined) {
      if (this.#looked.has(at)) return true;
      at = parentOf(at);
    }
    return false;
  }
}

/**
 * The directories at dirty paths, which may have gone to other ones. Where rules
 * are in force it depends on the path what is in a directory, and what takes no
 * part in it is a problem at its path: such ones are left out.
 */
function renamableIn(
  root: DirectoryEntry,
  dirty: DirtyPaths,
  { ignore: { rules, files } }: ScanOptions,
): ReadonlyMap<number, DirectoryEntry> {
  const found = new Map<number, DirectoryEntry>();
  if (rules.length + files.length > 0) return found;
  for (const path of dirty.paths()) {
    const entry = entryAt(root, path);
    const isRenamable = entry?.kind === "directory" &&
      entry.inode !== undefined && entry.inode > 0 && isWhollyTracked(entry);
    if (isRenamable) found.set(entry.inode!, entry);
  }
  return found;
}

const NOTHING_LISTED: ReadonlyMap<Name, ListedEntry> = new Map();
