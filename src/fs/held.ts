/**
 * `.lockstep/held/`: nothing is given up before it has proven to be what the scan
 * saw. Between the last look at an entry and the call that replaces or deletes it,
 * somebody may save; so what goes keeps a name here until it was looked at again,
 * after it had left its place:
 *
 * - A file or link that is replaced by one gets a second name, `held/N`, and then
 *   the new one is renamed over the first: its path is never without an entry.
 * - What is deleted, or changes between directory and not, moves to `held/N`.
 *
 * `N` is the number of the change. The journal says what belongs where, so that
 * after a kill the next run puts back what has not been replaced, see
 * `held_recovery.ts`. What turns out to be something else is put back or goes to
 * `kept/`.
 */
import { allDone } from "../core/all_done.ts";
import type { Change } from "../core/change.ts";
import type { TrackedEntry } from "../core/entry.ts";
import { type Name, nameOf, type RelPath } from "../core/path.ts";
import { FileSystemError, isFileSystemError } from "../errors.ts";
import { type Expectation, isReportable } from "./expectation.ts";
import type { Directory } from "./file_system.ts";
import { flushJournal, removeJournal, writeJournal } from "./held_journal.ts";
import type { Kept } from "./kept.ts";
import { Pacer } from "./pacer.ts";
import { letMove, removeProven } from "./proven_removal.ts";
import type { Trash } from "./trash.ts";

/** Names of such directories: more than one where a run before left something. */
export const HELD_NAMES = /^held\d*$/;

/** An entry that has left its place, or is about to. */
interface HeldEntry {
  readonly id: number;
  readonly path: RelPath;
  readonly old: TrackedEntry;
  /** Its name in `held/`. */
  readonly name: Name;
  /** Whether something else has its place now. */
  readonly isReplaced: boolean;
}

/** What a {@link Held} works with; all of it stays with its owner. */
export interface HeldOptions {
  readonly root: Directory;
  /** `.lockstep/` of that root. */
  readonly own: Directory;
  readonly expectation: Expectation;
  readonly kept: Kept;
  readonly trash: Trash | undefined;
}

/** The directory `held/` during one transition. Its owner closes it. */
export class Held {
  readonly #options: HeldOptions;
  readonly #directory: Directory;
  /** Of the directory, in `.lockstep/`. */
  readonly #name: Name;
  readonly #pacer = new Pacer();
  readonly #entries: HeldEntry[] = [];

  private constructor(directory: Directory, name: Name, options: HeldOptions) {
    this.#directory = directory;
    this.#name = name;
    this.#options = options;
  }

  /** Makes `held/`, and writes down what of `changes` will take entries away. */
  static async open(
    changes: readonly Change[],
    options: HeldOptions,
  ): Promise<Held> {
    const { own } = options;
    let name = "held" as Name;
    for (let i = 1; await own.lookup(name) !== undefined; i++) {
      name = `held${i}` as Name;
    }
    await own.createDirectory(name);
    const directory = await own.openDirectory(name);
    try {
      await writeJournal(directory, changes, options.trash !== undefined);
    } catch (error) {
      directory.close();
      throw error;
    }
    return new Held(directory, name, options);
  }

