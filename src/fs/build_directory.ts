/**
 * Makes all of a new directory but the content of its files, which lies there
 * already: it stands in the staging area, and needs a single rename in the end.
 */
import type { DirectoryEntry, SymlinkEntry } from "../core/entry.ts";
import { join, type Name, nameOf, type RelPath } from "../core/path.ts";
import type { Problem } from "../core/problem.ts";
import { isFileSystemError, messageOf } from "../errors.ts";
import type { Directory } from "./file_system.ts";
import { openOrCreate, removeTree } from "./own_entries.ts";
import type { Pacer } from "./pacer.ts";

/** How a directory is built. */
export interface BuildOptions {
  /** Hears what failed below it. */
  readonly report: (problem: Problem) => void;
  readonly pacer: Pacer;
}

/**
 * Builds the directory for `path` in `parent` to the end: empty directories, links,
 * and the mode and mtime of all but the directory itself, which must be writable
 * to be moved.
 * @throws {FileSystemError} If the directory itself can't be made.
 */
export async function buildDirectory(
  parent: Directory,
  path: RelPath,
  entry: DirectoryEntry,
  options: BuildOptions,
): Promise<void> {
  await build(parent, path, entry, options, true);
}

async function build(
  parent: Directory,
  path: RelPath,
  entry: DirectoryEntry,
  options: BuildOptions,
  isTop: boolean,
): Promise<void> {
  const directory = await openOrCreate(parent, nameOf(path));
  try {
    for (const [name, child] of entry.children) {
      const childPath = join(path, name);
      try {
        if (child.kind === "symlink") {
          await putSymlink(directory, name, child);
        } else if (child.kind === "directory") {
          await build(directory, childPath, child, options, false);
        }
      } catch (error) {
        if (!isFileSystemError(error)) throw error;
        const message = messageOf(error);
        options.report({ path: childPath, code: "failed", message });
      }
    }
    if (!isTop) await directory.setOwnMetadata(entry);
  } finally {
    directory.close();
  }
  const pause = options.pacer.turn();
  if (pause !== undefined) await pause;
}

/** Makes a link in the staging area, in place of what has its name. */
export async function putSymlink(
  directory: Directory,
  name: Name,
  entry: SymlinkEntry,
): Promise<void> {
  await removeTree(directory, name);
  const { target, mtime, owner } = entry;
  await directory.createSymlink(name, target, mtime, owner);
}
