/** The tree that changes lead to. */
import type { Change } from "./change.ts";
import { digestOfChildren } from "./digest.ts";
import { type DirectoryEntry, type Entry, sortChildren } from "./entry.ts";
import { type Name, namesOf } from "./path.ts";

/** Changes at a path and below it. */
interface Step {
  change: Change | undefined;
  readonly below: Map<Name, Step>;
}

/**
 * The tree `root` with `changes` carried out; every directory that they touch has
 * a new digest. What no change reaches is taken over as the same objects.
 * @param changes As `diff` makes them: each fits `root`, at most one for a path.
 * @param modes Whether mode bits count in digests.
 */
export function apply(
  root: DirectoryEntry,
  changes: Iterable<Change>,
  modes: boolean,
): DirectoryEntry {
  const top = stepsOf(changes);
  return applied(root, top, modes) as DirectoryEntry;
}

/** `directory` with the digests that it and what it holds have not got. */
export function withMissingDigests(
  directory: DirectoryEntry,
  modes: boolean,
): DirectoryEntry {
  // Where there is one, all below have theirs: it is made of them.
  if (directory.digest !== undefined) return directory;
  const children = new Map<Name, Entry>();
  for (const [name, child] of directory.children) {
    const isDirectory = child.kind === "directory";
    children.set(name, isDirectory ? withMissingDigests(child, modes) : child);
  }
  return digested({ ...directory, children }, modes);
}

function stepsOf(changes: Iterable<Change>): Step {
  const top: Step = { change: undefined, below: new Map() };
  for (const change of changes) {
    let step = top;
    for (const name of namesOf(change.path)) {
      let next = step.below.get(name);
      if (next === undefined) {
        next = { change: undefined, below: new Map() };
        step.below.set(name, next);
      }
      step = next;
    }
    step.change = change;
  }
  return top;
}

function applied(
  entry: Entry | undefined,
  { change, below }: Step,
  modes: boolean,
): Entry | undefined {
  if (change !== undefined) {
    const { new: wanted } = change;
    if (entry?.kind !== "directory" || wanted?.kind !== "directory") {
      return wanted && withDigests(wanted, modes);
    }
    // Only its own mode and mtime: what it holds has changes of its own.
    const { children, digest } = entry;
    entry = { ...wanted, children, digest };
  }
  if (entry?.kind !== "directory" || below.size === 0) return entry;
  const children = new Map(entry.children);
  let isSorted = true;
  for (const [name, step] of below) {
    const child = applied(children.get(name), step, modes);
    if (child === undefined) {
      children.delete(name);
    } else {
      if (!children.has(name)) isSorted = false;
      children.set(name, child);
    }
  }
  return digested(
    { ...entry, children: isSorted ? children : sortChildren(children) },
    modes,
  );
}

/** `entry`, whose directories may have no digests yet, with all of them. */
function withDigests(entry: Entry, modes: boolean): Entry {
  if (entry.kind !== "directory") return entry;
  const children = new Map<Name, Entry>();
  for (const [name, child] of entry.children) {
    children.set(name, withDigests(child, modes));
  }
  return digested({ ...entry, children }, modes);
}

function digested(directory: DirectoryEntry, modes: boolean): DirectoryEntry {
  const digest = digestOfChildren(directory.children, modes);
  return { ...directory, digest };
}
