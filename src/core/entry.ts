/**
 * The nodes of a tree. What could not be read, or must not be touched, is a node
 * as well, so that it is never taken for "deleted".
 */
import { compareNames, join, type Name, type RelPath } from "./path.ts";

/** SHA-256 in lower-case hexadecimal: 64 characters. */
export type Digest = string;

/** Owner and group, by number. */
export interface Owner {
  /** 0 to 2^32 - 2. */
  readonly uid: number;
  readonly gid: number;
}

/** A node of a tree. */
export type Entry =
  | DirectoryEntry
  | FileEntry
  | SymlinkEntry
  | UntrackedEntry
  | ProblemEntry;

/** An entry that a sync may create, replace or delete. */
export type TrackedEntry = DirectoryEntry | FileEntry | SymlinkEntry;

/** A directory and all that it holds. */
export interface DirectoryEntry {
  readonly kind: "directory";
  /** Permission bits, 0 to 0o777. */
  readonly mode: number;
  /** Time of the last modification, in whole milliseconds since 1970. */
  readonly mtime: number;
  /** In name order. */
  readonly children: ReadonlyMap<Name, Entry>;
  /** Of the children, see `digest.ts`; undefined where nobody computed it. */
  readonly digest: Digest | undefined;
  /** As of a file; absent for a foreign directory. */
  readonly inode?: number | undefined;
  /** As of a file. */
  readonly generation?: number | undefined;
  /** There where owners are to be equal. */
  readonly owner?: Owner;
}

/** A regular file. */
export interface FileEntry {
  readonly kind: "file";
  /** In bytes. */
  readonly size: number;
  readonly mtime: number;
  readonly mode: number;
  /** Of the content; undefined where the content was not read. */
  readonly digest: Digest | undefined;
  /**
   * Time of the last change of content or metadata, in milliseconds, as this
   * machine's file system keeps it; undefined for a foreign file.
   */
  readonly ctime: number | undefined;
  /** The file's number in its file system; undefined for a foreign file. */
  readonly inode: number | undefined;
  /**
   * Tells this file from others that have had its number: these are given away
   * again. Absent for a foreign file, and where nothing of that kind is kept.
   */
  readonly generation?: number | undefined;
  readonly owner?: Owner;
}

/** A symbolic link; it is copied as it is, never followed. */
export interface SymlinkEntry {
  readonly kind: "symlink";
  /** Where it points, as written; not a path of ours, and not checked. */
  readonly target: string;
  /** As of a file, but never below 0: older times cannot be set on a link. */
  readonly mtime: number;
  readonly owner?: Owner;
}

/** Why an entry takes no part in the sync. */
export type UntrackedReason =
  | "special-file"
  | "invalid-name"
  | "mount-point"
  | "symlink-skipped"
  | "ignored";

/** Something that takes no part: left alone on both sides. */
export interface UntrackedEntry {
  readonly kind: "untracked";
  readonly reason: UntrackedReason;
}

/** Something that could not be read: left alone on both sides, with its reason. */
export interface ProblemEntry {
  readonly kind: "problem";
  readonly message: string;
}

/** Counts over a tree. */
export interface Totals {
  readonly directories: number;
  readonly files: number;
  readonly symlinks: number;
  /** Sizes of all files, in bytes. */
  readonly bytes: number;
}

/** What takes part in a tree, without its root. */
export function entriesIn({ files, directories, symlinks }: Totals): number {
  return files + directories + symlinks;
}

/** No children. */
export const NO_CHILDREN: ReadonlyMap<Name, Entry> = new Map();

/** What an ignore rule matches; what is in a directory comes not into the tree. */
export const IGNORED: UntrackedEntry = { kind: "untracked", reason: "ignored" };

/** Whether a sync may create, replace or delete `entry`. */
export function isTracked(entry: Entry): entry is TrackedEntry {
  return entry.kind !== "untracked" && entry.kind !== "problem";
}

/** Whether the owners of two entries are equal, as far as they count. */
export function sameOwner(a: TrackedEntry, b: TrackedEntry): boolean {
  if (a.owner === undefined || b.owner === undefined) return true;
  return a.owner.uid === b.owner.uid && a.owner.gid === b.owner.gid;
}

/** Puts children into name order. */
export function sortChildren(
  children: Iterable<readonly [Name, Entry]>,
): ReadonlyMap<Name, Entry> {
  return new Map([...children].sort(([a], [b]) => compareNames(a, b)));
}

/**
 * All that the entry at `path` holds, at any depth, in name order: each directory
 * before what is in it.
 */
export function* entriesBelow(
  path: RelPath,
  entry: Entry | undefined,
): Generator<[RelPath, Entry]> {
  if (entry?.kind !== "directory") return;
  // An own stack: a generator that delegates costs its depth for each value.
  const stack: [RelPath, Iterator<[Name, Entry]>][] = [
    [path, entry.children.entries()],
  ];
  while (stack.length > 0) {
    const [base, rest] = stack.at(-1)!;
    const next = rest.next();
    if (next.done) {
      stack.pop();
      continue;
    }
    const [name, child] = next.value;
    const at = join(base, name);
    yield [at, child];
    if (child.kind === "directory") stack.push([at, child.children.entries()]);
  }
}

/** Counts `entry` itself and all below it. */
export function totalsOf(entry: Entry | undefined): Totals {
  const totals = { directories: 0, files: 0, symlinks: 0, bytes: 0 };
  count(entry);
  return totals;

  function count(entry: Entry | undefined): void {
    switch (entry?.kind) {
      case "directory":
        totals.directories++;
        for (const child of entry.children.values()) count(child);
        break;
      case "file":
        totals.files++;
        totals.bytes += entry.size;
        break;
      case "symlink":
        totals.symlinks++;
        break;
    }
  }
}

/** `entry` without what takes no part, at any depth. */
export function withoutUntracked(entry: TrackedEntry): TrackedEntry {
  // Nearly always there is nothing to leave out, and nothing to build anew.
  if (entry.kind !== "directory" || isWhollyTracked(entry)) return entry;
  const children = new Map<Name, Entry>();
  for (const [name, child] of entry.children) {
    if (isTracked(child)) children.set(name, withoutUntracked(child));
  }
  return { ...entry, children, digest: undefined };
}

/** Whether all of `entry` may be deleted: nothing in it is left alone. */
export function isWhollyTracked(entry: Entry): boolean {
  if (!isTracked(entry)) return false;
  if (entry.kind !== "directory") return true;
  for (const child of entry.children.values()) {
    if (!isWhollyTracked(child)) return false;
  }
  return true;
}
