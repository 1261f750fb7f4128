/**
 * Carries out moves: what is at one path gets another, with all that is in it.
 * Nothing is ever moved over something else.
 *
 * - A file gets its new name first, as a second one; then its old name goes the
 *   way of what is deleted, see `held.ts`. So at every moment it has one of them,
 *   and what somebody saves under the old one meanwhile is put back.
 * - A directory is renamed, if it is the one that the scan saw. What is in it is
 *   not looked at: it travels along, whatever became of it.
 *
 * Directories that gain or lose an entry have their mode and mtime again at the
 * end, as if nothing had happened to them.
 */
import type { Change } from "../core/change.ts";
import type { DirectoryEntry, FileEntry } from "../core/entry.ts";
import { missingParents, type Move } from "../core/moves.ts";
import {
  displayPath,
  nameOf,
  parentOf,
  type RelPath,
  ROOT,
} from "../core/path.ts";
import type { Problem } from "../core/problem.ts";
import { StaleError } from "../errors.ts";
import { DirectoryCursor } from "./directory_cursor.ts";
import { flushEntriesOf } from "./durability.ts";
import {
  createdMeanwhile,
  Expectation,
  isReportable,
  problemFor,
} from "./expectation.ts";
import type { Directory, Metadata } from "./file_system.ts";
import { Held, putBack } from "./held.ts";
import { Pacer } from "./pacer.ts";
import { letMove } from "./proven_removal.ts";
import type { StagingArea } from "./staging_area.ts";

/** What carrying moves out achieved; see `Endpoint.move`. */
export interface MoveOutcome {
  readonly done: Uint8Array;
  readonly problems: readonly Problem[];
  readonly ctimes: readonly (number | undefined)[];
}

/** How moves are carried out. */
export interface MoveOptions {
  /** Whether they have to survive a loss of power once this has returned. */
  readonly durable: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * Carries out `moves` on the tree below `root`, one after the other. `area` stays
 * open. Stops between two of them when the signal aborts.
 * @throws {FileSystemError} If the disk fails to make it durable.
 */
export async function move(
  root: Directory,
  area: StagingArea,
  moves: readonly Move[],
  options: MoveOptions,
): Promise<MoveOutcome> {
  const work = new Mover(root, area, moves, options);
  try {
    await work.prepare();
    await work.move();
    await work.settle();
    return await work.outcome();
  } catch (error) {
    if (options.signal?.aborted) await work.settleAborted();
    throw error;
  } finally {
    await work.close();
  }
}

class Mover {
  readonly #root: Directory;
  readonly #area: StagingArea;
  readonly #moves: readonly Move[];
  readonly #options: MoveOptions;
  /** Where things come from, and where they go. */
  readonly #origin: DirectoryCursor;
  readonly #goal: DirectoryCursor;
  readonly #expectation = new Expectation();
  readonly #pacer = new Pacer();
  readonly #done: Uint8Array;
  readonly #problems: Problem[] = [];
  /** What directories that we have changed shall be like in the end. */
  readonly #touched = new Map<RelPath, Metadata>();
  /** Undefined where no files are moved. */
  #held: Held | undefined;

  constructor(
    root: Directory,
    area: StagingArea,
    moves: readonly Move[],
    options: MoveOptions,
  ) {
    this.#root = root;
    this.#area = area;
    this.#moves = moves;
    this.#options = options;
    this.#origin = new DirectoryCursor(root);
    this.#goal = new DirectoryCursor(root);
    this.#done = new Uint8Array(moves.length);
  }