  /** Makes the journal survive a loss of power. @throws {FileSystemError} */
  async flush(): Promise<void> {
    const { own, root } = this.#options;
    await allDone([
      flushJournal(this.#directory),
      this.#directory.flush(),
      own.flush(),
      root.flush(),
    ]);
  }

  /**
   * Holds the file or link at `path`, which is `old`, under a second name while
   * `replace` puts another in its place. Where entries can't have two names, it
   * has to leave its place for the moment.
   * @throws {StaleError} If it is not `old`; then nothing has changed.
   */
  async replaceLinked(
    id: number,
    parent: Directory,
    path: RelPath,
    old: TrackedEntry,
    replace: () => Promise<void>,
  ): Promise<void> {
    const name = String(id) as Name;
    this.#options.expectation.handle(old);
    try {
      await parent.link(nameOf(path), this.#directory, name);
    } catch (error) {
      if (!isFileSystemError(error, "unsupported")) throw error;
      return await this.replaceTaken(id, parent, path, old, replace);
    }
    try {
      await this.#check(name, path, old);
      // Whoever saves by renaming has put another one there since; no call puts one
      // in the place of another only if that is the right one.
      const { expectation } = this.#options;
      expectation.check(path, old, await parent.lookup(nameOf(path)));
      await replace();
    } catch (error) {
      await this.#directory.removeFile(name);
      throw error;
    }
    this.#entries.push({ id, path, old, name, isReplaced: true });
  }

  /**
   * Holds the entry at `path`, which is `old`, while `replace` puts another in its
   * place, which is empty for the moment.
   * @throws {StaleError} If it is not `old`; then it has its place again.
   */
  async replaceTaken(
    id: number,
    parent: Directory,
    path: RelPath,
    old: TrackedEntry,
    replace: () => Promise<void>,
  ): Promise<void> {
    const name = await this.#take(id, parent, path, old);
    if (name === undefined) return await replace();
    try {
      await replace();
    } catch (error) {
      await this.#putBack(name, parent, path, old);
      throw error;
    }
    this.#entries.push({ id, path, old, name, isReplaced: true });
  }

  /**
   * Takes the entry at `path`, which is `old`, away for good.
   * @throws {StaleError} If it is not `old`; then it has its place again.
   */
  async delete(
    id: number,
    parent: Directory,
    path: RelPath,
    old: TrackedEntry,
  ): Promise<void> {
    const name = await this.#take(id, parent, path, old);
    if (name === undefined) return;
    this.#entries.push({ id, path, old, name, isReplaced: false });
  }

  /**
   * Looks at all that is held once more, and gives up what still is what the scan
   * saw: to the trash, or for good. What can't be given up is kept if something
   * else has its place; else it has its place again, and `onFailure` hears of it.
   * `parentOf` opens the directory that an entry came from.
   */
  async settle(
    parentOf: (path: RelPath) => Promise<Directory>,
    onFailure: (id: number, path: RelPath, error: unknown) => void,
  ): Promise<void> {
    for (const held of this.#entries.splice(0)) {
      const { id, path, old, name } = held;
      try {
        await this.#giveUp(held);
      } catch (error) {
        if (!isReportable(error)) throw error;
        if (held.isReplaced) await this.#keep(name, path, error);
        else {
          onFailure(id, path, error);
          await this.#putBack(name, await parentOf(path), path, old);
        }
      }
      const pause = this.#pacer.turn();
      if (pause !== undefined) await pause;
    }
  }

  /** Removes `held/` if all of it could be given up; closes it. */
  async close(): Promise<void> {
    const directory = this.#directory;
    try {
      const { entries } = await directory.list();
      if (entries.length > 1) return;
      await removeJournal(directory);
    } finally {
      directory.close();
    }
    await this.#options.own.removeDirectory(this.#name);
  }

  /**
   * Moves the entry out of its place and proves it; answers its name in `held/`.
   * A directory that can't be moved, as those of lower layers of an overlay can't,
   * is given up where it is, entry by entry: undefined then.
   */
  async #take(
    id: number,
    parent: Directory,
    path: RelPath,
    old: TrackedEntry,
  ): Promise<Name | undefined> {
    const name = String(id) as Name;
    const { expectation } = this.#options;
    expectation.handle(old);
    if (old.kind === "directory") {
      await letMove(parent, nameOf(path), old.mode);
    }
    try {
      await parent.rename(nameOf(path), this.#directory, name);
    } catch (error) {
      const isFixed = old.kind === "directory" &&
        isFileSystemError(error, "cross-device");
      if (!isFixed) throw error;
      await this.#dispose(parent, nameOf(path), path, old);
      return undefined;
    }
    try {
      await this.#check(name, path, old);
      if (old.kind === "directory") {
        await expectation.checkTree(this.#directory, name, path, old);
      }
      return name;
    } catch (error) {
      await this.#putBack(name, parent, path, old);
      throw error;
    }
  }

  async #check(name: Name, path: RelPath, old: TrackedEntry): Promise<void> {
    const stat = await this.#directory.lookup(name);
    this.#options.expectation.check(path, old, stat);
  }

  async #giveUp({ path, old, name }: HeldEntry): Promise<void> {
    // Whoever had the file open may have gone on writing to it.
    await this.#check(name, path, old);
    await this.#dispose(this.#directory, name, path, old);
  }

  /** Gives the entry `name` of `from` to the trash, or removes what was proven. */
  async #dispose(
    from: Directory,
    name: Name,
    path: RelPath,
    old: TrackedEntry,
  ): Promise<void> {
    const { trash, expectation } = this.#options;
    if (trash !== undefined) await trash.take(from, name, path, old);
    else if (old.kind !== "directory") await from.removeFile(name);
    else await removeProven(from, name, path, old, expectation);
  }

  /** Puts the entry back where it was; if that place is taken, it is kept. */
  async #putBack(
    name: Name,
    parent: Directory,
    path: RelPath,
    old: TrackedEntry,
  ): Promise<void> {
    try {
      await putBack(this.#directory, name, parent, nameOf(path));
      if (old.kind === "directory") await parent.setMetadata(nameOf(path), old);
    } catch (error) {
      if (!isFileSystemError(error)) throw error;
      await this.#keep(name, path, error);
    }
  }

  async #keep(name: Name, path: RelPath, reason: Error): Promise<void> {
    const place = `${this.#name}/${name}`;
    const { kept } = this.#options;
    await kept.keep(this.#directory, name, { path, place, reason });
  }
}

/** Moves the entry `name` of `from` to `to`, where nothing may be. @throws `exists` */
export async function putBack(
  from: Directory,
  name: Name,
  to: Directory,
  newName: Name,
): Promise<void> {
  const stat = await from.lookup(name);
  if (stat?.kind !== "directory") return await from.moveNew(name, to, newName);
  if (await to.lookup(newName) !== undefined) {
    throw new FileSystemError("exists", "The place is taken");
  }
  await from.rename(name, to, newName);
}
