/** Two scans of one tree, of which the second is spared what the first has already. */
import type { DirectoryEntry, Entry } from "../core/entry.ts";
import { mergePacked } from "../core/packed_children.ts";
import type { Name } from "../core/path.ts";
import type { Problem } from "../core/problem.ts";
import { sameRecords } from "./ignore_reader.ts";
import type { ScannedSnapshot } from "./scan.ts";

/** `next`, with the directories taken from `previous` that are equal in it; that one, if all is. */
export function sparing(
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
