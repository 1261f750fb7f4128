/** What we have just written, as the disk has it. */
import { type Change, isTouch } from "../core/change.ts";
import type { DirectoryEntry, Entry, FileEntry } from "../core/entry.ts";
import { TreeEdit } from "../core/edit_tree.ts";
import { type Name, nameOf, parentOf } from "../core/path.ts";
import { entryAt } from "../core/snapshot.ts";
import { isFileSystemError } from "../errors.ts";
import { DirectoryCursor } from "./directory_cursor.ts";
import type { Directory, Stat } from "./file_system.ts";
import { Pacer } from "./pacer.ts";

/**
 * The tree `tree`, in which `changes` were carried out below `root`, with the
 * inode and ctime of each file of theirs, so that a later look tells whether it
 * still is that version. What is not as it was written stays without them: it
 * will not be taken for that version.
 * @param modes Whether mode bits count in digests.
 */
export async function withWritten(
  root: Directory,
  tree: DirectoryEntry,
  changes: readonly Change[],
  modes: boolean,
): Promise<DirectoryEntry> {
  const edit = new TreeEdit(tree, modes);
  const cursor = new DirectoryCursor(root);
  const pacer = new Pacer();
  try {
    for (const change of changes) {
      const { path } = change;
      const isOwnOnly = change.new?.kind === "directory" && isTouch(change);
      // With its digests, which a change need not have.
      const wanted = isOwnOnly ? undefined : entryAt(tree, path);
      if (wanted?.kind !== "file" && wanted?.kind !== "directory") continue;
      const pause = pacer.turn();
      if (pause !== undefined) await pause;
      try {
        const parent = await cursor.at(parentOf(path)!);
        const written = wanted.kind === "file"
          ? fileAs(wanted, await parent.lookup(nameOf(path)))
          : await directoryAs(parent, nameOf(path), wanted);
        edit.put(path, written);
      } catch (error) {
        // Whatever took its place, it is not what was written.
        if (!isFileSystemError(error)) throw error;
        edit.put(path, unproven(wanted));
      }
    }
  } finally {
    cursor.close();
  }
  return edit.finish();

  async function directoryAs(
    parent: Directory,
    name: Name,
    entry: DirectoryEntry,
  ): Promise<DirectoryEntry> {
    const directory = await parent.openDirectory(name);
    try {
      const { entries } = await directory.list();
      const stats = new Map(
        entries.map((listed) => [listed.name, listed.stat]),
      );
      const children = new Map<Name, Entry>();
      for (const [childName, child] of entry.children) {
        children.set(
          childName,
          child.kind === "file"
            ? fileAs(child, stats.get(childName))
            : child.kind === "directory"
            ? await directoryAs(directory, childName, child).catch((error) => {
              if (!isFileSystemError(error)) throw error;
              return unproven(child);
            })
            : child,
        );
      }
      const { inode, generation } = await directory.stat();
      return { ...entry, inode, generation, children };
    } finally {
      directory.close();
    }
  }
}

function fileAs(wanted: FileEntry, stat: Stat | undefined): FileEntry {
  if (
    stat?.kind !== "file" || stat.size !== wanted.size ||
    stat.mtime !== wanted.mtime
  ) return unproven(wanted);
  const { inode, generation, ctime } = stat;
  return { ...wanted, inode, generation, ctime };
}

/** `entry` with nothing that ties it to what is on the disk. */
function unproven<T extends Entry>(entry: T): T {
  if (entry.kind === "file") {
    return {
      ...entry,
      inode: undefined,
      generation: undefined,
      ctime: undefined,
    };
  }
  if (entry.kind !== "directory") return entry;
  const children = new Map<Name, Entry>();
  for (const [name, child] of entry.children) {
    children.set(name, unproven(child));
  }
  return { ...entry, inode: undefined, generation: undefined, children };
}
