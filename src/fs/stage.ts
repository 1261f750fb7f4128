/**
 * Received content, until it is put in place. What is meant for `a/b.txt` is
 * received as `stage/a/b.txt` in the staging area and gets its mode and mtime as
 * the last thing; so what a broken-off run left behind is complete if size,
 * mtime and mode are right, and the next run takes it over. A directory that is
 * new as a whole is built here and needs a single rename in the end.
 */
import type { Change } from "../core/change.ts";
import type { DirectoryEntry, FileEntry, SymlinkEntry } from "../core/entry.ts";
import {
  join,
  type Name,
  nameOf,
  parentOf,
  type RelPath,
} from "../core/path.ts";
import type { ContentBatch, Piece, Want } from "../core/piece.ts";
import type { Problem } from "../core/problem.ts";
import { isFileSystemError, messageOf, ProtocolError } from "../errors.ts";
import { DirectoryCursor } from "./directory_cursor.ts";
import type { Directory, WritableFile } from "./file_system.ts";
import { type Resumes, takeOver } from "./leftovers.ts";
import { openOrCreate, removeTree } from "./own_entries.ts";
import { Pacer } from "./pacer.ts";
import { type Destination, PlannedFiles } from "./planned_files.ts";
import type { StagingArea } from "./staging_area.ts";

/** A large file of which not all has come yet. */
interface OpenFile {
  readonly index: number;
  readonly file: WritableFile;
  /** Bytes received so far, holes included. */
  length: number;
}

/** The content that one list of changes needs. */
export class Stage {
  readonly #area: StagingArea;
  readonly #changes: readonly Change[];
  readonly #cursor: DirectoryCursor;
  readonly #pacer = new Pacer();
  readonly #files: PlannedFiles;
  #resumes: Resumes = new Map();
  #current: OpenFile | undefined;

  constructor(area: StagingArea, changes: readonly Change[]) {
    this.#area = area;
    this.#changes = changes;
    this.#cursor = new DirectoryCursor(area.stage, { create: true });
    this.#files = new PlannedFiles(changes);
  }

  /** What could not be had or stored, so far. */
  get problems(): readonly Problem[] {
    return this.#files.problems;
  }

