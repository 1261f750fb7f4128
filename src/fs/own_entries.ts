/** Making and removing what is Lockstep's own: never used on entries of a user. */
import type { Name } from "../core/path.ts";
import { isFileSystemError } from "../errors.ts";
import type { Directory, Stat } from "./file_system.ts";
import { Pacer } from "./pacer.ts";

/** Removes the entry `name` with all that is in it; nothing happens if there is none. */
export async function removeTree(
  parent: Directory,
  name: Name,
  pacer = new Pacer(),
): Promise<void> {
  const pause = pacer.turn();
  if (pause !== undefined) await pause;
  const stat = await lookUp(parent, name);
  if (stat === undefined) return;
  if (stat.kind !== "directory") {
    await parent.removeFile(name);
    return;
  }
  const directory = await parent.openDirectory(name);
  try {
    await makeWritable(directory, stat.mode);
    for (const entry of (await directory.list()).entries) {
      await removeTree(directory, entry.name, pacer);
    }
  } finally {
    directory.close();
  }
  await parent.removeDirectory(name);
}

/** Removes the directory `name`, if there is one, unless something is in it. */
export async function removeIfEmpty(
  parent: Directory,
  name: Name,
): Promise<boolean> {
  try {
    await parent.removeDirectory(name);
  } catch (error) {
    if (isFileSystemError(error, "not-empty")) return false;
    if (!isFileSystemError(error, "not-found")) throw error;
  }
  return true;
}

/** What `name` stands for, if anything; nothing can have a name that is too long. */
async function lookUp(
  parent: Directory,
  name: Name,
): Promise<Stat | undefined> {
  try {
    return await parent.lookup(name);
  } catch (error) {
    if (isFileSystemError(error, "name-too-long")) return undefined;
    throw error;
  }
}

/** Gives the owner of a directory, whose mode is `mode`, the right to work in it. */
export async function makeWritable(
  directory: Directory,
  mode: number,
): Promise<void> {
  if ((mode & 0o700) === 0o700) return;
  await directory.setOwnMetadata({
    mode: mode | 0o700,
    mtime: (await directory.stat()).mtime,
  });
}

/** Opens the directory `name`, which is made where missing. */
export async function openOrCreate(
  parent: Directory,
  name: Name,
): Promise<Directory> {
  try {
    return await parent.openDirectory(name);
  } catch (error) {
    if (!isFileSystemError(error, "not-found")) throw error;
    await parent.createDirectory(name);
    return await parent.openDirectory(name);
  }
}
