/**
 * Content that a tree has already, at another path: what was renamed or copied at
 * the other side is copied here, and does not travel. Digests say so, and each
 * copy is proven by its own as it is made.
 */
import { createHash } from "node:crypto";
import { type Change, filesOf } from "../core/change.ts";
import { type FileThere, findCopies } from "../core/copies.ts";
import type { DirectoryEntry } from "../core/entry.ts";
import { nameOf, parentOf } from "../core/path.ts";
import { isFileSystemError } from "../errors.ts";
import { stretchesOf } from "./content.ts";
import { DirectoryCursor } from "./directory_cursor.ts";
import type { Directory, ReadableFile, WritableFile } from "./file_system.ts";
import { removeTree } from "./own_entries.ts";
import { Pacer } from "./pacer.ts";
import type { Destination } from "./planned_files.ts";

const READ_BYTES = 1024 * 1024;

/** The files that can be copied; its owner closes it. */
export class LocalCopies {
  readonly #copies: ReadonlyMap<number, FileThere>;
  readonly #cursor: DirectoryCursor;
  readonly #pacer = new Pacer();
  #buffer: Uint8Array | undefined;

  private constructor(
    root: Directory,
    copies: ReadonlyMap<number, FileThere>,
  ) {
    this.#copies = copies;
    this.#cursor = new DirectoryCursor(root);
  }

  /**
   * What `changes` need and the tree `root` has, as the scan saw it in `tree`;
   * undefined where there is nothing.
   */
  static find(
    root: Directory,
    changes: readonly Change[],
    tree: DirectoryEntry,
  ): LocalCopies | undefined {
    // Either all files have digests, or none has.
    const first = filesOf(changes).next();
    if (first.done || first.value.entry.digest === undefined) return undefined;
    const copies = findCopies(changes, tree, ({ digest }) => digest);
    return copies.size === 0 ? undefined : new LocalCopies(root, copies);
  }

  /** The numbers of the files, in order. */
  numbers(): Iterable<number> {
    return this.#copies.keys();
  }

  /**
   * Makes file number `index` as `name` in `directory`. False if what it would be
   * made of is something else by now, or something fails: then nothing is there.
   */
  async make(
    index: number,
    directory: Directory,
    { name, entry }: Destination,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const { path } = this.#copies.get(index)!;
    try {
      const parent = await this.#cursor.at(parentOf(path)!);
      const source = await parent.openFile(nameOf(path));
      try {
        const file = await directory.openWritable(name);
        try {
          await file.truncate(0);
          if (
            await this.#copy(source, file, entry.size, signal) === entry.digest
          ) {
            await file.setMetadata(entry);
            return true;
          }
        } finally {
          file.close();
        }
      } finally {
        source.close();
      }
      await removeTree(directory, name);
    } catch (error) {
      if (!isFileSystemError(error)) throw error;
      try {
        await removeTree(directory, name);
      } catch (later) {
        // What comes in its place will meet that, too.
        if (!isFileSystemError(later)) throw later;
      }
    }
    return false;
  }

  close(): void {
    this.#cursor.close();
  }

  /** Copies `size` bytes: their digest; undefined if there are fewer. */
  async #copy(
    source: ReadableFile,
    file: WritableFile,
    size: number,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    const buffer = this.#buffer ??= new Uint8Array(READ_BYTES);
    const hash = createHash("sha256");
    for (let offset = 0; offset < size;) {
      const room = buffer.subarray(0, Math.min(buffer.length, size - offset));
      const count = await source.read(room, offset);
      if (count === 0) return undefined;
      const bytes = room.subarray(0, count);
      hash.update(bytes);
      for (const { zero, start, end } of stretchesOf(bytes)) {
        if (!zero) await file.write(bytes.subarray(start, end), offset + start);
      }
      offset += count;
      const pause = this.#pacer.turn();
      if (pause !== undefined) await pause;
      signal?.throwIfAborted();
    }
    // Zeros at the end are in no stretch that was written.
    await file.truncate(size);
    return hash.digest("hex");
  }
}
