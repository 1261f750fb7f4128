/**
 * Directories that were seen at two paths: a directory has one, so it was renamed
 * between the looks at them, and the look at the first one is out of date.
 */
import type { DirectoryEntry, Entry } from "./entry.ts";
import { othersAmong } from "./packed_children.ts";
import { join, type RelPath, ROOT } from "./path.ts";

/**
 * Where `now` has directories as `before` had them, which it also has where
 * `before` had none. All of `now` is searched only if there may be any: if one has
 * come whose inode number is among the `known` ones, those of all in `before`.
 */
export function outdatedTwins(
  before: DirectoryEntry,
  now: DirectoryEntry,
  known: ReadonlySet<number>,
): RelPath[] {
  /** By inode: what has come. */
  const come = new Map<number, DirectoryEntry>();
  compare(before, now);
  const found: RelPath[] = [];
  if (come.size > 0) search(ROOT, before, now);
  return found;

  function compare(before: DirectoryEntry, now: DirectoryEntry): void {
    if (before === now || before.children === now.children) return;
    for (const [name, entry] of now.children) {
      if (entry.kind !== "directory") continue;
      const old = before.children.get(name);
      if (isSame(old, entry)) compare(old, entry);
      else add(entry);
    }
  }

  function add(directory: DirectoryEntry): void {
    const { inode = 0 } = directory;
    if (inode > 0 && known.has(inode)) come.set(inode, directory);
    for (const entry of directory.children.values()) {
      if (entry.kind === "directory") add(entry);
    }
  }

  function search(
    path: RelPath,
    before: DirectoryEntry,
    now: DirectoryEntry,
  ): void {
    for (const [name, entry] of now.children) {
      if (entry.kind !== "directory") continue;
      const old = before.children.get(name);
      if (!isSame(old, entry)) continue;
      const at = join(path, name);
      const twin = come.get(entry.inode ?? 0);
      if (twin !== undefined && isSame(twin, entry)) found.push(at);
      else search(at, old, entry);
    }
  }
}

/** Adds the inode numbers of `directory` and all directories in it to `known`. */
export function noteInodes(
  directory: DirectoryEntry,
  known: Set<number>,
): void {
  if (directory.inode !== undefined) known.add(directory.inode);
  for (const [, entry] of othersAmong(directory.children)) {
    if (entry.kind === "directory") noteInodes(entry, known);
  }
}

function isSame(
  a: Entry | undefined,
  b: DirectoryEntry,
): a is DirectoryEntry {
  return a?.kind === "directory" && a.inode === b.inode &&
    a.generation === b.generation;
}
