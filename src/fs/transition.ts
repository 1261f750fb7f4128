/**
 * Carries out changes whose content is staged: for readers, the tree changes
 * within moments. The order keeps every state on the way sane: first what comes
 * new or is replaced, then what goes, then the times of directories.
 *
 * Before anything is replaced or deleted, the entry must still be what the scan
 * saw; otherwise it is left alone, and reported as stale. What goes is looked at
 * once more after it has left its place, see `held.ts`.
 */
import { allDone } from "../core/all_done.ts";
import { type Change, isTouch } from "../core/change.ts";
import type { TrackedEntry } from "../core/entry.ts";
import { nameOf, parentOf, type RelPath, ROOT } from "../core/path.ts";
import type { Problem } from "../core/problem.ts";
import { DirectoryCursor } from "./directory_cursor.ts";
import { flushContent, flushDirectories } from "./durability.ts";
import {
  createdMeanwhile,
  Expectation,
  isReportable,
  problemFor,
} from "./expectation.ts";
import type { Directory, Metadata } from "./file_system.ts";
import { Held } from "./held.ts";
import { takesAway } from "./held_journal.ts";
import { Pacer } from "./pacer.ts";
import type { Stage } from "./stage.ts";
import type { StagingArea } from "./staging_area.ts";
import type { Trash } from "./trash.ts";

/** What carrying changes out achieved; see `Endpoint.transition`. */
export interface TransitionOutcome {
  readonly done: Uint8Array;
  readonly problems: readonly Problem[];
}

/** How a {@link transition} is carried out. */
export interface TransitionOptions {
  /** Whether it has to survive a loss of power once it has returned. */
  readonly durable: boolean;
  /** Where what is replaced or deleted goes; without, it is given up. */
  readonly trash: Trash | undefined;
  /** Whether parts of other files stay staged, for changes to come. */
  readonly keepsParts?: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * Carries out `changes`, for which `stage` holds the content, on the tree below
 * `root`; afterwards the staging area is gone, unless parts are kept in it. Stops between two changes when
 * the signal aborts: then the staging area stays.
 * @throws {FileSystemError} If the disk fails to make it durable.
 */
export async function transition(
  root: Directory,
  area: StagingArea,
  stage: Stage,
  changes: readonly Change[],
  options: TransitionOptions,
): Promise<TransitionOutcome> {
  const work = new Transition(root, area, stage, changes, options);
  try {
    await work.prepare();
    await work.open();
    await work.put();
    await work.remove();
    await work.touch();
    await work.settle();
  } catch (error) {
    if (options.signal?.aborted) await work.settleAborted();
    throw error;
  } finally {
    await work.close();
  }
  const rootChange = changes.find(({ path }) => path === ROOT)?.new;
  await work.clean(rootChange?.kind === "directory" ? rootChange : undefined);
  return work.outcome();
}

class Transition {
  readonly #root: Directory;
  readonly #area: StagingArea;
  readonly #stage: Stage;
  readonly #changes: readonly Change[];
  readonly #options: TransitionOptions;
  readonly #cursor: DirectoryCursor;
  readonly #expectation = new Expectation();
  readonly #pacer = new Pacer();
  readonly #done: Uint8Array;
  readonly #problems: Problem[] = [];
  /** Undefined where nothing is replaced or deleted. */
  #held: Held | undefined;

  constructor(
    root: Directory,
    area: StagingArea,
    stage: Stage,
    changes: readonly Change[],
    options: TransitionOptions,
  ) {
    this.#root = root;
    this.#area = area;
    this.#stage = stage;
    this.#changes = changes;
    this.#options = options;
    this.#cursor = new DirectoryCursor(root);
    this.#done = new Uint8Array(changes.length);
  }

