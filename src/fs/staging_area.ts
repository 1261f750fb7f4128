/**
 * `.lockstep/` at the top of a target's root: on the same file system as the
 * tree, never scanned or synced, there only while there is something in it.
 *
 * - `lock` is locked while somebody applies changes to this root.
 * - `stage/` looks like the part of the tree that is on its way, see `stage.ts`.
 * - `held/` holds what is replaced or deleted until it is proven, see `held.ts`.
 * - `kept/` holds what was changed by somebody while it was being replaced, see
 *   `kept.ts`.
 * - `trash/` is a trash, where somebody wants it there, and `restore/` what comes
 *   back from one, see `restore_workshop.ts`. Neither is touched from here.
 */
import { type Name, RESERVED_NAME, ROOT } from "../core/path.ts";
import type { Problem } from "../core/problem.ts";
import { FileSystemError, isFileSystemError } from "../errors.ts";
import type { Directory, Lock, Metadata } from "./file_system.ts";
import { HELD_NAMES } from "./held.ts";
import { recoverHeld } from "./held_recovery.ts";
import { countKept, Kept, KEPT_NAME } from "./kept.ts";
import { keepParts } from "./leftovers.ts";
import { openOrCreate, removeTree } from "./own_entries.ts";
import type { Trash } from "./trash.ts";

export const STAGE_NAME = "stage" as Name;
export const LOCK_NAME = "lock" as Name;

/** The open and locked staging area of one root; its owner cleans or closes it. */
export class StagingArea {
  /** The directory `stage/`. */
  readonly stage: Directory;
  /** Whether `stage/` was made just now, so that nothing can be left in it. */
  readonly isFresh: boolean;
  /** `.lockstep/` itself. */
  readonly own: Directory;
  readonly kept: Kept;
  readonly #root: Directory;
  readonly #lock: Lock;
  readonly #rootBefore: Metadata;
  #closed = false;

  private constructor(
    root: Directory,
    own: Directory,
    lock: Lock,
    stage: { readonly directory: Directory; readonly isFresh: boolean },
    rootBefore: Metadata,
  ) {
    this.#root = root;
    this.own = own;
    this.#lock = lock;
    this.stage = stage.directory;
    this.isFresh = stage.isFresh;
    this.kept = new Kept(own);
    this.#rootBefore = rootBefore;
  }

  /**
   * Opens the staging area of `root`, and makes it where it is missing. What a
   * run that was killed had taken out of its place is put back first; what of it
   * was replaced already goes to `trash`, if there is one.
   * @throws {FileSystemError} `locked` if another process applies changes here.
   */
  static async open(root: Directory, trash?: Trash): Promise<StagingArea> {
    const before = await root.stat();
    if ((before.mode & 0o200) === 0) {
      // Its owner may work in it; it gets its own mode again in the end.
      await root.setOwnMetadata({
        mode: before.mode | 0o200,
        mtime: before.mtime,
      });
    }
    const own = await openOrCreate(root, RESERVED_NAME);
    let lock: Lock | undefined;
    let directory: Directory | undefined;
    try {
      lock = await own.lock(LOCK_NAME).catch((error) => {
        throw atWork(root, error);
      });
      const isFresh = await own.lookup(STAGE_NAME) === undefined;
      directory = await openOrCreate(own, STAGE_NAME);
      const stage = { directory, isFresh };
      const area = new StagingArea(root, own, lock, stage, before);
      await recoverHeld({ root, own, kept: area.kept, trash });
      return area;
    } catch (error) {
      directory?.close();
      lock?.release();
      own.close();
      throw error;
    }
  }

