/**
 * Carries out changes whose content is staged: for readers, the tree changes
 * within moments. The order keeps every state on the way sane: first what comes
 * new or is replaced, then what goes, then the times of directories.
 *
 * Before anything is replaced or deleted, the entry must still be what the scan
 * saw; otherwise it is left alone, and reported as stale.
 */
import { type Change, isTouch } from "../core/change.ts";
import type { Entry, TrackedEntry } from "../core/entry.ts";
import {
  displayPath,
  join,
  type Name,
  nameOf,
  parentOf,
  type RelPath,
  ROOT,
} from "../core/path.ts";
import type { Problem, ProblemCode } from "../core/problem.ts";
import { isFileSystemError, messageOf, StaleError } from "../errors.ts";
import { ENTRY_NAME } from "./aside.ts";
import { DirectoryCursor } from "./directory_cursor.ts";
import type { Directory, Metadata, Stat } from "./file_system.ts";
import { makeWritable } from "./own_entries.ts";
import { Pacer } from "./pacer.ts";
import type { Stage } from "./stage.ts";
import type { StagingArea } from "./staging_area.ts";
import { isSameVersion } from "./version.ts";

/** What carrying changes out achieved; see `Endpoint.transition`. */
export interface TransitionOutcome {
  readonly done: Uint8Array;
  readonly problems: readonly Problem[];
}

/**
 * Carries out `changes`, for which `stage` holds the content, on the tree below
 * `root`; afterwards the staging area is gone. Stops between two changes when
 * `signal` aborts: then the staging area stays.
 */
export async function transition(
  root: Directory,
  area: StagingArea,
  stage: Stage,
  changes: readonly Change[],
  signal?: AbortSignal,
): Promise<TransitionOutcome> {
  const work = new Transition(root, area, stage, changes, signal);
  try {
    await work.open();
    await work.put();
    await work.remove();
    await work.touch();
  } finally {
    work.close();
    stage.close();
  }
  const rootChange = changes.find(({ path }) => path === ROOT)?.new;
  await work.clean(rootChange?.kind === "directory" ? rootChange : undefined);
  return work.outcome();
}

class Transition {
  readonly #area: StagingArea;
  readonly #stage: Stage;
  readonly #changes: readonly Change[];
  readonly #signal: AbortSignal | undefined;
  readonly #cursor: DirectoryCursor;
  readonly #pacer = new Pacer();
  readonly #done: Uint8Array;
  readonly #problems: Problem[] = [];
  /** Inodes of files that were replaced, deleted or touched. */
  readonly #handled = new Set<number>();

  constructor(
    root: Directory,
    area: StagingArea,
    stage: Stage,
    changes: readonly Change[],
    signal: AbortSignal | undefined,
  ) {
    this.#area = area;
    this.#stage = stage;
    this.#changes = changes;
    this.#signal = signal;
    this.#cursor = new DirectoryCursor(root);
    this.#done = new Uint8Array(changes.length);
  }

