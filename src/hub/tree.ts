/** The files of a hub as a tree of entries, kept up to date by records. PURE. */
import { digestOfChildren } from "../core/digest.ts";
import {
  type DirectoryEntry,
  type Entry,
  NO_CHILDREN,
  sortChildren,
  type Totals,
} from "../core/entry.ts";
import { type Name, namesOf } from "../core/path.ts";
import { entryOf, type HubRecord } from "./record.ts";

/** How a tree is to look. */
export interface TreeTraits {
  /** Whether files have digests; those count in the digests of directories. */
  readonly digests: boolean;
  /** Whether mode bits count. */
  readonly modes: boolean;
}

/** The root of a hub that holds nothing. */
export const EMPTY_TREE: DirectoryEntry = {
  kind: "directory",
  mode: 0o755,
  mtime: 0,
  children: NO_CHILDREN,
  digest: undefined,
};

/** What has changed at and below one name. */
interface Branch {
  own: HubRecord | undefined;
  readonly below: Map<Name, Branch>;
}

/**
 * `root` as it is after `records`, of which there is one for each path at the most.
 * Directories in which nothing has changed stay the same objects; all have digests.
 */
export function applyRecords(
  root: DirectoryEntry,
  records: Iterable<HubRecord>,
  traits: TreeTraits,
): DirectoryEntry {
  const top: Branch = { own: undefined, below: new Map() };
  for (const record of records) branchAt(top, record).own = record;
  const result = grow(root, top, traits);
  return result?.kind === "directory"
    ? result
    : digested(EMPTY_TREE, NO_CHILDREN, traits);
}

/** Totals of trees that were counted: they never change. */
const COUNTED = new WeakMap<DirectoryEntry, Totals>();

/** Counts what is below `root`. */
export function totalsOfTree(root: DirectoryEntry): Totals {
  const known = COUNTED.get(root);
  if (known !== undefined) return known;
  const totals = { directories: 0, files: 0, symlinks: 0, bytes: 0 };
  const stack: DirectoryEntry[] = [root];
  for (let next; (next = stack.pop()) !== undefined;) {
    for (const child of next.children.values()) {
      if (child.kind === "directory") {
        totals.directories++;
        stack.push(child);
      } else if (child.kind === "file") {
        totals.files++;
        totals.bytes += child.size;
      } else if (child.kind === "symlink") totals.symlinks++;
    }
  }
  COUNTED.set(root, totals);
  return totals;
}

function branchAt(top: Branch, { path }: HubRecord): Branch {
  let branch = top;
  for (const name of namesOf(path)) {
    let next = branch.below.get(name);
    if (next === undefined) {
      next = { own: undefined, below: new Map() };
      branch.below.set(name, next);
    }
    branch = next;
  }
  return branch;
}

/** `there` with what `branch` says; undefined: nothing is left. */
function grow(
  there: Entry | undefined,
  branch: Branch,
  traits: TreeTraits,
): Entry | undefined {
  const { own, below } = branch;
  let entry = there;
  if (own !== undefined) {
    const now = entryOf(own);
    if (now?.kind === "file" && !traits.digests) {
      entry = { ...now, digest: undefined };
    } else if (now?.kind === "directory" && there?.kind === "directory") {
      entry = { ...there, mode: now.mode, mtime: now.mtime };
    } else entry = now;
  }
  if (entry?.kind !== "directory") return entry;
  if (below.size === 0) {
    return entry.digest === undefined
      ? digested(entry, entry.children, traits)
      : entry;
  }
  const children = new Map(entry.children);
  let hasNew = false;
  for (const [name, next] of below) {
    const child = grow(children.get(name), next, traits);
    if (child === undefined) children.delete(name);
    else {
      hasNew ||= !children.has(name);
      children.set(name, child);
    }
  }
  return digested(entry, hasNew ? sortChildren(children) : children, traits);
}

function digested(
  directory: DirectoryEntry,
  children: DirectoryEntry["children"],
  { modes }: TreeTraits,
): DirectoryEntry {
  const digest = digestOfChildren(children, modes);
  return { ...directory, children, digest };
}
