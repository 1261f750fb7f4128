/**
 * Where the entries of a source come from: evidence for moves. It takes the very
 * same thing to have stood at another path when both sides were last equal: its
 * number in the file system, with its generation (numbers are given away again,
 * often at once), and of a file size and mtime. Equal size and mtime alone prove
 * nothing: reproducible builds make such twins.
 */
import type { Change } from "./change.ts";
import {
  type DirectoryEntry,
  entriesBelow,
  type Entry,
  type FileEntry,
} from "./entry.ts";
import {
  join,
  type Name,
  nameOf,
  parentOf,
  type RelPath,
  ROOT,
} from "./path.ts";

/**
 * Old paths of entries of the source, by their new ones, which never are the same;
 * a directory comes before what is in it, and what only came along with it is left
 * out.
 */
export type Origins = ReadonlyMap<RelPath, RelPath>;

/** No evidence. */
export const NO_ORIGINS: Origins = new Map();

/** A file of the source as it was when both sides were last equal. */
export interface KnownFile {
  readonly path: RelPath;
  readonly inode: number;
  readonly generation: number;
  readonly size: number;
  readonly mtime: number;
}

/** Something that can be known again. */
type Known = (FileEntry | DirectoryEntry) & {
  readonly inode: number;
  readonly generation: number;
};

interface Sighting {
  readonly path: RelPath;
  readonly entry: Known;
}

/**
 * What of the tree `after` stood elsewhere in the tree `before`, an earlier scan
 * of the same directory on this machine. Something with several names that came
 * or went is no evidence.
 */
export function originsOf(
  before: DirectoryEntry,
  after: DirectoryEntry,
): Origins {
  const gone = new Sightings();
  const come = new Sightings();
  compareDirectories(ROOT, before, after);
  return match(gone, come);

  function compareDirectories(
    path: RelPath,
    was: DirectoryEntry,
    is: DirectoryEntry,
  ): void {
    if (was === is || was.children === is.children) return;
    // Equal below, down to all names: whatever came or went is not in here.
    if (was.digest !== undefined && was.digest === is.digest) return;
    for (const [name, now] of is.children) {
      const old = was.children.get(name);
      if (old === now) continue;
      const at = join(path, name);
      if (old === undefined) come.add(at, now);
      else if (old.kind === "directory" && now.kind === "directory") {
        if (mayBeSame(old, now)) compareDirectories(at, old, now);
        else {
          gone.add(at, old);
          come.add(at, now);
        }
      } else if (!isSame(old, now)) {
        gone.add(at, old);
        come.add(at, now);
      }
    }
    for (const [name, old] of was.children) {
      if (!is.children.has(name)) gone.add(join(path, name), old);
    }
  }
}

/**
 * Which files that `changes` create were `known` at another path. Of several names
 * of a file none is evidence.
 */
export function originsAmong(
  known: Iterable<KnownFile>,
  changes: Iterable<Change>,
): Origins {
  const come = new Sightings();
  for (const change of changes) {
    if (change.old === undefined) come.add(change.path, change.new);
  }
  const gone = new Sightings();
  for (const { path, inode, generation, size, mtime } of known) {
    const entry: FileEntry = {
      kind: "file",
      size,
      mtime,
      mode: 0,
      digest: undefined,
      ctime: undefined,
      inode,
      generation,
    };
    gone.add(path, entry);
  }
  return match(gone, come);
}

/** What was seen at one of the two moments and not in its place at the other. */
class Sightings {
  /** By inode; undefined where several have it. */
  readonly byInode = new Map<number, Sighting | undefined>();

  /** Adds `entry`, with all that is in it. */
  add(path: RelPath, entry: Entry | undefined): void {
    this.#addOne(path, entry);
    for (const [at, below] of entriesBelow(path, entry)) {
      this.#addOne(at, below);
    }
  }

  #addOne(path: RelPath, entry: Entry | undefined): void {
    if (entry === undefined || !isKnown(entry)) return;
    const isTwin = this.byInode.has(entry.inode);
    this.byInode.set(entry.inode, isTwin ? undefined : { path, entry });
  }
}

function match(gone: Sightings, come: Sightings): Origins {
  const origins = new Map<RelPath, RelPath>();
  /** Of directories, also where they came along. */
  const directories = new Map<RelPath, RelPath>();
  for (const [inode, now] of come.byInode) {
    const old = gone.byInode.get(inode);
    if (old === undefined || now === undefined) continue;
    if (!isSame(old.entry, now.entry)) continue;
    if (now.entry.kind === "directory") directories.set(now.path, old.path);
    const parent = directories.get(parentOf(now.path)!);
    const cameAlong = parent !== undefined &&
      join(parent, nameOf(now.path) as Name) === old.path;
    if (!cameAlong && now.path !== old.path) origins.set(now.path, old.path);
  }
  return origins;
}

function isKnown(entry: Entry): entry is Known {
  return (entry.kind === "file" || entry.kind === "directory") &&
    entry.generation !== undefined && entry.inode !== undefined &&
    entry.inode > 0;
}

/** Whether two entries are proven to be the same thing, with the same content. */
function isSame(a: Entry, b: Entry): boolean {
  if (!isKnown(a) || !isKnown(b)) return false;
  if (a.inode !== b.inode || a.generation !== b.generation) return false;
  if (a.kind === "directory") return b.kind === "directory";
  return b.kind === "file" && a.size === b.size && a.mtime === b.mtime;
}

/** Whether two directories are one, as far as that can be told. */
function mayBeSame(a: DirectoryEntry, b: DirectoryEntry): boolean {
  return !isKnown(a) || !isKnown(b) || isSame(a, b);
}