  /** Writes down what is going to happen, and makes sure of what is staged. */
  async prepare(): Promise<void> {
    if (this.#changes.some(takesAway)) {
      this.#held = await Held.open(this.#changes, {
        root: this.#root,
        own: this.#area.own,
        expectation: this.#expectation,
        kept: this.#area.kept,
        trash: this.#options.trash,
      });
    }
    if (!this.#options.durable) return;
    await allDone([this.#held?.flush(), this.#flushContent()]);
  }

  async #flushContent(): Promise<void> {
    try {
      const isStaged = (file: number): boolean => this.#stage.hasFile(file);
      await flushContent(this.#area.stage, this.#changes, isStaged);
    } catch (error) {
      // What a disk has once failed to write, it may well claim to have later.
      await this.#area.discard();
      throw error;
    }
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
      if (old !== undefined) {
        this.#expectation.check(path, old, await parent.lookup(name));
      }
      if (old === undefined) {
        await this.#create(parent, path, wanted);
      } else if (isFileTouch && wanted.kind === "file") {
        await parent.setMetadata(name, wanted);
        this.#expectation.handle(old);
      } else {
        await this.#replace(i, parent, path, old, wanted);
      }
      return this.#stage.problems.length === failures &&
        this.#stage.isStaged(i);
    });
  }

  /** Deletes. */
  remove(): Promise<void> {
    return this.#each(async ({ path, old, new: wanted }, i) => {
      if (old === undefined || wanted !== undefined) return false;
      const parent = await this.#cursor.at(parentOf(path)!);
      const stat = await parent.lookup(nameOf(path));
      // Somebody was faster.
      if (stat === undefined) return true;
      this.#expectation.check(path, old, stat);
      if (old.kind === "directory") {
        // Looked through again once it is held; but what is known to be stale
        // before is never moved: nobody sees it vanish for a moment.
        await this.#expectation.checkTree(parent, nameOf(path), path, old);
      }
      await this.#held!.delete(i, parent, path, old);
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

  /** Gives up what was replaced or deleted; the changes themselves are safe then. */
  async settle(): Promise<void> {
    if (this.#options.durable) {
      await flushDirectories(this.#root, this.#changes);
    }
    await this.#held?.settle(
      async (path) => await this.#cursor.at(parentOf(path)!),
      (i, path, error) => {
        this.#done[i] = 0;
        this.#report(path, error);
      },
    );
  }

  /**
   * As {@link settle}, after an interruption: what has been replaced so far stays
   * replaced. Where that fails, the next run does it.
   */
  async settleAborted(): Promise<void> {
    try {
      await this.settle();
    } catch (error) {
      if (!isReportable(error)) throw error;
    }
  }

  /** Removes the staging area; what can't be removed is reported. */
  async clean(root: Metadata | undefined): Promise<void> {
    try {
      const { keepsParts = false } = this.#options;
      await this.#area.clean(root, { keepsParts });
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
        ...this.#area.kept.problems,
        ...this.#problems,
      ],
    };
  }

  async close(): Promise<void> {
    this.#cursor.close();
    this.#stage.close();
    await this.#held?.close();
  }

  /** Calls `act` for each change; what it throws becomes a problem of the path. */
  async #each(
    act: (change: Change, i: number) => Promise<boolean>,
  ): Promise<void> {
    for (const [i, change] of this.#changes.entries()) {
      this.#options.signal?.throwIfAborted();
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
      case "symlink": {
        const { target, mtime, owner } = wanted;
        await parent.createSymlink(name, target, mtime, owner);
        break;
      }
      case "file": {
        const staged = await this.#stage.directoryFor(path);
        await staged.moveNew(name, parent, name);
        break;
      }
      case "directory": {
        if (await parent.lookup(name) !== undefined) {
          throw createdMeanwhile(path);
        }
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
    i: number,
    parent: Directory,
    path: RelPath,
    old: TrackedEntry,
    wanted: TrackedEntry,
  ): Promise<void> {
    const name = nameOf(path);
    if (wanted.kind === "symlink") await this.#stage.putSymlink(path, wanted);
    const staged = await this.#stage.directoryFor(path);
    if (old.kind === "directory") {
      // As in remove(): a stale tree is not moved at all.
      await this.#expectation.checkTree(parent, name, path, old);
    }
    const held = this.#held!;
    if (wanted.kind === "directory") {
      const replace = (): Promise<void> => staged.rename(name, parent, name);
      await held.replaceTaken(i, parent, path, old, replace);
      await parent.setMetadata(name, wanted);
    } else if (old.kind === "directory") {
      const replace = (): Promise<void> => staged.moveNew(name, parent, name);
      await held.replaceTaken(i, parent, path, old, replace);
    } else {
      const replace = (): Promise<void> => staged.rename(name, parent, name);
      await held.replaceLinked(i, parent, path, old, replace);
    }
  }

  #report(path: RelPath, error: unknown): void {
    this.#problems.push(problemFor(path, error));
  }
}
