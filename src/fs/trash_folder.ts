/**
 * One folder of a trash: what one transition has replaced or deleted.
 *
 * | name in the folder | what it is                                            |
 * | ------------------ | ----------------------------------------------------- |
 * | `files/`           | the entries, each at the path it had below `root`     |
 * | `origin.json`      | `{version: 1, root, time}`: of which directory, since when |
 * | `incoming/`        | a copy that is being made; nothing in it counts       |
 *
 * It is made in this order and removed in it: where a kill came between, there is
 * nothing in `files/`, whichever of the two is missing.
 */
import {
  displayPath,
  type Name,
  nameOf,
  parentOf,
  type RelPath,
  ROOT,
} from "../core/path.ts";
import { isFileSystemError, SyncError } from "../errors.ts";
import { DirectoryCursor } from "./directory_cursor.ts";
import type { Directory } from "./file_system.ts";
import { removeIfEmpty, removeTree } from "./own_entries.ts";
import { type Stamp, stampOf } from "./trash_stamp.ts";

/** In a folder: the entries. */
export const FILES_NAME = "files" as Name;

/** In a folder: what is being copied. */
export const INCOMING_NAME = "incoming" as Name;

const ORIGIN_NAME = "origin.json" as Name;
const ORIGIN_VERSION = 1;
const MAX_ORIGIN_BYTES = 64 * 1024;

/** What `origin.json` says. */
export interface TrashOrigin {
  /** Path of the directory that the entries come from. */
  readonly root: string;
  /** When the folder was begun. */
  readonly time: Date;
}

/** A folder that is open. */
export interface TrashFolder {
  readonly stamp: Stamp;
  readonly directory: Directory;
  /** Its `files/`. */
  readonly files: Directory;
}

/** Makes a new folder; its owner closes both directories of it. */
export async function createTrashFolder(
  trash: Directory,
  origin: TrashOrigin,
  { durable }: { readonly durable: boolean },
): Promise<TrashFolder> {
  const stamp = await createStamped(trash, origin.time);
  const directory = await trash.openDirectory(stamp);
  try {
    await directory.createDirectory(FILES_NAME);
    const text = JSON.stringify({ version: ORIGIN_VERSION, ...origin });
    await directory.createFile(
      ORIGIN_NAME,
      new TextEncoder().encode(`${text}\n`),
      { mode: 0o600, mtime: origin.time.getTime() },
    );
    if (durable) {
      await directory.flush(ORIGIN_NAME);
      await directory.flush();
      await trash.flush();
    }
    const files = await directory.openDirectory(FILES_NAME);
    return { stamp, directory, files };
  } catch (error) {
    directory.close();
    await removeTree(trash, stamp).catch(() => {});
    throw error;
  }
}

/**
 * Reads the origin of the folder `stamp`.
 * @throws {FileSystemError} If it can't be read.
 * @throws {SyncError} `failed`, if it is damaged or of another version.
 */
export async function readOrigin(
  trash: Directory,
  stamp: Stamp,
): Promise<TrashOrigin> {
  const directory = await trash.openDirectory(stamp);
  try {
    const buffer = new Uint8Array(MAX_ORIGIN_BYTES);
    const { length } = await directory.readFile(ORIGIN_NAME, buffer);
    const text = new TextDecoder().decode(buffer.subarray(0, length));
    const origin = parseOrigin(text);
    if (origin !== undefined) return origin;
    const path = displayPath(`${trash.path}/${stamp}/${ORIGIN_NAME}`);
    const reason = "it is damaged, or of another version of Lockstep";
    throw new SyncError("failed", `Cannot use ${path}: ${reason}`);
  } finally {
    directory.close();
  }
}

/**
 * Removes the folder `stamp` if nothing is in its `files/`.
 * @throws {FileSystemError}
 */
export async function removeEmptyFolder(
  trash: Directory,
  stamp: Stamp,
): Promise<void> {
  const directory = await trash.openDirectory(stamp);
  try {
    if (!await removeIfEmpty(directory, FILES_NAME)) return;
    await removeTree(directory, INCOMING_NAME);
    await directory.removeFile(ORIGIN_NAME);
  } finally {
    directory.close();
  }
  await removeIfEmpty(trash, stamp);
}

/**
 * Removes the folder `stamp` with all that is in it. What tells that it is ours
 * goes last.
 * @throws {FileSystemError}
 */
export async function removeFolder(
  trash: Directory,
  stamp: Stamp,
): Promise<void> {
  const directory = await trash.openDirectory(stamp);
  try {
    await removeTree(directory, FILES_NAME);
  } finally {
    directory.close();
  }
  await removeTree(trash, stamp);
}

/**
 * Whether the folder `stamp`, which has no origin, holds nothing else either: so
 * it is left of one that was being made, or removed.
 * @throws {FileSystemError}
 */
export async function isBare(trash: Directory, stamp: Stamp): Promise<boolean> {
  const directory = await trash.openDirectory(stamp);
  try {
    const { entries, failed } = await directory.list({ thorough: true });
    if (entries.length + failed.length === 0) return true;
    if (entries.length + failed.length > 1) return false;
    if (entries[0]?.name !== FILES_NAME) return false;
    const files = await directory.openDirectory(FILES_NAME);
    try {
      const inner = await files.list({ thorough: true });
      return inner.entries.length + inner.failed.length === 0;
    } finally {
      files.close();
    }
  } finally {
    directory.close();
  }
}

/** Removes the folder `stamp` if it {@link isBare}. @throws {FileSystemError} */
export async function removeBare(
  trash: Directory,
  stamp: Stamp,
): Promise<void> {
  const directory = await trash.openDirectory(stamp);
  try {
    await removeIfEmpty(directory, FILES_NAME);
  } finally {
    directory.close();
  }
  await removeIfEmpty(trash, stamp);
}

/**
 * Removes the directories on the way from `files` to `path` that hold nothing any
 * more, and stops at the first that holds something.
 * @throws {FileSystemError}
 */
export async function pruneWay(files: Directory, path: RelPath): Promise<void> {
  const cursor = new DirectoryCursor(files);
  try {
    let at = parentOf(path) ?? ROOT;
    while (at !== ROOT) {
      const above = parentOf(at)!;
      if (!await removeIfEmpty(await cursor.at(above), nameOf(at))) return;
      at = above;
    }
  } finally {
    cursor.close();
  }
}

async function createStamped(trash: Directory, time: Date): Promise<Stamp> {
  for (let number = 1;; number++) {
    const stamp = stampOf(time, number);
    try {
      await trash.createDirectory(stamp);
      return stamp;
    } catch (error) {
      if (!isFileSystemError(error, "exists")) throw error;
    }
  }
}

function parseOrigin(text: string): TrashOrigin | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { version, root, time } = value as Record<string, unknown>;
  if (version !== ORIGIN_VERSION || typeof root !== "string") return undefined;
  if (root === "" || root.includes("\0")) return undefined;
  if (typeof time !== "string") return undefined;
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? undefined : { root, time: date };
}