  /**
   * Removes all that is staged, and `.lockstep` itself if nothing was kept; then
   * sets the root's mode and mtime to `metadata`, or to what they were. Whatever
   * fails, the area is closed afterwards.
   * @param keepsParts Whether files that are worth being continued stay staged.
   */
  async clean(
    metadata: Metadata | undefined,
    { keepsParts = false }: { readonly keepsParts?: boolean } = {},
  ): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      const isEmpty = !keepsParts || !await keepParts(this.stage);
      this.stage.close();
      if (isEmpty) {
        await removeTree(this.own, STAGE_NAME);
        // The name goes before the lock: who opens the file anew makes a new one.
        await this.own.removeFile(LOCK_NAME);
      }
    } finally {
      this.#lock.release();
      this.own.close();
    }
    try {
      await this.#root.removeDirectory(RESERVED_NAME);
    } catch (error) {
      if (!isFileSystemError(error, "not-empty")) throw error;
    }
    await this.#root.setOwnMetadata(metadata ?? this.#rootBefore);
  }

  /** Removes what is staged; more can be staged afterwards, from the start. */
  async discard(): Promise<void> {
    for (const { name } of (await this.stage.list()).entries) {
      await removeTree(this.stage, name);
    }
  }

  /** Gives the area up, and keeps what is staged, if anything is; works once. */
  async close(): Promise<void> {
    if (this.#closed) return;
    if (!await this.#holdsStaged()) return await this.clean(undefined);
    this.#closed = true;
    try {
      this.stage.close();
      const { mode } = this.#rootBefore;
      const { mtime } = await this.#root.stat();
      if ((mode & 0o200) === 0) {
        await this.#root.setOwnMetadata({ mode, mtime });
      }
    } finally {
      this.#lock.release();
      this.own.close();
    }
  }

  /** What can't be looked at is there. */
  async #holdsStaged(): Promise<boolean> {
    try {
      return (await this.stage.list()).entries.length > 0;
    } catch (error) {
      if (!isFileSystemError(error)) throw error;
      return true;
    }
  }
}

/** What is to be thrown where `error` came of the lock of `root`. */
export function atWork(root: Directory, error: unknown): unknown {
  if (!isFileSystemError(error, "locked")) return error;
  return new FileSystemError(
    "locked",
    `Cannot change ${root.path}: another Lockstep is at work there`,
    { cause: error },
  );
}

/**
 * Puts back what a run that was killed had taken out of its place in `root`, so
 * that a scan sees it; answers what had to be kept, and what was kept before.
 * Where somebody is at work, that is left to them, and where nothing can be
 * changed, it stays.
 * @throws {FileSystemError} If it fails: a scan would take what is held for deleted.
 */
export async function recoverRun(
  root: Directory,
  trash?: Trash,
): Promise<{
  readonly now: readonly Problem[];
  readonly before: readonly Problem[];
}> {
  const nothing = { now: [], before: [] };
  if ((await root.lookup(RESERVED_NAME))?.kind !== "directory") return nothing;
  try {
    const { isHeld, keptBefore } = await lookInto(root);
    const before = keptBefore === 0 ? [] : [keptFor(keptBefore)];
    if (!isHeld) return { now: [], before };
    const area = await StagingArea.open(root, trash);
    await area.close();
    return { now: area.kept.problems, before };
  } catch (error) {
    const isLeft = isFileSystemError(error, "locked") ||
      isFileSystemError(error, "read-only");
    if (!isLeft) throw error;
    return nothing;
  }
}

/** Whether anything is held in `.lockstep/`, and how much is kept. */
async function lookInto(
  root: Directory,
): Promise<{ readonly isHeld: boolean; readonly keptBefore: number }> {
  const own = await root.openDirectory(RESERVED_NAME);
  try {
    const { entries } = await own.list();
    const isHeld = entries.some(({ name }) => HELD_NAMES.test(name));
    return { isHeld, keptBefore: await countKept(own) };
  } finally {
    own.close();
  }
}

function keptFor(count: number): Problem {
  return {
    path: ROOT,
    code: "kept",
    message:
      `${RESERVED_NAME}/${KEPT_NAME} holds ${count} of what earlier runs could neither replace nor put back: look at it, and remove it`,
  };
}

/**
 * Removes what a run that was broken off has left in `root`, if nobody is at work
 * there; but for what it had taken out of its place, see {@link recoverRun}.
 */
export async function removeLeftovers(root: Directory): Promise<void> {
  if ((await root.lookup(RESERVED_NAME))?.kind !== "directory") return;
  try {
    // What is held is put back before a scan, not after it.
    if ((await lookInto(root)).isHeld) return;
    const area = await StagingArea.open(root);
    await area.clean(undefined);
  } catch (error) {
    // It does no harm where it is, and whoever is at work there removes it.
    if (!isFileSystemError(error)) throw error;
  }
}
