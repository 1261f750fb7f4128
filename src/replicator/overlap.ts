/** Refuses to mirror a directory into itself, in whatever file system. */
import { dirname } from "@std/path";
import { displayPath } from "../core/path.ts";
import { isFileSystemError, UsageError } from "../errors.ts";
import { DenoFileSystem } from "../fs/deno_fs.ts";
import type { FileSystem } from "../fs/file_system.ts";

/** More directories than any path leads through. */
const MAX_DEPTH = 4_096;

/** A directory of a file system. */
export interface FileSystemPlace {
  /** Where the directory is. */
  readonly fileSystem: FileSystem;
  /** As that file system takes it. */
  readonly path: string;
}

/**
 * Checks the existing directory `source` against `target`, which may be missing.
 * Directories are told by device and inode, so links and other spellings do not
 * matter; what is mounted at a second place inside the other is not seen.
 * @throws {UsageError} If they are one directory, or one lies inside the other.
 * @throws {FileSystemError} If the source can't be opened.
 */
export async function refuseOverlap(
  source: FileSystemPlace,
  target: FileSystemPlace,
): Promise<void> {
  if (!areOfOneKind(source.fileSystem, target.fileSystem)) return;
  const from = await identitiesAbove(source);
  const existing = await nearest(target);
  const to = await identitiesAbove(existing);
  const [sourceItself] = from;
  const [targetItself] = to;
  if (sourceItself === undefined || targetItself === undefined) return;
  const names = `${displayPath(source.path)} and ${displayPath(target.path)}`;
  if (to.includes(sourceItself)) {
    throw new UsageError(
      existing === target && sourceItself === targetItself
        ? `${names} are the same directory`
        : `${displayPath(target.path)} lies inside ${displayPath(source.path)}`,
    );
  }
  if (existing === target && from.includes(targetItself)) {
    throw new UsageError(
      `${displayPath(source.path)} lies inside ${displayPath(target.path)}`,
    );
  }
}

/** Whether a directory of one can be one of the other. */
function areOfOneKind(a: FileSystem, b: FileSystem): boolean {
  return a === b || a instanceof DenoFileSystem && b instanceof DenoFileSystem;
}

/** `place`, or the nearest directory above it that there is. */
async function nearest(place: FileSystemPlace): Promise<FileSystemPlace> {
  const { fileSystem } = place;
  for (let at = place;;) {
    try {
      (await fileSystem.openRoot(at.path)).close();
      return at;
    } catch (error) {
      if (!isFileSystemError(error, "not-found")) throw error;
      const parent = dirname(at.path);
      if (parent === at.path) return at;
      at = { fileSystem, path: parent };
    }
  }
}

/** Which directory it is, and which are above it, from the inside out. */
async function identitiesAbove(
  { fileSystem, path }: FileSystemPlace,
): Promise<string[]> {
  const identities: string[] = [];
  for (let at = path; identities.length < MAX_DEPTH; at = `${at}/..`) {
    const identity = await identityOf({ fileSystem, path: at });
    // Above the top there is the top, or nothing.
    if (identity === undefined || identity === identities.at(-1)) break;
    identities.push(identity);
  }
  return identities;
}

async function identityOf(
  { fileSystem, path }: FileSystemPlace,
): Promise<string | undefined> {
  try {
    const directory = await fileSystem.openRoot(path);
    try {
      const { device, inode } = await directory.stat();
      // Some file systems number nothing: then there is nothing to tell by.
      return inode === 0 ? undefined : `${device} ${inode}`;
    } finally {
      directory.close();
    }
  } catch (error) {
    if (!isFileSystemError(error)) throw error;
    return undefined;
  }
}