  /** Writes down which files are going to leave their places. */
  async prepare(): Promise<void> {
    const departures = this.#moves.map(({ from, entry }): Change => ({
      path: from,
      old: entry.kind === "file" ? entry : undefined,
      new: undefined,
    }));
    if (departures.every(({ old }) => old === undefined)) return;
    this.#held = await Held.open(departures, {
      root: this.#root,
      own: this.#area.own,
      expectation: this.#expectation,
      kept: this.#area.kept,
      trash: undefined,
    });
    if (this.#options.durable) await this.#held.flush();
  }

  async move(): Promise<void> {
    for (const [i, move] of this.#moves.entries()) {
      this.#options.signal?.throwIfAborted();
      try {
        await this.#makeParents(move);
        const { entry } = move;
        if (entry.kind === "file") await this.#moveFile(i, move, entry);
        else await this.#moveDirectory(move, entry);
        this.#done[i] = 1;
      } catch (error) {
        this.#problems.push(problemFor(move.from, error));
      }
      const pause = this.#pacer.turn();
      if (pause !== undefined) await pause;
    }
    await this.#restore();
  }

  /** Gives up the old names; the new ones are safe then. */
  async settle(): Promise<void> {
    if (this.#options.durable) {
      const changed = new Set<RelPath>();
      for (const { from, to, parents } of this.#moves) {
        changed.add(parentOf(from)!);
        changed.add(parentOf(to)!);
        for (const [path] of missingParents(to, parents)) {
          changed.add(parentOf(path)!);
        }
      }
      await flushEntriesOf(this.#root, changed);
    }
    await this.#held?.settle(
      async (path) => await this.#origin.at(parentOf(path)!),
      (i, path, error) => {
        this.#done[i] = 0;
        this.#problems.push(problemFor(path, error));
      },
    );
  }

  /** As {@link settle}, after an interruption: what was moved so far stays moved. */
  async settleAborted(): Promise<void> {
    try {
      await this.#restore();
      await this.settle();
    } catch (error) {
      if (!isReportable(error)) throw error;
    }
  }

  async outcome(): Promise<MoveOutcome> {
    const ctimes: (number | undefined)[] = [];
    for (const [i, { to, entry }] of this.#moves.entries()) {
      const isFile = entry.kind === "file" && this.#done[i] === 1;
      ctimes.push(isFile ? await this.#ctimeOf(to) : undefined);
    }
    const problems = [...this.#area.kept.problems, ...this.#problems];
    return { done: this.#done, problems, ctimes };
  }

  async close(): Promise<void> {
    this.#origin.close();
    this.#goal.close();
    await this.#held?.close();
  }

  async #makeParents({ to, parents }: Move): Promise<void> {
    for (const [path, parent] of missingParents(to, parents)) {
      const above = await this.#enter(this.#goal, parentOf(path)!);
      await above.createDirectory(nameOf(path));
      this.#touched.set(path, parent);
    }
  }

  async #moveFile(i: number, move: Move, entry: FileEntry): Promise<void> {
    const { from, to } = move;
    const origin = await this.#enter(this.#origin, parentOf(from)!);
    const goal = await this.#enter(this.#goal, parentOf(to)!);
    const found = await origin.lookup(nameOf(from));
    this.#expectation.check(from, entry, found);
    this.#expectation.handle(entry);
    await origin.link(nameOf(from), goal, nameOf(to));
    // Should it be another one now, both names stay: the next scan decides.
    this.#expectation.check(from, entry, await goal.lookup(nameOf(to)));
    await this.#held!.delete(i, origin, from, entry);
  }

  async #moveDirectory(
    { from, to }: Move,
    { inode }: DirectoryEntry,
  ): Promise<void> {
    // What is below it is about to have other paths.
    await this.#restore();
    const origin = await this.#enter(this.#origin, parentOf(from)!);
    const goal = await this.#enter(this.#goal, parentOf(to)!);
    const found = await origin.lookup(nameOf(from));
    if (
      found?.kind !== "directory" ||
      (inode !== undefined && found.inode !== inode)
    ) throw isAnother(from);
    if (await goal.lookup(nameOf(to)) !== undefined) throw createdMeanwhile(to);
    const isWritable = (found.mode & 0o700) === 0o700;
    try {
      await letMove(origin, nameOf(from), found.mode);
      await origin.rename(nameOf(from), goal, nameOf(to));
    } catch (error) {
      if (!isWritable) await origin.setMetadata(nameOf(from), found);
      throw error;
    }
    const moved = await goal.lookup(nameOf(to));
    if (moved?.kind !== "directory" || moved.inode !== found.inode) {
      await putBack(goal, nameOf(to), origin, nameOf(from));
      throw isAnother(from);
    }
    if (!isWritable) await goal.setMetadata(nameOf(to), found);
    this.#origin.close();
    this.#goal.close();
  }

  /** Goes to a directory that is about to gain or lose an entry. */
  async #enter(cursor: DirectoryCursor, path: RelPath): Promise<Directory> {
    const directory = await cursor.at(path);
    // The root's owner has opened it, and looks after it.
    if (path === ROOT || this.#touched.has(path)) return directory;
    const { mode, mtime } = await directory.stat();
    this.#touched.set(path, { mode, mtime });
    if ((mode & 0o700) !== 0o700) {
      await directory.setOwnMetadata({ mode: mode | 0o700, mtime });
    }
    return directory;
  }

  /** Gives the directories that we have changed their own mode and mtime. */
  async #restore(): Promise<void> {
    for (const [path, metadata] of this.#touched) {
      try {
        const directory = await this.#goal.at(path);
        await directory.setOwnMetadata(metadata);
      } catch (error) {
        this.#problems.push(problemFor(path, error));
      }
    }
    this.#touched.clear();
  }

  async #ctimeOf(path: RelPath): Promise<number | undefined> {
    try {
      const parent = await this.#goal.at(parentOf(path)!);
      return (await parent.lookup(nameOf(path)))?.ctime;
    } catch (error) {
      if (!isReportable(error)) throw error;
      return undefined;
    }
  }
}

function isAnother(path: RelPath): StaleError {
  return new StaleError(
    `${displayPath(path)} is not the directory any more that was there`,
  );
}
