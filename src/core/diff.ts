/**
 * The changes that turn one tree into another. Pure: it reads two trees and
 * touches nothing.
 */
import { type Change, sameContent, shallow } from "./change.ts";
import {
  type DirectoryEntry,
  type Entry,
  isTracked,
  isWhollyTracked,
  type ProblemEntry,
  sameOwner,
  type UntrackedEntry,
  withoutUntracked,
} from "./entry.ts";
import { displayPath, join, type RelPath, ROOT } from "./path.ts";
import type { Problem } from "./problem.ts";

/** How {@link diff} decides. */
export interface DiffOptions {
  /** Whether what is extra at the base is deleted. */
  readonly deletes: boolean;
  /** Whether mode bits count. */
  readonly modes: boolean;
}

/** What {@link diff} found. */
export interface Difference {
  /**
   * For each directory first what the goal has in it, then what only the base
   * has, both in name order, and last its own mode and mtime. A directory that
   * gains or loses a child has a change of its own even if its mtime is right
   * already, because the other changes will move it.
   */
  readonly changes: readonly Change[];
  /** Paths that stay different because something there must not be touched. */
  readonly problems: readonly Problem[];
}

/**
 * Finds the changes that turn the tree `base` into the tree `goal`.
 *
 * What takes no part on either side (untracked, problem) is left alone, and so
 * is a directory that holds it: "not seen" is never "deleted".
 */
export function diff(
  base: DirectoryEntry,
  goal: DirectoryEntry,
  options: DiffOptions,
): Difference {
  const changes: Change[] = [];
  const problems: Problem[] = [];
  compareDirectories(ROOT, base, goal);
  return { changes, problems };

  function compareDirectories(
    path: RelPath,
    base: DirectoryEntry,
    goal: DirectoryEntry,
  ): void {
    if (base === goal) return;
    let moved = false;
    if (base.digest === undefined || base.digest !== goal.digest) {
      for (const [name, wanted] of goal.children) {
        const there = base.children.get(name);
        if (there === wanted) continue;
        if (compare(join(path, name), there, wanted)) moved = true;
      }
      for (const [name, there] of base.children) {
        if (goal.children.has(name)) continue;
        if (compare(join(path, name), there, undefined)) moved = true;
      }
    }
    if (
      moved || base.mtime !== goal.mtime ||
      (options.modes && base.mode !== goal.mode) || !sameOwner(base, goal)
    ) {
      changes.push({ path, old: shallow(base), new: shallow(goal) });
    }
  }

  /** Answers whether the changes found alter the directory that holds `path`. */
  function compare(
    path: RelPath,
    base: Entry | undefined,
    goal: Entry | undefined,
  ): boolean {
    if (goal === undefined) {
      return base !== undefined && options.deletes && remove(path, base);
    }
    // What the source could not read, or does not send, says nothing about the target.
    if (!isTracked(goal)) return false;
    if (base === undefined) {
      return change({ path, old: undefined, new: withoutUntracked(goal) });
    }
    if (!isTracked(base)) {
      return block(
        path,
        base.kind === "problem"
          ? base.message
          : `the target has something there that is left alone (${base.reason})`,
      );
    }
    if (base.kind === "directory" && goal.kind === "directory") {
      compareDirectories(path, base, goal);
      return false;
    }
    if (base.kind === "file" && goal.kind === "file") {
      const same = sameContent(base, goal);
      const modes = options.modes && base.mode !== goal.mode;
      const isEqual = same && !modes && base.mtime === goal.mtime &&
        sameOwner(base, goal);
      if (isEqual) return false;
      changes.push({ path, old: base, new: goal });
      return !same;
    }
    if (base.kind === "symlink" && goal.kind === "symlink") {
      const same = base.target === goal.target &&
        base.mtime === goal.mtime && sameOwner(base, goal);
      return !same && change({ path, old: base, new: goal });
    }
    // The kind flips: what is there has to go first.
    if (base.kind === "directory") {
      if (!isWhollyTracked(base)) {
        return block(path, holding(path, base));
      }
      if (!options.deletes && base.children.size > 0) {
        return block(
          path,
          "the directory there is not empty, and nothing is to be deleted",
        );
      }
    }
    return change({ path, old: base, new: withoutUntracked(goal) });
  }

  function remove(path: RelPath, base: Entry): boolean {
    if (isTracked(base) && isWhollyTracked(base)) {
      return change({ path, old: base, new: undefined });
    }
    if (base.kind !== "directory") return false;
    clear(path, base);
    return block(path, holding(path, base));
  }

  /** Removes what can be removed from a directory that stays. */
  function clear(path: RelPath, base: DirectoryEntry): void {
    let moved = false;
    for (const [name, child] of base.children) {
      const at = join(path, name);
      if (isTracked(child) && isWhollyTracked(child)) {
        moved = change({ path: at, old: child, new: undefined });
      } else if (child.kind === "directory") clear(at, child);
    }
    // What went from it has moved its mtime.
    if (moved) changes.push({ path, old: shallow(base), new: shallow(base) });
  }

  function change(change: Change): true {
    changes.push(change);
    return true;
  }

  function block(path: RelPath, reason: string): false {
    problems.push({
      path,
      code: "blocked",
      message: `Cannot change ${displayPath(path)}: ${reason}`,
    });
    return false;
  }
}

/** Why the directory at `path` can't go as a whole. */
function holding(path: RelPath, directory: DirectoryEntry): string {
  const found = firstLeftAlone(path, directory);
  if (found === undefined) throw new TypeError("Nothing in it is left alone");
  const { entry } = found;
  const reason = entry.kind === "untracked" ? entry.reason : entry.message;
  return "the directory there holds entries that are left alone, as " +
    `${displayPath(found.path)} (${reason})`;
}

function firstLeftAlone(
  path: RelPath,
  directory: DirectoryEntry,
): { path: RelPath; entry: UntrackedEntry | ProblemEntry } | undefined {
  for (const [name, entry] of directory.children) {
    const at = join(path, name);
    if (!isTracked(entry)) return { path: at, entry };
    if (entry.kind !== "directory") continue;
    const found = firstLeftAlone(at, entry);
    if (found !== undefined) return found;
  }
  return undefined;
}