  /**
   * Looks what an earlier run left, removes what is of no use, and answers what
   * is lacking. To be called once, before content comes.
   */
  async prepare(signal?: AbortSignal): Promise<Want[]> {
    if (!this.#area.isFresh) {
      this.#resumes = await takeOver(
        this.#area.stage,
        this.#changes,
        this.#files,
        signal,
      );
    }
    return this.#wants();
  }

  /**
   * Stores the pieces of `batch`. What can't be stored becomes a problem of its path.
   * @throws {ProtocolError} If a piece is not one that was asked for, in its turn.
   */
  async accept(batch: ContentBatch): Promise<void> {
    for (const piece of batch.pieces) {
      const { index } = piece;
      const file = this.#files.at(index);
      if (file === undefined || this.#files.isStaged(index)) {
        throw new ProtocolError(`Content for file ${index} was not asked for`);
      }
      if (this.#files.hasFailed(index)) continue;
      if (piece.kind === "unavailable") {
        this.#closeCurrent(index);
        this.#files.fail(index, piece.code, piece.message);
        continue;
      }
      this.#check(piece, file.entry);
      try {
        if (
          piece.kind === "data" && piece.offset === 0 && piece.last
        ) await this.#putSmall(index, file, piece.bytes);
        else await this.#putPart(piece, file);
      } catch (error) {
        if (!isFileSystemError(error)) throw error;
        await this.#giveUp(index, file, error);
      }
      const pause = this.#pacer.turn();
      if (pause !== undefined) await pause;
    }
  }

  /** Whether all content that change number `i` needs is here. */
  isStaged(i: number): boolean {
    return this.#files.areStaged(i);
  }

  /** Whether file number `index` is here, with all its content. */
  hasFile(index: number): boolean {
    return this.#files.isStaged(index);
  }

  /** Reports files of change number `i` whose content never came. */
  reportMissing(i: number): void {
    this.#files.reportMissing(i);
  }

  /** The staged directory in which the entry for `path` lies or shall lie. */
  async directoryFor(path: RelPath): Promise<Directory> {
    return await this.#cursor.at(parentOf(path)!);
  }

  /**
   * Builds the new directory of change number `i` to the end: empty directories,
   * links, and the mode and mtime of all but the directory itself, which must be
   * writable to be moved. What fails is added to the problems; of a file that
   * did not come to its end nothing stays, or it would be moved with the rest.
   * @throws {FileSystemError} If that can't be removed.
   */
  async complete(i: number): Promise<void> {
    const { path, new: entry } = this.#changes[i]!;
    if (entry?.kind !== "directory") return;
    this.reportMissing(i);
    for (const { parent, name } of this.#files.failedOf(i)) {
      await removeTree(await this.#cursor.at(parent), name);
    }
    const parent = await this.directoryFor(path);
    await this.#build(parent, path, entry, true);
  }

  /** Puts a link into the staging area. @throws {FileSystemError} */
  async putSymlink(path: RelPath, entry: SymlinkEntry): Promise<void> {
    const directory = await this.directoryFor(path);
    await putSymlink(directory, nameOf(path), entry);
  }

  /** Closes what is open; the staging area itself stays. */
  close(): void {
    this.#current?.file.close();
    this.#current = undefined;
    this.#cursor.close();
  }

  #wants(): Want[] {
    const wants: Want[] = [];
    let run: { first: number; count: number; resume: undefined } | undefined;
    for (let index = 0; index < this.#files.count; index++) {
      const resume = this.#resumes.get(index);
      if (this.#files.isStaged(index) || resume !== undefined) {
        run = undefined;
        if (resume !== undefined) {
          wants.push({ first: index, count: 1, resume });
        }
      } else if (run === undefined) {
        run = { first: index, count: 1, resume: undefined };
        wants.push(run);
      } else run.count++;
    }
    return wants;
  }

  /** Checks that `piece` is the one whose turn it is. */
  #check(
    piece: Exclude<Piece, { kind: "unavailable" }>,
    entry: FileEntry,
  ): void {
    const length = piece.kind === "data" ? piece.bytes.length : piece.length;
    const end = piece.offset + length;
    const current = this.#current;
    let fault: string | undefined;
    if (current !== undefined && current.index !== piece.index) {
      fault = `file ${current.index} has not ended`;
    } else if (current !== undefined && current.length !== piece.offset) {
      fault = `${current.length} bytes are here`;
    } else if (
      current === undefined && piece.offset !== 0 &&
      piece.offset !== this.#resumes.get(piece.index)?.offset
    ) {
      fault = "nothing is here";
    } else if (end > entry.size || piece.last !== (end === entry.size)) {
      fault = `the file has ${entry.size} bytes`;
    }
    if (fault === undefined) return;
    throw new ProtocolError(
      `Content for file ${piece.index} is out of order: bytes ${piece.offset} to ${end} came, but ${fault}`,
    );
  }

  async #putSmall(
    index: number,
    { parent, name, entry }: Destination,
    bytes: Uint8Array,
  ): Promise<void> {
    const directory = await this.#cursor.at(parent);
    try {
      await directory.createFile(name, bytes, entry);
    } catch (error) {
      if (!isFileSystemError(error, "exists")) throw error;
      await removeTree(directory, name);
      await directory.createFile(name, bytes, entry);
    }
    this.#files.setStaged(index);
  }

  async #putPart(
    piece: Exclude<Piece, { kind: "unavailable" }>,
    destination: Destination,
  ): Promise<void> {
    const { index, offset } = piece;
    this.#current ??= await this.#openFile(index, destination, offset);
    const current = this.#current;
    if (piece.kind === "data") {
      await current.file.write(piece.bytes, offset);
      current.length += piece.bytes.length;
    } else {
      current.length += piece.length;
    }
    if (!piece.last) return;
    const { entry } = destination;
    // Lengthens the file where it ends in a hole.
    if (piece.kind === "hole") await current.file.truncate(entry.size);
    await current.file.setMetadata(entry);
    this.#closeCurrent(index);
    this.#files.setStaged(index);
  }

  async #openFile(
    index: number,
    { parent, name }: Destination,
    offset: number,
  ): Promise<OpenFile> {
    const directory = await this.#cursor.at(parent);
    const file = await directory.openWritable(name);
    try {
      await file.truncate(offset);
    } catch (error) {
      file.close();
      throw error;
    }
    return { index, file, length: offset };
  }

  #closeCurrent(index: number): void {
    if (this.#current?.index !== index) return;
    this.#current.file.close();
    this.#current = undefined;
  }

  async #giveUp(
    index: number,
    { parent, name }: Destination,
    error: Error,
  ): Promise<void> {
    this.#closeCurrent(index);
    this.#files.fail(index, "failed", messageOf(error));
    try {
      await removeTree(await this.#cursor.at(parent), name);
    } catch (later) {
      // What made the file fail may well prevent this too; it was reported.
      if (!isFileSystemError(later)) throw later;
    }
  }

  async #build(
    parent: Directory,
    path: RelPath,
    entry: DirectoryEntry,
    isTop: boolean,
  ): Promise<void> {
    const directory = await openOrCreate(parent, nameOf(path));
    try {
      for (const [name, child] of entry.children) {
        const childPath = join(path, name);
        try {
          if (child.kind === "symlink") {
            await putSymlink(directory, name, child);
          } else if (child.kind === "directory") {
            await this.#build(directory, childPath, child, false);
          }
        } catch (error) {
          if (!isFileSystemError(error)) throw error;
          this.#files.report({
            path: childPath,
            code: "failed",
            message: messageOf(error),
          });
        }
      }
      if (!isTop) await directory.setOwnMetadata(entry);
    } finally {
      directory.close();
    }
    const pause = this.#pacer.turn();
    if (pause !== undefined) await pause;
  }
}

async function putSymlink(
  directory: Directory,
  name: Name,
  entry: SymlinkEntry,
): Promise<void> {
  await removeTree(directory, name);
  const { target, mtime, owner } = entry;
  await directory.createSymlink(name, target, mtime, owner);
}
