/** Removing a directory that a scan saw: nothing goes but what it saw. */
import type { DirectoryEntry } from "../core/entry.ts";
import { displayPath, join, type Name, type RelPath } from "../core/path.ts";
import { isFileSystemError, StaleError } from "../errors.ts";
import { type Expectation, isReportable } from "./expectation.ts";
import type { Directory } from "./file_system.ts";
import { makeWritable } from "./own_entries.ts";

/**
 * Makes the directory `name`, of this mode, one that its owner can move: that takes
 * the right to write to it.
 */
export async function letMove(
  parent: Directory,
  name: Name,
  mode: number,
): Promise<void> {
  if ((mode & 0o700) === 0o700) return;
  const directory = await parent.openDirectory(name);
  try {
    await makeWritable(directory, mode);
  } finally {
    directory.close();
  }
}

/**
 * Removes the directory `name`, shown as `path`: what the scan saw in it as `old`,
 * as long as it still is that, and itself. What can't be removed stays, and the
 * first such error is thrown.
 */
export async function removeProven(
  parent: Directory,
  name: Name,
  path: RelPath,
  old: DirectoryEntry,
  expectation: Expectation,
): Promise<void> {
  const directory = await parent.openDirectory(name);
  let failure: Error | undefined;
  try {
    await makeWritable(directory, old.mode);
    for (const [childName, child] of old.children) {
      const childPath = join(path, childName);
      try {
        const stat = await directory.lookup(childName);
        if (stat === undefined) continue;
        expectation.check(childPath, child, stat);
        // Its other names, if it has any, are looked at after this one has gone.
        expectation.handle(child);
        if (child.kind !== "directory") await directory.removeFile(childName);
        else {
          await removeProven(
            directory,
            childName,
            childPath,
            child,
            expectation,
          );
        }
      } catch (error) {
        if (!isReportable(error)) throw error;
        failure ??= error;
      }
    }
  } finally {
    directory.close();
  }
  if (failure !== undefined) throw failure;
  try {
    await parent.removeDirectory(name);
  } catch (error) {
    if (!isFileSystemError(error, "not-empty")) throw error;
    throw new StaleError(
      `Cannot delete ${
        displayPath(path)
      }: it holds something that was not there before`,
      { cause: error },
    );
  }
}
