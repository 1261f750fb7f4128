/**
 * Where copies from another file system are made before they get their place in
 * a tree: in its reserved directory, which nobody scans.
 */
import { type Name, RESERVED_NAME } from "../core/path.ts";
import { isFileSystemError } from "../errors.ts";
import type { Directory } from "./file_system.ts";
import { openOrCreate, removeTree } from "./own_entries.ts";
import { removeIfEmpty } from "./trash_folder.ts";

/** `.lockstep/restore` of one tree, made when it is needed; its owner closes it. */
export class RestoreWorkshop {
  readonly #root: Directory;
  #own: Directory | undefined;
  #directory: Directory | undefined;
  #name: Name | undefined;

  /** `root` stays with its owner. */
  constructor(root: Directory) {
    this.#root = root;
  }

  /** The directory, which is empty at first. @throws {FileSystemError} */
  async open(): Promise<Directory> {
    if (this.#directory !== undefined) return this.#directory;
    this.#own ??= await openOrCreate(this.#root, RESERVED_NAME);
    const name = await createFree(this.#own);
    this.#name = name;
    return this.#directory = await this.#own.openDirectory(name);
  }

  /** Removes what it has made. @throws {FileSystemError} */
  async close(): Promise<void> {
    this.#directory?.close();
    const own = this.#own;
    if (own === undefined) return;
    try {
      if (this.#name !== undefined) await removeTree(own, this.#name);
    } finally {
      own.close();
    }
    await removeIfEmpty(this.#root, RESERVED_NAME);
  }
}

/** Others may be restoring here as well. */
async function createFree(own: Directory): Promise<Name> {
  for (let number = 1;; number++) {
    const name = (number === 1 ? "restore" : `restore${number}`) as Name;
    try {
      await own.createDirectory(name);
      return name;
    } catch (error) {
      if (!isFileSystemError(error, "exists")) throw error;
    }
  }
}
