/** What is in a trash: its folders, and the entries in them. */
import {
  compareNames,
  join,
  type Name,
  type RelPath,
  ROOT,
} from "../core/path.ts";
import { isFileSystemError, messageOf, SyncError } from "../errors.ts";
import type { Directory, Stat } from "./file_system.ts";
import { Pacer } from "./pacer.ts";
import {
  FILES_NAME,
  isBare,
  readOrigin,
  type TrashOrigin,
} from "./trash_folder.ts";
import { compareStamps, parseStamp, type Stamp } from "./trash_stamp.ts";

/** A folder of a trash. */
export interface TrashFolderInfo extends TrashOrigin {
  readonly stamp: Stamp;
}

/** Something that stands among the folders, and is none. */
export interface Stranger {
  readonly name: string;
  readonly message: string;
  /** Whether it has the name of a folder, but is damaged or can't be read. */
  readonly isDamaged: boolean;
}

/** What {@link listFolders} found. */
export interface TrashFolders {
  /** The newest first. */
  readonly folders: readonly TrashFolderInfo[];
  readonly strangers: readonly Stranger[];
  /** What a kill has left of folders: nothing is in them. */
  readonly bare: readonly Stamp[];
}

/** Looks through the directory of a trash. @throws {FileSystemError} */
export async function listFolders(trash: Directory): Promise<TrashFolders> {
  const { entries, failed } = await trash.list({ thorough: true });
  const folders: TrashFolderInfo[] = [];
  const bare: Stamp[] = [];
  const strangers: Stranger[] = failed.map(({ name, message }) => ({
    name,
    message,
    isDamaged: false,
  }));
  for (const { name } of entries) {
    const stamp = parseStamp(name);
    if (stamp === undefined) {
      const message = "It is no part of a trash";
      strangers.push({ name, message, isDamaged: false });
      continue;
    }
    try {
      folders.push({ stamp, ...await readOrigin(trash, stamp) });
    } catch (error) {
      if (!(error instanceof SyncError)) throw error;
      if (isFileSystemError(error, "not-found") && await isLeft(trash, stamp)) {
        bare.push(stamp);
        continue;
      }
      strangers.push({ name, message: messageOf(error), isDamaged: true });
    }
  }
  folders.sort((a, b) => compareStamps(a.stamp, b.stamp));
  return { folders, strangers, bare };
}

/** Whether the folder, which has no origin, is what a kill has left of one. */
async function isLeft(trash: Directory, stamp: Stamp): Promise<boolean> {
  try {
    return await isBare(trash, stamp);
  } catch (error) {
    if (!isFileSystemError(error)) throw error;
    return false;
  }
}

/**
 * Opens the `files/` of the folder `stamp`; undefined: it has none, and so no
 * entries. @throws {FileSystemError}
 */
export async function openFiles(
  trash: Directory,
  stamp: Stamp,
): Promise<Directory | undefined> {
  const folder = await trash.openDirectory(stamp);
  try {
    return await folder.openDirectory(FILES_NAME);
  } catch (error) {
    if (isFileSystemError(error, "not-found")) return undefined;
    throw error;
  } finally {
    folder.close();
  }
}

/** Hears what is in a folder. */
export interface EntryVisitor {
  entry(path: RelPath, stat: Stat): void;
  /** Something could not be read, at `path` or in it. */
  failed(path: RelPath, message: string): void;
}

/**
 * Tells `visitor` of all entries below `files`, in name order: all but the
 * directories that hold something. Stops when the signal aborts.
 * @throws {FileSystemError} If `files` itself can't be listed.
 */
export async function eachEntry(
  files: Directory,
  visitor: EntryVisitor,
  signal?: AbortSignal,
): Promise<void> {
  await new Walk(visitor, signal).through(files, ROOT);
}

class Walk {
  readonly #visitor: EntryVisitor;
  readonly #signal: AbortSignal | undefined;
  readonly #pacer = new Pacer();

  constructor(visitor: EntryVisitor, signal: AbortSignal | undefined) {
    this.#visitor = visitor;
    this.#signal = signal;
  }

  /** Answers whether the directory, which is at `path`, holds anything. */
  async through(directory: Directory, path: RelPath): Promise<boolean> {
    const { entries, failed } = await directory.list({ thorough: true });
    for (const { name, message } of failed) {
      this.#visitor.failed(join(path, name as Name), message);
    }
    const sorted = entries.toSorted((a, b) => compareNames(a.name, b.name));
    for (const { name, stat } of sorted) {
      this.#signal?.throwIfAborted();
      const place = join(path, name);
      if (stat.kind !== "directory") this.#visitor.entry(place, stat);
      else await this.#into(directory, name, place, stat);
      const pause = this.#pacer.turn();
      if (pause !== undefined) await pause;
    }
    return entries.length + failed.length > 0;
  }

  async #into(
    parent: Directory,
    name: Name,
    path: RelPath,
    stat: Stat,
  ): Promise<void> {
    try {
      const directory = await parent.openDirectory(name);
      try {
        const isFull = await this.through(directory, path);
        if (!isFull) this.#visitor.entry(path, stat);
      } finally {
        directory.close();
      }
    } catch (error) {
      if (!isFileSystemError(error)) throw error;
      this.#visitor.failed(path, error.message);
    }
  }
}
