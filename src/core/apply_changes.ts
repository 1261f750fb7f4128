/** What becomes of a tree when changes are carried out on it. */
import type { Change } from "./change.ts";
import { digestOfChildren } from "./digest.ts";
import { type DirectoryEntry, type Entry, isTracked } from "./entry.ts";
import { type Name, ROOT } from "./path.ts";
import { TreeEdit } from "./edit_tree.ts";

/**
 * The tree `root` after `changes`, as `diff` lists them: with digests, and with
 * what takes no part left as it was.
 * @param modes Whether mode bits count in digests.
 */
export function applyChanges(
  root: DirectoryEntry,
  changes: Iterable<Change>,
  modes: boolean,
): DirectoryEntry {
  const edit = new TreeEdit(root, modes);
  for (const { path, old, new: wanted } of changes) {
    if (wanted === undefined) edit.remove(path);
    else if (wanted.kind !== "directory") edit.put(path, wanted);
    else if (old?.kind === "directory" || path === ROOT) {
      edit.adjust(path, wanted);
    } else edit.put(path, withDigests(wanted, modes));
  }
  return edit.finish();
}

/** `directory`, digested where it is not. */
export function withDigests(
  directory: DirectoryEntry,
  modes: boolean,
): DirectoryEntry {
  if (directory.digest !== undefined) return directory;
  const children = new Map<Name, Entry>();
  for (const [name, child] of directory.children) {
    children.set(
      name,
      isTracked(child) && child.kind === "directory"
        ? withDigests(child, modes)
        : child,
    );
  }
  const digest = digestOfChildren(children, modes);
  return { ...directory, children, digest };
}
