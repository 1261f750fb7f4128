/**
 * A scan that looks only where something may have changed, and takes the rest
 * over from the one before: as the very same objects.
 */
import {
  type DirectoryEntry,
  type Entry,
  type FileEntry,
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
import {
  filesAmong,
  mergePacked,
  othersAmong,
} from "../core/packed_children.ts";
import type { Problem } from "../core/problem.ts";
import { visitReplaced } from "../core/replaced_entries.ts";
import { entryAt, type ScanOptions } from "../core/snapshot.ts";
import { isFileSystemError } from "../errors.ts";
import {
  changedEntries,
  isSameThing,
  isUnmoved,
  lookUp,
} from "./changed_entries.ts";
import { sameRecords } from "./ignore_reader.ts";
import { type DirtyNode, DirtyPaths } from "./dirty_paths.ts";
import type { Directory, ListedEntry, Stat } from "./file_system.ts";
import { Pacer } from "./pacer.ts";
import {
  scan,
  type ScanControl,
  type ScannedSnapshot,
  Scanner,
} from "./scan.ts";

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
    let isDone = await work.visit(place, previous.root, dirty.root);
    const others = await work.otherNames();
    if (others.everything) return await whole();
    if (isDone && !others.isEmpty) {
      isDone = await work.visit(place, previous.root, others.root);
    }
    if (isDone) return work.finish();
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
  /** Files with several names that have changed, by inode: what they were. */
  readonly #linked = new Map<number, FileEntry>();
  /** What is not where it was, and inodes of directories that were renamed. */
  readonly #gone: Entry[] = [];
  readonly #moved = new Set<number>();

  constructor(
    previous: ScannedSnapshot,
    dirty: DirtyPaths,
    options: ScanOptions,
    control: ScanControl,
  ) {
    this.#previous = previous;
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

  /**
   * Other names of files that have changed: of a change by one name no watch tells
   * at another one.
   */
  async otherNames(): Promise<DirtyPaths> {
    const found = new DirtyPaths();
    for (const entry of this.#gone) this.#noteLost(entry);
    if (this.#linked.size === 0) return found;
    const isLinked = (_: number, inode = 0): boolean => this.#linked.has(inode);
    const search = async (
      at: RelPath,
      { children }: DirectoryEntry,
    ): Promise<void> => {
      const pause = this.#pacer.turn();
      if (pause !== undefined) await pause;
      for (
        const [name, { inode, generation }] of filesAmong(children, isLinked)
      ) {
        if (this.#linked.get(inode!)!.generation !== generation) continue;
        const path = join(at, name);
        if (!this.#wasLooked(path)) found.add(path);
      }
      for (const [name, entry] of othersAmong(children)) {
        if (entry.kind === "directory") await search(join(at, name), entry);
      }
    };
    await search(ROOT, this.#previous.root);
    return found;
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
        this.#noteLinked(before, stat);
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
    this.#noteGone(before, found);
    if (found !== undefined) {
      this.#edit.put(at, found);
      if (found.kind === "directory") this.#directories.push(at);
    } else if (before !== undefined) {
      this.#edit.remove(at);
      this.#vanished.push(at);
    }
  }

  #noteLinked(before: FileEntry, stat: Stat): void {
    const { inode, links } = stat;
    if (links < 2 || inode === 0 || !isSameThing(before, stat)) return;
    if (!isUnmoved(before, stat)) this.#linked.set(inode, before);
  }

  /** Notes what of `before` is not where it was, now that `after` is there. */
  #noteGone(before: Entry | undefined, after: Entry | undefined): void {
    if (before === undefined || this.#previous.linked.size === 0) return;
    if (before.kind === "directory" && after?.kind === "directory") {
      if (before.inode === after.inode) {
        if (before.children === after.children) return;
        for (const [name, child] of before.children) {
          this.#noteGone(child, after.children.get(name));
        }
        return;
      }
    }
    const isStill = before.kind === "file" && after?.kind === "file" &&
      before.inode === after.inode && before.ctime === after.ctime;
    if (!isStill) this.#gone.push(before);
  }

  /** Whoever has taken a name away may have written to the file by it before. */
  #noteLost(entry: Entry): void {
    const { linked } = this.#previous;
    if (entry.kind === "file") {
      const { inode = 0 } = entry;
      if (linked.has(inode)) this.#linked.set(inode, entry);
    } else if (entry.kind === "directory") {
      // Its files are where it is now.
      if (this.#moved.has(entry.inode ?? 0)) return;
      const isLinked = (_: number, inode = 0): boolean => linked.has(inode);
      for (const [, file] of filesAmong(entry.children, isLinked)) {
        this.#linked.set(file.inode!, file);
      }
      for (const [, child] of othersAmong(entry.children)) {
        this.#noteLost(child);
      }
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
    this.#moved.add(stat.inode);
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

/** `next`, with the directories taken from `previous` that are equal in it; that one, if all is. */
function sparing(
  previous: ScannedSnapshot,
  next: ScannedSnapshot,
): ScannedSnapshot {
  const root = sameTree(previous.root, next.root);
  const hasSameRules = sameRecords(previous.ignoreRecords, next.ignoreRecords);
  const isSame = root === previous.root && hasSameRules &&
    sameProblems(previous.problems, next.problems);
  if (isSame) return previous;
  if (!hasSameRules) return { ...next, root };
  const { ignoreDigest, ignoreTree, ignoreRecords } = previous;
  return { ...next, root, ignoreDigest, ignoreTree, ignoreRecords };
}

/** Whether the problems are the same, in whatever order they were found. */
function sameProblems(a: readonly Problem[], b: readonly Problem[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  const inOrder = (problems: readonly Problem[]): string[] =>
    problems.map(({ path, code, message }) => `${path}\0${code}\0${message}`)
      .sort();
  const others = inOrder(b);
  return inOrder(a).every((problem, i) => problem === others[i]);
}

/** `next`, or `previous` where the two are equal in all that a scan sees. */
function sameTree(
  previous: DirectoryEntry,
  next: DirectoryEntry,
): DirectoryEntry {
  if (previous === next) return previous;
  const merge = (before: Entry, entry: Entry): Entry =>
    sameEntry(before, entry) ?? entry;
  const children = mergePacked(previous.children, next.children, merge) ??
    mergeChildren(previous.children, next.children, merge);
  if (
    children === previous.children && previous.mode === next.mode &&
    previous.mtime === next.mtime &&
    previous.inode === next.inode && previous.generation === next.generation &&
    previous.owner?.uid === next.owner?.uid &&
    previous.owner?.gid === next.owner?.gid
  ) return previous;
  return children === next.children ? next : { ...next, children };
}

/** What `merge` makes of `next`: `previous`, or itself, if these are equal to it. */
function mergeChildren(
  previous: ReadonlyMap<Name, Entry>,
  next: ReadonlyMap<Name, Entry>,
  merge: (before: Entry, entry: Entry) => Entry,
): ReadonlyMap<Name, Entry> {
  let merged: Map<Name, Entry> | undefined;
  let isSame = previous.size === next.size;
  for (const [name, entry] of next) {
    const before = previous.get(name);
    const same = before === undefined ? entry : merge(before, entry);
    if (same !== before) isSame = false;
    if (same === entry) continue;
    merged ??= new Map(next);
    merged.set(name, same);
  }
  return isSame ? previous : merged ?? next;
}

/** `before` if `entry` is equal to it, a tree with shared parts, or undefined. */
function sameEntry(before: Entry, entry: Entry): Entry | undefined {
  if (before === entry) return before;
  if (before.kind === "directory" && entry.kind === "directory") {
    return sameTree(before, entry);
  }
  if (before.kind !== entry.kind) return undefined;
  const keys = Object.keys(entry) as (keyof Entry)[];
  for (const key of keys) {
    const [a, b] = [before[key], entry[key]] as [unknown, unknown];
    if (a === b) continue;
    if (key as string !== "owner" || JSON.stringify(a) !== JSON.stringify(b)) {
      return undefined;
    }
  }
  return before;
}