  /**
   * Lets the owner work in directories that gain or lose something, and may not
   * be written to by their mode; `touch` gives them their mode in the end.
   */
  open(): Promise<void> {
    return this.#each(async ({ path, old, new: wanted }) => {
      if (
        path !== ROOT && old?.kind === "directory" &&
        wanted?.kind === "directory" && (old.mode & 0o200) === 0
      ) {
        const { mode, mtime } = old;
        const directory = await this.#cursor.at(path);
        await directory.setOwnMetadata({ mode: mode | 0o200, mtime });
      }
      return false;
    });
  }

  /** Creates and replaces; and sets mode and mtime of files. */
  put(): Promise<void> {
    return this.#each(async (change, i) => {
      const { path, old, new: wanted } = change;
      if (wanted === undefined) return false;
      const isFileTouch = isTouch(change);
      if (isFileTouch && wanted.kind === "directory") return false;
      if (wanted.kind === "file" && !isFileTouch && !this.#stage.isStaged(i)) {
        this.#stage.reportMissing(i);
        return false;
      }
      const failures = this.#stage.problems.length;
      if (wanted.kind === "directory") await this.#stage.complete(i);
      const parent = await this.#cursor.at(parentOf(path)!);
      const name = nameOf(path);
      if (old !== undefined) this.#expect(path, old, await parent.lookup(name));
      if (isFileTouch && wanted.kind === "file") {
        await parent.setMetadata(name, wanted);
        this.#handle(old);
      } else if (old === undefined) {
        await this.#create(parent, path, wanted);
      } else {
        await this.#replace(parent, path, old, wanted);
      }
      return this.#stage.problems.length === failures &&
        this.#stage.isStaged(i);
    });
  }

  /** Deletes. */
  remove(): Promise<void> {
    return this.#each(async ({ path, old, new: wanted }) => {
      if (old === undefined || wanted !== undefined) return false;
      const parent = await this.#cursor.at(parentOf(path)!);
      await this.#removeEntry(parent, path, nameOf(path), old);
      return true;
    });
  }

  /** Sets mode and mtime of directories; deeper ones come first in the list. */
  touch(): Promise<void> {
    return this.#each(async (change) => {
      const { path, old, new: wanted } = change;
      if (old?.kind !== "directory" || wanted?.kind !== "directory") {
        return false;
      }
      // The root's come last of all, when the staging area is gone.
      if (path !== ROOT) {
        const directory = await this.#cursor.at(path);
        await directory.setOwnMetadata(wanted);
      }
      return true;
    });
  }

  /** Removes the staging area; what can't be removed is reported. */
  async clean(root: Metadata | undefined): Promise<void> {
    try {
      await this.#area.clean(root);
    } catch (error) {
      this.#report(ROOT, error);
    }
  }

  /** To be called when all is done. */
  outcome(): TransitionOutcome {
    return {
      done: this.#done,
      problems: [
        ...this.#stage.problems,
        ...this.#area.aside.problems,
        ...this.#problems,
      ],
    };
  }

  close(): void {
    this.#cursor.close();
  }

  /** Calls `act` for each change; what it throws becomes a problem of the path. */
  async #each(
    act: (change: Change, i: number) => Promise<boolean>,
  ): Promise<void> {
    for (const [i, change] of this.#changes.entries()) {
      this.#signal?.throwIfAborted();
      try {
        if (await act(change, i)) this.#done[i] = 1;
      } catch (error) {
        this.#report(change.path, error);
      }
      const pause = this.#pacer.turn();
      if (pause !== undefined) await pause;
    }
  }

  /** Puts `wanted` where the scan saw nothing. */
  async #create(
    parent: Directory,
    path: RelPath,
    wanted: TrackedEntry,
  ): Promise<void> {
    const name = nameOf(path);
    switch (wanted.kind) {
      case "symlink":
        await parent.createSymlink(name, wanted.target, wanted.mtime);
        break;
      case "file": {
        const staged = await this.#stage.directoryFor(path);
        await staged.moveNew(name, parent, name);
        break;
      }
      case "directory": {
        if (await parent.lookup(name) !== undefined) throw isThere(path);
        const staged = await this.#stage.directoryFor(path);
        await staged.rename(name, parent, name);
        await parent.setMetadata(name, wanted);
        break;
      }
      default:
        wanted satisfies never;
    }
  }

  /** Puts `wanted` in the place of `old`, which is there. */
  async #replace(
    parent: Directory,
    path: RelPath,
    old: TrackedEntry,
    wanted: TrackedEntry,
  ): Promise<void> {
    const name = nameOf(path);
    if (wanted.kind === "symlink") await this.#stage.putSymlink(path, wanted);
    const staged = await this.#stage.directoryFor(path);
    if (old.kind !== "directory" && wanted.kind !== "directory") {
      await staged.rename(name, parent, name);
      this.#handle(old);
      return;
    }
    if (old.kind === "directory") await this.#expectTree(parent, path, old);
    const { aside } = this.#area;
    const setAside = await aside.put(parent, path);
    try {
      await staged.rename(name, parent, name);
    } catch (error) {
      await aside.restore(setAside, parent);
      throw error;
    }
    if (wanted.kind === "directory") await parent.setMetadata(name, wanted);
    this.#handle(old);
    try {
      await this.#removeEntry(setAside.directory, path, ENTRY_NAME, old);
    } catch (error) {
      if (!isReportable(error)) throw error;
      await aside.keep(setAside);
      return;
    }
    await aside.forget(setAside);
  }

  /** Deletes `name`, which is `old` and shown as `path`; all of it, or what it can. */
  async #removeEntry(
    parent: Directory,
    path: RelPath,
    name: Name,
    old: Entry,
  ): Promise<void> {
    const stat = await parent.lookup(name);
    // Somebody was faster.
    if (stat === undefined) return;
    this.#expect(path, old, stat);
    if (old.kind !== "directory") {
      await parent.removeFile(name);
      this.#handle(old);
      return;
    }
    const directory = await parent.openDirectory(name);
    let failure: unknown;
    try {
      await makeWritable(directory, stat.mode);
      for (const [childName, child] of old.children) {
        try {
          await this.#removeEntry(
            directory,
            join(path, childName),
            childName,
            child,
          );
        } catch (error) {
          if (!isReportable(error)) throw error;
          failure ??= error;
        }
        const pause = this.#pacer.turn();
        if (pause !== undefined) await pause;
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

  /** Checks a whole directory against what the scan saw. @throws {StaleError} */
  async #expectTree(
    parent: Directory,
    path: RelPath,
    old: Entry,
  ): Promise<void> {
    const name = nameOf(path);
    this.#expect(path, old, await parent.lookup(name));
    if (old.kind !== "directory") return;
    const directory = await parent.openDirectory(name);
    try {
      for (const { name: childName } of (await directory.list()).entries) {
        if (!old.children.has(childName)) throw isThere(join(path, childName));
      }
      for (const [childName, child] of old.children) {
        await this.#expectTree(directory, join(path, childName), child);
      }
    } finally {
      directory.close();
    }
  }

  /** @throws {StaleError} If `stat` does not show what the scan saw as `old`. */
  #expect(path: RelPath, old: Entry, stat: Stat | undefined): void {
    if (stat !== undefined) {
      // One inode may have many names: our own work on one moves its ctime.
      const isOurs = old.kind === "file" && old.inode !== undefined &&
        this.#handled.has(old.inode);
      if (isSameVersion(old, stat, { ignoreCtime: isOurs })) return;
    }
    throw new StaleError(
      `${displayPath(path)} was ${
        stat === undefined ? "removed" : "changed"
      } by somebody else meanwhile`,
    );
  }

  #handle(old: Entry | undefined): void {
    if (old?.kind === "file" && old.inode !== undefined) {
      this.#handled.add(old.inode);
    }
  }

  #report(path: RelPath, error: unknown): void {
    if (!isReportable(error)) throw error;
    const code: ProblemCode = error instanceof StaleError ||
        isFileSystemError(error, "exists") ||
        isFileSystemError(error, "not-found") ||
        isFileSystemError(error, "not-a-directory") ||
        isFileSystemError(error, "is-a-directory") ||
        isFileSystemError(error, "not-empty")
      ? "stale"
      : "failed";
    this.#problems.push({ path, code, message: messageOf(error) });
  }
}

function isThere(path: RelPath): StaleError {
  return new StaleError(
    `${displayPath(path)} was created by somebody else meanwhile`,
  );
}

function isReportable(error: unknown): error is Error {
  return error instanceof StaleError || isFileSystemError(error);
}
