/**
 * A staged file that begins as a copy of its old version, or of the one that was
 * renamed. The copy is made while that is read: so what did not move need not be
 * read again, nor proven again. What is written is what was hashed as it was read.
 */
import type { Name } from "../core/path.ts";
import { isFileSystemError } from "../errors.ts";
import { stretchesOf } from "./content.ts";
import { DirectoryCursor } from "./directory_cursor.ts";
import type { Directory, WritableFile } from "./file_system.ts";
import { removeTree } from "./own_entries.ts";
import type { Destination } from "./planned_files.ts";

/** One draft; its owner closes it. */
export class Draft {
  readonly #cursor: DirectoryCursor;
  readonly #directory: Directory;
  readonly #name: Name;
  readonly #file: WritableFile;
  readonly #size: number;
  #length = 0;
  #hasFailed = false;

  private constructor(
    cursor: DirectoryCursor,
    directory: Directory,
    file: WritableFile,
    { name, entry: { size } }: Destination,
  ) {
    this.#cursor = cursor;
    this.#directory = directory;
    this.#file = file;
    this.#name = name;
    this.#size = size;
  }

  /**
   * Makes the file of that destination below `stage`, or empties it.
   * @throws {FileSystemError}
   */
  static async open(
    stage: Directory,
    destination: Destination,
  ): Promise<Draft> {
    const { parent, name, entry } = destination;
    const cursor = new DirectoryCursor(stage, { create: true });
    let file: WritableFile | undefined;
    try {
      const directory = await cursor.at(parent);
      file = await directory.openWritable(name);
      await file.truncate(0);
      await file.truncate(unfinishedLength(entry.size));
      return new Draft(cursor, directory, file, destination);
    } catch (error) {
      file?.close();
      cursor.close();
      throw error;
    }
  }

  /** From here on nothing was written, and it reads as zeros. */
  get length(): number {
    return this.#length;
  }

  /**
   * Writes what the other file has at `offset`, as far as the new one reaches;
   * zeros stay holes. A draft that can't be written is given up, which is no reason
   * not to go on reading.
   */
  async put(bytes: Uint8Array, offset: number): Promise<void> {
    if (this.#hasFailed) return;
    const part = bytes.subarray(0, Math.max(this.#size - offset, 0));
    try {
      for (const { zero, start, end } of stretchesOf(part)) {
        if (zero) continue;
        await this.#file.write(part.subarray(start, end), offset + start);
        this.#length = offset + end;
      }
    } catch (error) {
      if (!isFileSystemError(error)) throw error;
      this.#hasFailed = true;
    }
  }

  /**
   * Closes it; answers whether all that was put is there. Where it is not, or is not
   * to be kept, the file goes.
   */
  async close(isKept: boolean): Promise<boolean> {
    this.#file.close();
    try {
      if (isKept && !this.#hasFailed) return true;
      this.#length = 0;
      await removeTree(this.#directory, this.#name);
    } catch (error) {
      // It is emptied where content comes; else whoever cleans up says so.
      if (!isFileSystemError(error)) throw error;
    } finally {
      this.#cursor.close();
    }
    return false;
  }
}

/**
 * How long a file of `size` bytes is while it is made of what is there: one byte
 * longer, so that what a kill leaves of it is never taken for the whole file.
 */
export function unfinishedLength(size: number): number {
  return size + 1;
}
