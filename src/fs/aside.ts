/**
 * No single step puts a directory in the place of a file, or a file in that of a
 * directory. So what is to be replaced is first moved to `aside/N/entry`, beside
 * `aside/N/path`, which says where it was: if the run is killed before the new
 * entry is in place, the next one puts the old one back. Nothing in here is
 * removed but what was proven to be what the scan saw; anything else goes to
 * `kept/`, and is reported.
 */
import {
  displayPath,
  type Name,
  nameOf,
  parentOf,
  parseRelPath,
  type RelPath,
  RESERVED_NAME,
} from "../core/path.ts";
import type { Problem } from "../core/problem.ts";
import {
  FileSystemError,
  isFileSystemError,
  UnsafePathError,
} from "../errors.ts";
import { DirectoryCursor } from "./directory_cursor.ts";
import type { Directory } from "./file_system.ts";
import { openOrCreate, removeTree } from "./own_entries.ts";

const ASIDE_NAME = "aside" as Name;
const KEPT_NAME = "kept" as Name;
const PATH_NAME = "path" as Name;

/** The name of an entry in the directory that was made for it. */
export const ENTRY_NAME = "entry" as Name;

/** An entry that was moved out of the way. Its owner removes, restores or keeps it. */
export interface SetAside {
  /** Where it was. */
  readonly path: RelPath;
  /** The directory that holds it as {@link ENTRY_NAME}. */
  readonly directory: Directory;
  /** Name of that directory in `aside/`. */
  readonly name: Name;
}

/** The directory `aside/` of a staging area; made when it is needed. */
export class Aside {
  readonly #root: Directory;
  readonly #own: Directory;
  readonly #problems: Problem[] = [];
  #directory: Directory | undefined;
  #count = 0;

  /** `own` is the directory `.lockstep/` of `root`; both stay with their owners. */
  constructor(root: Directory, own: Directory) {
    this.#root = root;
    this.#own = own;
  }

  /** What was kept: each says where it was, and where it is now. */
  get problems(): readonly Problem[] {
    return this.#problems;
  }

  /** Moves the entry at `path`, which is in `parent`, out of the way. */
  async put(parent: Directory, path: RelPath): Promise<SetAside> {
    this.#directory ??= await openOrCreate(this.#own, ASIDE_NAME);
    const name = await this.#freeName(this.#directory);
    await this.#directory.createDirectory(name);
    const directory = await this.#directory.openDirectory(name);
    try {
      const text = new TextEncoder().encode(path);
      await directory.createFile(PATH_NAME, text, { mode: 0o600, mtime: 0 });
      await parent.rename(nameOf(path), directory, ENTRY_NAME);
    } catch (error) {
      directory.close();
      await removeTree(this.#directory, name);
      throw error;
    }
    return { path, directory, name };
  }

  /** To be called when the entry itself has been removed. */
  async forget({ directory, name }: SetAside): Promise<void> {
    await directory.removeFile(PATH_NAME);
    directory.close();
    await this.#directory!.removeDirectory(name);
  }

  /** Puts the entry back where it was; if that place is taken, it is kept. */
  async restore(aside: SetAside, parent: Directory): Promise<void> {
    const { path, directory } = aside;
    const stat = await directory.lookup(ENTRY_NAME);
    try {
      if (stat?.kind !== "directory") {
        await directory.moveNew(ENTRY_NAME, parent, nameOf(path));
      } else {
        if (await parent.lookup(nameOf(path)) !== undefined) {
          throw new FileSystemError("exists", "The place is taken");
        }
        await directory.rename(ENTRY_NAME, parent, nameOf(path));
      }
    } catch (error) {
      if (!isFileSystemError(error)) throw error;
      return await this.keep(aside);
    }
    await this.forget(aside);
  }

  /**
   * Moves what is left of the entry to `kept/`, and reports it. Where that is not
   * possible it stays where it is, which is reported as well.
   */
  async keep(aside: SetAside): Promise<void> {
    let place = `${ASIDE_NAME}/${aside.name}/${ENTRY_NAME}`;
    try {
      place = await this.#moveToKept(aside);
      await this.forget(aside);
    } catch (error) {
      if (!isFileSystemError(error)) throw error;
      aside.directory.close();
    }
    this.#problems.push({
      path: aside.path,
      code: "kept",
      message: `What was at ${
        displayPath(aside.path)
      } could not be replaced cleanly: it is kept as ${RESERVED_NAME}/${place}`,
    });
  }

  /** Answers where the entry is now, in `.lockstep/`. */
  async #moveToKept({ directory }: SetAside): Promise<string> {
    const kept = await openOrCreate(this.#own, KEPT_NAME);
    try {
      const name = await this.#freeName(kept);
      await directory.rename(ENTRY_NAME, kept, name);
      return `${KEPT_NAME}/${name}`;
    } finally {
      kept.close();
    }
  }

  /** Puts back what a run that was killed had moved away. */
  async recover(): Promise<void> {
    if (await this.#own.lookup(ASIDE_NAME) === undefined) return;
    this.#directory = await this.#own.openDirectory(ASIDE_NAME);
    const cursor = new DirectoryCursor(this.#root);
    try {
      for (const { name } of (await this.#directory.list()).entries) {
        const directory = await this.#directory.openDirectory(name);
        if (await directory.lookup(ENTRY_NAME) === undefined) {
          // It was removed already, or never came.
          directory.close();
          await removeTree(this.#directory, name);
          continue;
        }
        const path = await readPath(directory);
        const aside: SetAside = { path, directory, name };
        let parent: Directory;
        try {
          parent = await cursor.at(parentOf(path) ?? path);
        } catch (error) {
          if (!isFileSystemError(error)) throw error;
          await this.keep(aside);
          continue;
        }
        await this.restore(aside, parent);
      }
    } finally {
      cursor.close();
    }
  }

  /** Removes `aside/`, which is empty unless something failed; that is left there. */
  async close(): Promise<void> {
    if (this.#directory === undefined) return;
    this.#directory.close();
    this.#directory = undefined;
    try {
      await this.#own.removeDirectory(ASIDE_NAME);
    } catch (error) {
      if (!isFileSystemError(error, "not-empty")) throw error;
    }
  }

  async #freeName(directory: Directory): Promise<Name> {
    for (;;) {
      const name = String(this.#count++) as Name;
      if (await directory.lookup(name) === undefined) return name;
    }
  }
}

/** Where an entry was; something to show if nobody knows any more. */
async function readPath(directory: Directory): Promise<RelPath> {
  const buffer = new Uint8Array(256 * 1024);
  try {
    const { length } = await directory.readFile(PATH_NAME, buffer);
    const path = new TextDecoder().decode(buffer.subarray(0, length));
    if (path !== "") return parseRelPath(path);
  } catch (error) {
    if (!isFileSystemError(error) && !(error instanceof UnsafePathError)) {
      throw error;
    }
  }
  return parseRelPath("unknown");
}
