/** What of a list of changes a transition has achieved, and what it left unsaid. */
import { type Change, isIdle } from "../core/change.ts";
import type { DirectoryEntry, Entry } from "../core/entry.ts";
import {
  displayPath,
  join,
  type Name,
  parentOf,
  type RelPath,
} from "../core/path.ts";
import type { Problem } from "../core/problem.ts";
import { entryAt } from "../core/snapshot.ts";
import type { TransitionResult } from "./endpoint.ts";

/** The changes that `result` says are done, in part where only a part is. */
export function achievedChanges(
  changes: readonly Change[],
  { done, problems }: TransitionResult,
): Change[] {
  const failed = new Set(problems.map(({ path }) => path));
  const achieved: Change[] = [];
  for (const [i, change] of changes.entries()) {
    if (done[i] === 1) achieved.push(change);
    else if (change.new?.kind === "directory" && !failed.has(change.path)) {
      achieved.push({
        ...change,
        new: withoutPaths(change.new, change.path, failed),
      });
    }
  }
  return achieved;
}

/** A problem for each change that is not done, though nothing is said against it. */
export function unexplained(
  changes: readonly Change[],
  { done, problems }: TransitionResult,
): Problem[] {
  if (done.every((isDone) => isDone === 1)) return [];
  const explained = new Set<RelPath>();
  for (const problem of problems) {
    let path: RelPath | undefined = problem.path;
    while (path !== undefined && !explained.has(path)) {
      explained.add(path);
      path = parentOf(path);
    }
  }
  return changes.filter(({ path }, i) => done[i] !== 1 && !explained.has(path))
    .map(({ path }) => ({
      path,
      code: "failed",
      message: `${displayPath(path)} was not changed, for an unknown reason`,
    }));
}

function withoutPaths(
  directory: DirectoryEntry,
  path: RelPath,
  left: ReadonlySet<RelPath>,
): DirectoryEntry {
  const children = new Map<Name, Entry>();
  for (const [name, child] of directory.children) {
    const childPath = join(path, name);
    if (left.has(childPath)) continue;
    children.set(
      name,
      child.kind === "directory" ? withoutPaths(child, childPath, left) : child,
    );
  }
  return { ...directory, children, digest: undefined };
}

/**
 * Whether a directory could not be dated again, though in `root`, which is what is
 * known of the target, it is as `changes` want it: nothing else would tell that what
 * is new in it has dated it anew.
 */
export function isWronglyDated(
  root: DirectoryEntry,
  changes: readonly Change[],
  problems: readonly Problem[],
  modes: boolean,
): boolean {
  if (problems.length === 0) return false;
  const failed = new Set(problems.map(({ path }) => path));
  return changes.some((change) => {
    const { path, new: wanted } = change;
    if (wanted?.kind !== "directory" || !failed.has(path)) return false;
    const old = entryAt(root, path);
    return old?.kind === "directory" && isIdle({ ...change, old }, modes);
  });
}
