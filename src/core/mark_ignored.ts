/**
 * Which of the entries at a target its source ignores. The rules of the source
 * decide; so what they ignore is left alone, whatever the target knows of them.
 */
import { digestOfChildren } from "./digest.ts";
import {
  type DirectoryEntry,
  type Entry,
  IGNORED,
  isTracked,
} from "./entry.ts";
import type { IgnoreScope } from "./ignore.ts";
import type { IgnoreTree } from "./ignore_tree.ts";
import { join, type Name, type RelPath, ROOT } from "./path.ts";

/**
 * The tree `base` in which all is `ignored` that `rules`, those of the tree `goal`,
 * ignore and `goal` does not track. Directories in which nothing changes stay the
 * same objects; the others have digests again where they had some.
 * @param modes Whether mode bits count in digests.
 */
export function markIgnored(
  base: DirectoryEntry,
  goal: DirectoryEntry,
  rules: IgnoreTree,
  modes: boolean,
): DirectoryEntry {
  return rules.isEmpty ? base : inDirectory(ROOT, base, goal, rules.root);

  function inDirectory(
    path: RelPath,
    base: DirectoryEntry,
    goal: Entry | undefined,
    scope: IgnoreScope,
  ): DirectoryEntry {
    const known = goal?.kind === "directory" ? goal : undefined;
    if (known !== undefined && holdsTheSame(base, known)) return base;
    let changed: Map<Name, Entry> | undefined;
    for (const [name, there] of base.children) {
      const marked = mark(path, name, there, known?.children.get(name), scope);
      if (marked === there) continue;
      changed ??= new Map(base.children);
      changed.set(name, marked);
    }
    if (changed === undefined) return base;
    const digest = base.digest === undefined
      ? undefined
      : digestOfChildren(changed, modes);
    return { ...base, children: changed, digest };
  }

  function mark(
    parent: RelPath,
    name: Name,
    there: Entry,
    wanted: Entry | undefined,
    scope: IgnoreScope,
  ): Entry {
    if (!isTracked(there) || there === wanted) return there;
    const isDirectory = there.kind === "directory";
    // What the source tracks is not ignored, but what is of another kind may be.
    const isKnown = wanted !== undefined && isTracked(wanted) &&
      (wanted.kind === "directory") === isDirectory;
    if (!isKnown && scope.ignores(name, isDirectory)) return IGNORED;
    if (!isDirectory) return there;
    const path = join(parent, name);
    return inDirectory(path, there, wanted, rules.enter(scope, name, path));
  }
}

/** Whether all that takes part in the two is equal, so that nothing is extra. */
function holdsTheSame(a: DirectoryEntry, b: DirectoryEntry): boolean {
  return a.children === b.children ||
    (a.digest !== undefined && a.digest === b.digest);
}
