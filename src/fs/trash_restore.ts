/**
 * Puts entries of one folder of a trash back into a tree. Nothing that is there
 * is replaced: a directory is gone into, anything else stays.
 */
import {
  compareNames,
  join,
  type Name,
  nameOf,
  namesOf,
  parentOf,
  type RelPath,
  ROOT,
} from "../core/path.ts";
import { isFileSystemError } from "../errors.ts";
import { DirectoryCursor } from "./directory_cursor.ts";
import type { Directory, NodeKind, Stat } from "./file_system.ts";
import { makeWritable, removeIfEmpty } from "./own_entries.ts";
import { Pacer } from "./pacer.ts";
import { flushWay, relocate } from "./relocate.ts";
import { RestoreWorkshop } from "./restore_workshop.ts";
import { pruneWay } from "./trash_folder.ts";

/** Hears what became of the entries. */
export interface RestoreListener {
  /** The entry is at `path` in the tree again, with all that is in it. */
  restored(path: RelPath, kind: NodeKind): void;
  /** The entry stays in the trash. */
  leftOut(path: RelPath, message: string): void;
}

/** From where to where {@link restore} moves; the directories stay with their owner. */
export interface RestoreOptions {
  /** `files/` of a folder of the trash. */
  readonly files: Directory;
  /** The root of the tree. */
  readonly root: Directory;
  readonly listener: RestoreListener;
  readonly signal?: AbortSignal;
}

/**
 * Moves what is at `path` in the trash to `path` in the tree, as far as nothing is
 * there. Directories on the way are made, with mode and mtime as in the trash;
 * links are never followed. {@link ROOT} stands for all of the folder.
 */
export async function restore(
  path: RelPath,
  options: RestoreOptions,
): Promise<void> {
  const workshop = new RestoreWorkshop(options.root);
  try {
    await new Restore(options, workshop).restore(path);
  } finally {
    await workshop.close();
  }
}

/** A directory that had to be made, and what it is in the trash. */
interface MadeDirectory {
  readonly parent: RelPath;
  readonly name: Name;
  readonly stat: Stat;
}

class Restore {
  readonly #options: RestoreOptions;
  readonly #workshop: RestoreWorkshop;
  readonly #pacer = new Pacer();

  constructor(options: RestoreOptions, workshop: RestoreWorkshop) {
    this.#options = options;
    this.#workshop = workshop;
  }

  async restore(path: RelPath): Promise<void> {
    const { files, root, listener } = this.#options;
    if (path === ROOT) return await this.#merge(files, root, ROOT);
    const source = new DirectoryCursor(files);
    const target = new DirectoryCursor(root);
    try {
      await this.#restoreAt(path, source, target);
    } catch (error) {
      if (!isFileSystemError(error)) throw error;
      listener.leftOut(path, error.message);
    } finally {
      source.close();
      target.close();
    }
    await pruneWay(files, path);
  }

  async #restoreAt(
    path: RelPath,
    source: DirectoryCursor,
    target: DirectoryCursor,
  ): Promise<void> {
    const way = parentOf(path)!;
    const made = await this.#makeWay(source, target, way);
    const from = await source.at(way);
    const to = await target.at(way);
    await this.#place(from, to, path);
    for (const { parent, name, stat } of made.reverse()) {
      await (await target.at(parent)).setMetadata(name, stat);
    }
  }

  /** Makes the directories on the `way` that are missing in the tree. */
  async #makeWay(
    source: DirectoryCursor,
    target: DirectoryCursor,
    way: RelPath,
  ): Promise<MadeDirectory[]> {
    const made: MadeDirectory[] = [];
    let parent = ROOT;
    for (const name of namesOf(way)) {
      const from = await source.at(join(parent, name));
      const stat = await from.stat();
      // What is in it is going to be taken out.
      await makeWritable(from, stat.mode);
      const to = await target.at(parent);
      if (await to.lookup(name) === undefined) {
        await to.createDirectory(name);
        made.push({ parent, name, stat });
      }
      parent = join(parent, name);
    }
    return made;
  }

  /** Moves the entry at `path` from the trash to where it was, or what is in it. */
  async #place(from: Directory, to: Directory, path: RelPath): Promise<void> {
    const { listener, signal, root } = this.#options;
    signal?.throwIfAborted();
    const name = nameOf(path);
    try {
      const stat = await from.lookup(name);
      if (stat === undefined) {
        return listener.leftOut(path, "It is not in the trash");
      }
      const there = await to.lookup(name);
      if (there?.kind === "directory" && stat.kind === "directory") {
        return await this.#mergeDirectory(from, to, path, stat);
      }
      await relocate({ directory: from, name }, { directory: to, name }, {
        workshop: async () => {
          await flushWay(root, parentOf(path)!);
          return await this.#workshop.open();
        },
        durable: true,
      });
      listener.restored(path, stat.kind);
    } catch (error) {
      if (!isFileSystemError(error)) throw error;
      const { code, message } = error;
      listener.leftOut(path, code === "exists" ? "It is there" : message);
    }
    const pause = this.#pacer.turn();
    if (pause !== undefined) await pause;
  }

  async #mergeDirectory(
    from: Directory,
    to: Directory,
    path: RelPath,
    stat: Stat,
  ): Promise<void> {
    const name = nameOf(path);
    const source = await from.openDirectory(name);
    try {
      await makeWritable(source, stat.mode);
      const target = await to.openDirectory(name);
      try {
        await this.#merge(source, target, path);
      } finally {
        target.close();
      }
      await source.setOwnMetadata(stat);
    } finally {
      source.close();
    }
    await removeIfEmpty(from, name);
  }

  /** Moves all that is in `from`, which is at `path` in the trash, to `to`. */
  async #merge(from: Directory, to: Directory, path: RelPath): Promise<void> {
    const { entries, failed } = await from.list({ thorough: true });
    for (const { name, message } of failed) {
      this.#options.listener.leftOut(join(path, name as Name), message);
    }
    const names = entries.map(({ name }) => name).sort(compareNames);
    for (const name of names) await this.#place(from, to, join(path, name));
  }
}
