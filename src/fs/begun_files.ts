/**
 * What is staged of files before their content comes: what a run that was broken
 * off has left of them, and drafts.
 */
import type { Change } from "../core/change.ts";
import type { Want } from "../core/piece.ts";
import { isFileSystemError } from "../errors.ts";
import { DirectoryCursor } from "./directory_cursor.ts";
import { Draft } from "./draft.ts";
import type { Directory, ReadableFile } from "./file_system.ts";
import { type Parts, takeOver } from "./leftovers.ts";
import type { PlannedFiles } from "./planned_files.ts";
import type { StagedParts } from "./read_ahead.ts";

/** Shorter files are written once all is known of them. */
const MIN_DRAFT_BYTES = 1024 * 1024;

/** The files of one staging that are begun, by number. */
export class BegunFiles implements StagedParts {
  readonly #stage: Directory;
  readonly #files: PlannedFiles;
  /** Files that were begun as copies. */
  readonly #drafts = new Map<number, Draft>();
  #parts: Parts = { resumes: new Map(), lengths: new Map() };

  /** @param stage The directory in which they lie. */
  constructor(stage: Directory, files: PlannedFiles) {
    this.#stage = stage;
    this.#files = files;
  }

  /** Looks what an earlier run has left, see {@link takeOver}. */
  async takeOver(
    changes: readonly Change[],
    isDescribed: (index: number) => boolean,
    signal?: AbortSignal,
  ): Promise<void> {
    this.#parts = await takeOver(
      this.#stage,
      changes,
      this.#files,
      isDescribed,
      signal,
    );
  }

  /** What the source has to prove of file number `index`, so that it is continued. */
  resumeOf(index: number): Want["resume"] {
    return this.#parts.resumes.get(index);
  }

  /**
   * How much of file number `index`, which is made of others, may be in use already;
   * undefined where it is made from nothing.
   * @param hasStaying Whether chunks of what an earlier run has left stay.
   */
  lengthOf(index: number, hasStaying: boolean): number | undefined {
    const draft = this.#drafts.get(index);
    // A draft is written over even if nothing of it stays: its room is there.
    if (draft !== undefined) return draft.length;
    return hasStaying ? this.#parts.lengths.get(index) : undefined;
  }

  async open(
    index: number,
  ): Promise<{ file: ReadableFile; length: number } | undefined> {
    const length = this.#parts.lengths.get(index);
    if (length === undefined) return undefined;
    const { parent, name } = this.#files.at(index)!;
    const cursor = new DirectoryCursor(this.#stage);
    try {
      const directory = await cursor.at(parent);
      return { file: await directory.openFile(name), length };
    } catch (error) {
      if (!isFileSystemError(error)) throw error;
      return undefined;
    } finally {
      cursor.close();
    }
  }

  async draft(index: number): Promise<Draft | undefined> {
    const destination = this.#files.at(index)!;
    const isSmall = destination.entry.size < MIN_DRAFT_BYTES;
    if (isSmall || this.#parts.lengths.has(index)) return undefined;
    try {
      const draft = await Draft.open(this.#stage, destination);
      this.#drafts.set(index, draft);
      return draft;
    } catch (error) {
      if (!isFileSystemError(error)) throw error;
      return undefined;
    }
  }
}
