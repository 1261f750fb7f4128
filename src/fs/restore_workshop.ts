/**
 * Where copies from another file system are made before they get their place in
 * a tree: in its reserved directory, which nobody scans.
 *
 * | name in `.lockstep/`       | what it is                                     |
 * | -------------------------- | ---------------------------------------------- |
 * | `restore`, `restore2`, …   | a workshop; one for each restore that goes on  |
 * | `restore…/lock`            | locked while somebody works there              |
 * | `restore…/copy`            | what is being copied, see `relocate.ts`        |
 *
 * A workshop whose lock nobody holds was left by somebody who was killed.
 */
import { type Name, RESERVED_NAME } from "../core/path.ts";
import { isFileSystemError } from "../errors.ts";
import type { Directory, Lock } from "./file_system.ts";
import { openOrCreate, removeIfEmpty, removeTree } from "./own_entries.ts";

const LOCK_NAME = "lock" as Name;
const WORKSHOP_NAME = /^restore\d*$/;

/** A workshop of one restore, made when it is needed; its owner closes it. */
export class RestoreWorkshop {
  readonly #root: Directory;
  #own: Directory | undefined;
  #workshop: Workshop | undefined;

  /** `root` stays with its owner. */
  constructor(root: Directory) {
    this.#root = root;
  }

  /**
   * The directory, in which there is nothing but the lock at first. What others
   * have left is removed when it is made.
   * @throws {FileSystemError}
   */
  async open(): Promise<Directory> {
    if (this.#workshop !== undefined) return this.#workshop.directory;
    this.#own ??= await openOrCreate(this.#root, RESERVED_NAME);
    await removeAbandoned(this.#own);
    this.#workshop = await createFree(this.#own);
    return this.#workshop.directory;
  }

  /** Removes what it has made. @throws {FileSystemError} */
  async close(): Promise<void> {
    const own = this.#own;
    if (own === undefined) return;
    try {
      if (this.#workshop !== undefined) await remove(own, this.#workshop);
    } finally {
      own.close();
    }
    await removeIfEmpty(this.#root, RESERVED_NAME);
  }
}

/** A workshop that is ours: it is open, and locked. */
interface Workshop {
  readonly name: Name;
  readonly directory: Directory;
  readonly lock: Lock;
}

/** Others may be restoring here as well. */
async function createFree(own: Directory): Promise<Workshop> {
  for (let number = 1;; number++) {
    const name = (number === 1 ? "restore" : `restore${number}`) as Name;
    try {
      await own.createDirectory(name);
    } catch (error) {
      if (!isFileSystemError(error, "exists")) throw error;
      continue;
    }
    // Until it is locked, somebody may take it for abandoned.
    const workshop = await take(own, name);
    if (workshop !== undefined) return workshop;
  }
}

/** Removes the workshops at which nobody works. */
async function removeAbandoned(own: Directory): Promise<void> {
  for (const { name, stat } of (await own.list()).entries) {
    if (stat.kind !== "directory" || !WORKSHOP_NAME.test(name)) continue;
    try {
      const workshop = await take(own, name);
      if (workshop !== undefined) await remove(own, workshop);
    } catch (error) {
      // It does no harm where it is.
      if (!isFileSystemError(error)) throw error;
    }
  }
}

/** Opens and locks a workshop; undefined: somebody else has it, or removes it. */
async function take(own: Directory, name: Name): Promise<Workshop | undefined> {
  let directory: Directory | undefined;
  try {
    directory = await own.openDirectory(name);
    return { name, directory, lock: await directory.lock(LOCK_NAME) };
  } catch (error) {
    directory?.close();
    if (isFileSystemError(error, "locked")) return undefined;
    if (isFileSystemError(error, "not-found")) return undefined;
    throw error;
  }
}

/**
 * The lock goes last: from then on it may be somebody else's, who has just made a
 * directory of that name.
 */
async function remove(
  own: Directory,
  { name, directory, lock }: Workshop,
): Promise<void> {
  try {
    for (const entry of (await directory.list()).entries) {
      if (entry.name !== LOCK_NAME) await removeTree(directory, entry.name);
    }
    await directory.removeFile(LOCK_NAME);
  } finally {
    lock.release();
    directory.close();
  }
  await removeIfEmpty(own, name);
}
