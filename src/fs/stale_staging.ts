/**
 * Staged content that nobody comes back for: runs that were broken off leave it
 * to the next one, see `stage.ts`, and there may be none.
 */
import { type Name, RESERVED_NAME } from "../core/path.ts";
import type { Problem } from "../core/problem.ts";
import { isFileSystemError } from "../errors.ts";
import type { Directory } from "./file_system.ts";
import { makeWritable } from "./own_entries.ts";
import { Pacer } from "./pacer.ts";
import { atWork, LOCK_NAME, STAGE_NAME, StagingArea } from "./staging_area.ts";

import type { Trash } from "./trash.ts";

/** Nobody is taken to come back for what was staged longer ago, in milliseconds. */
export const STALE_AFTER_MS: number = 7 * 24 * 3_600_000;

/** What is staged, directories apart. */
export interface StagedTotals {
  readonly files: number;
  /** In bytes, as if nothing were sparse. */
  readonly bytes: number;
}

/**
 * Removes what is staged in `root`, if the newest of it is older than
 * {@link STALE_AFTER_MS} at the time `now`, and nobody is at work there.
 */
export async function removeStale(
  root: Directory,
  now: number,
  trash?: Trash,
): Promise<void> {
  const before = now - STALE_AFTER_MS;
  try {
    if (!await isStale(root, before)) return;
    const area = await StagingArea.open(root, trash);
    try {
      // Somebody may have been at work until a moment ago.
      if (await isOlder(area.stage, before)) await area.clean(undefined);
    } finally {
      await area.close();
    }
  } catch (error) {
    // It does no harm where it is.
    if (!isFileSystemError(error)) throw error;
  }
}

/**
 * Removes what is staged in `root`, whatever its age. What a run that was killed
 * had taken out of its place is put back first: `kept` says what could not be.
 * With `dryRun` nothing is changed.
 * @throws {FileSystemError} `locked` if another process applies changes there …
 */
export async function cleanStaged(
  root: Directory,
  options: { readonly dryRun: boolean; readonly signal?: AbortSignal },
): Promise<StagedTotals & { readonly kept: readonly Problem[] }> {
  if (options.dryRun) {
    const { files, bytes } = await lookAtStaged(root, options);
    return { files, bytes, kept: [] };
  }
  if ((await root.lookup(RESERVED_NAME))?.kind !== "directory") {
    return { files: 0, bytes: 0, kept: [] };
  }
  const area = await StagingArea.open(root);
  try {
    const { signal } = options;
    const { files, bytes } = await survey(area.stage, {
      isOurs: true,
      ...(signal && { signal }),
    });
    await area.clean(undefined);
    return { files, bytes, kept: area.kept.problems };
  } finally {
    await area.close();
  }
}

async function lookAtStaged(
  root: Directory,
  { signal }: SurveyOptions,
): Promise<StagedTotals> {
  const nothing = { files: 0, bytes: 0 };
  return await inside(root, RESERVED_NAME, async (own) => {
    await refuseLocked(root, own);
    return await inside(
      own,
      STAGE_NAME,
      (stage) => survey(stage, signal ? { signal } : {}),
    );
  }) ?? nothing;
}

/** Leaves no new lock behind: where there is none, nobody holds it. */
async function refuseLocked(root: Directory, own: Directory): Promise<void> {
  if (await own.lookup(LOCK_NAME) === undefined) return;
  try {
    (await own.lock(LOCK_NAME)).release();
  } catch (error) {
    throw atWork(root, error);
  }
}

async function isStale(root: Directory, before: number): Promise<boolean> {
  return await inside(
    root,
    RESERVED_NAME,
    (own) => inside(own, STAGE_NAME, (stage) => isOlder(stage, before)),
  ) ?? false;
}

async function isOlder(stage: Directory, before: number): Promise<boolean> {
  const { mtime, ctime } = await stage.stat();
  if (Math.max(mtime, ctime) >= before) return false;
  const { newest } = await survey(stage, { before });
  return newest < before;
}

interface SurveyOptions {
  /** Ends early when something is found that is not older. */
  readonly before?: number;
  /** The area is locked: what can't be listed is made so that it can. */
  readonly isOurs?: boolean;
  readonly signal?: AbortSignal;
}

/** What is in `top`, and the newest mtime or ctime of it. */
async function survey(
  top: Directory,
  { before = Infinity, isOurs = false, signal }: SurveyOptions,
): Promise<StagedTotals & { readonly newest: number }> {
  const pacer = new Pacer();
  let files = 0;
  let bytes = 0;
  let newest = -Infinity;
  await visit(top);
  return { files, bytes, newest };

  async function visit(directory: Directory): Promise<void> {
    const { entries } = await directory.list({ thorough: true });
    for (const { name, stat } of entries) {
      signal?.throwIfAborted();
      const pause = pacer.turn();
      if (pause !== undefined) await pause;
      newest = Math.max(newest, stat.mtime, stat.ctime);
      if (newest >= before) return;
      if (stat.kind !== "directory") {
        files++;
        bytes += stat.size;
        continue;
      }
      const child = await directory.openDirectory(name);
      try {
        if (isOurs) await makeWritable(child, stat.mode);
        await visit(child);
      } finally {
        child.close();
      }
    }
  }
}

/** Works in the directory `name`; undefined if there is none. */
async function inside<T>(
  parent: Directory,
  name: Name,
  work: (directory: Directory) => Promise<T>,
): Promise<T | undefined> {
  if ((await parent.lookup(name))?.kind !== "directory") return undefined;
  const directory = await parent.openDirectory(name);
  try {
    return await work(directory);
  } finally {
    directory.close();
  }
}
