/**
 * Moves an entry whole to a place where nothing is, also to another file system.
 * Whatever goes wrong, all of it is at the one place or at the other.
 */
import {
  displayPath,
  join,
  type Name,
  namesOf,
  type RelPath,
  ROOT,
} from "../core/path.ts";
import { FileSystemError, isFileSystemError } from "../errors.ts";
import { copyEntry, removeCopied, type Spot } from "./copy_entry.ts";
import { DirectoryCursor } from "./directory_cursor.ts";
import type { Directory } from "./file_system.ts";
import { makeWritable, removeTree } from "./own_entries.ts";

/** What a copy is called until it is complete. */
const COPY_NAME = "copy" as Name;

/** How {@link relocate} works where a rename is not possible. */
export interface RelocateOptions {
  /**
   * Opens an own, empty directory on the file system of the destination, where
   * the copy is made, unseen, before it gets its place. It stays with its owner.
   */
  readonly workshop: () => Promise<Directory>;
  /** Whether the copy has to survive a loss of power before the original goes. */
  readonly durable: boolean;
}

/**
 * Moves the entry at `from`, with all that is in it, to `to`: by one rename, or
 * by a complete copy, after which the original is removed.
 * @throws {FileSystemError} `exists` if there is anything at `to`. On any error
 *   the original is whole; or, where it has changed since it was copied or could
 *   not be removed, what of it is gone is at `to`: a copy that has its place stays.
 */
export async function relocate(
  from: Spot,
  to: Spot,
  options: RelocateOptions,
): Promise<void> {
  try {
    return await move(from, to);
  } catch (error) {
    if (!isFileSystemError(error, "cross-device")) throw error;
  }
  const { durable } = options;
  const copy = { directory: await options.workshop(), name: COPY_NAME };
  let copied;
  try {
    copied = await copyEntry(from, copy, { durable });
    await move(copy, to);
  } catch (error) {
    await discard(copy);
    throw error;
  }
  if (durable) await to.directory.flush();
  await removeCopied(from, copied);
}

/** Flushes the directories from `root` to `path`: the names on the way to it. */
export async function flushWay(root: Directory, path: RelPath): Promise<void> {
  const cursor = new DirectoryCursor(root);
  try {
    await root.flush();
    let way = ROOT;
    for (const name of namesOf(path)) {
      way = join(way, name);
      await (await cursor.at(way)).flush();
    }
  } finally {
    cursor.close();
  }
}

/** Moves within one file system; a directory that its owner may not write to as well. */
async function move(from: Spot, to: Spot): Promise<void> {
  const { directory, name } = from;
  const stat = await directory.lookup(name);
  if (stat?.kind !== "directory") {
    return await directory.moveNew(name, to.directory, to.name);
  }
  if (await to.directory.lookup(to.name) !== undefined) {
    const path = displayPath(`${to.directory.path}/${to.name}`);
    throw new FileSystemError("exists", `Cannot create ${path}: it is there`);
  }
  const isWritable = (stat.mode & 0o700) === 0o700;
  if (!isWritable) {
    const inner = await directory.openDirectory(name);
    try {
      await makeWritable(inner, stat.mode);
    } finally {
      inner.close();
    }
  }
  try {
    await directory.rename(name, to.directory, to.name);
  } catch (error) {
    if (!isWritable) await directory.setMetadata(name, stat);
    throw error;
  }
  if (!isWritable) await to.directory.setMetadata(to.name, stat);
}

/** Removes a part of a copy; what led here says more than a failure of that. */
async function discard({ directory, name }: Spot): Promise<void> {
  try {
    await removeTree(directory, name);
  } catch (error) {
    if (!isFileSystemError(error)) throw error;
  }
}
