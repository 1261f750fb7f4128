/** Files that another file is made of, open as long as it is being made. */
import type { BaseRange } from "../content/gap.ts";
import { displayPath } from "../core/path.ts";
import { isFileSystemError, messageOf, StaleError } from "../errors.ts";
import type { Candidate } from "./candidates.ts";
import type { DirectoryCursor } from "./directory_cursor.ts";
import { openSeen, type SeenFile } from "./open_seen.ts";

/** The bases of one file, by number. Its owner closes it. */
export class OpenBases {
  readonly #cursor: DirectoryCursor;
  readonly #bases: readonly Candidate[];
  readonly #open: (SeenFile | undefined)[] = [];

  constructor(cursor: DirectoryCursor, bases: readonly Candidate[]) {
    this.#cursor = cursor;
    this.#bases = bases;
  }

  /**
   * Fills `into` with what number `base` has from `offset` on.
   * @throws {StaleError} If it is not what the scan saw, or can't be read.
   */
  async read(base: number, offset: number, into: Uint8Array): Promise<void> {
    try {
      const file = await this.#file(base);
      let length = 0;
      while (length < into.length) {
        const room = into.subarray(length);
        const count = await file.read(room, offset + length);
        if (count === 0) throw this.#stale(base);
        length += count;
      }
    } catch (error) {
      if (!isFileSystemError(error)) throw error;
      throw new StaleError(messageOf(error), { cause: error });
    }
  }

  /** What `ranges` hold, one after the other. @throws {StaleError} See {@link read}. */
  async region(ranges: readonly BaseRange[]): Promise<Uint8Array> {
    const bytes = new Uint8Array(
      ranges.reduce((sum, { length }) => sum + length, 0),
    );
    let at = 0;
    for (const { base, offset, length } of ranges) {
      await this.read(base, offset, bytes.subarray(at, at + length));
      at += length;
    }
    return bytes;
  }

  close(): void {
    for (const opened of this.#open) opened?.close();
    this.#open.length = 0;
  }

  async #file(base: number): Promise<SeenFile["file"]> {
    const { path, entry } = this.#bases[base]!;
    const opened = this.#open[base] ??
      await openSeen(this.#cursor, path, entry, false);
    if (opened === undefined) throw this.#stale(base);
    this.#open[base] = opened;
    return opened.file;
  }

  #stale(base: number): StaleError {
    return new StaleError(
      `${
        displayPath(this.#bases[base]!.path)
      } was changed while it was being read`,
    );
  }
}
