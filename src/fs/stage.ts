/**
 * Received content, until it is put in place. What is meant for `a/b.txt` is
 * received as `stage/a/b.txt` in the staging area and gets its mode and mtime as
 * the last thing. What a broken-off run left behind is taken over by the next one
 * when the source has proven it by its digest: right sizes and times alone are
 * also what a loss of power leaves of a file without its content. A directory that
 * is new as a whole is built here and needs a single rename in the end.
 */
import type { Change } from "../core/change.ts";
import type { FileEntry, SymlinkEntry } from "../core/entry.ts";
import {
  displayPath,
  type Name,
  nameOf,
  parentOf,
  type RelPath,
} from "../core/path.ts";
import {
  type ContentBatch,
  type ContentPiece,
  lengthOf,
  type Want,
} from "../core/piece.ts";
import type { Problem } from "../core/problem.ts";
import { WantRuns } from "../core/want_runs.ts";
import {
  IntegrityError,
  isFileSystemError,
  messageOf,
  ProtocolError,
  StaleError,
} from "../errors.ts";
import { Assembly, type AssemblyPlan } from "./assembly.ts";
import { BegunFiles } from "./begun_files.ts";
import { buildDirectory, putSymlink } from "./build_directory.ts";
import { DirectoryCursor } from "./directory_cursor.ts";
import { unfinishedLength } from "./draft.ts";
import type { Directory, WritableFile } from "./file_system.ts";
import type { LocalCopies } from "./local_copies.ts";
import { OpenBases } from "./open_bases.ts";
import { removeTree } from "./own_entries.ts";
import { Pacer } from "./pacer.ts";
import { type Destination, PlannedFiles } from "./planned_files.ts";
import { versionOf } from "./recipe_store.ts";
import type { Reuse } from "./reuse.ts";
import type { StagingArea } from "./staging_area.ts";

/** A large file of which not all has come yet. */
interface OpenFile {
  readonly index: number;
  readonly file: WritableFile;
  /** Bytes received so far, holes included; for what is assembled not counted. */
  length: number;
  /** There where the file is made of others. */
  readonly assembled:
    | { readonly assembly: Assembly; readonly bases: OpenBases }
    | undefined;
}

/** What is made of other files; see {@link Reuse}. */
export interface StageOptions {
  /** The root of the tree that they are in. */
  readonly root: Directory;
  readonly reuse: Reuse;
}

/** The content that one list of changes needs. */
export class Stage {
  readonly #area: StagingArea;
  readonly #changes: readonly Change[];
  readonly #cursor: DirectoryCursor;
  readonly #pacer = new Pacer();
  readonly #files: PlannedFiles;
  readonly #begun: BegunFiles;
  readonly #reuse: Reuse | undefined;
  /** Goes to the files that others are made of. */
  readonly #bases: DirectoryCursor | undefined;
  #current: OpenFile | undefined;

  /** @param options Without them, nothing is made of other files. */
  constructor(
    area: StagingArea,
    changes: readonly Change[],
    options?: StageOptions,
  ) {
    this.#area = area;
    this.#changes = changes;
    this.#cursor = new DirectoryCursor(area.stage, { create: true });
    this.#files = new PlannedFiles(changes);
    this.#begun = new BegunFiles(area.stage, this.#files);
    this.#reuse = options?.reuse;
    this.#bases = options && new DirectoryCursor(options.root);
  }

  /** What could not be had or stored, so far. */
  get problems(): readonly Problem[] {
    return this.#files.problems;
  }

  /**
   * Looks what an earlier run left, removes what is of no use, and answers what
   * is lacking. To be called once, before content comes.
   * @param copies What the tree has at other paths.
   */
  async prepare(
    signal?: AbortSignal,
    copies?: LocalCopies,
  ): Promise<readonly Want[]> {
    if (!this.#area.isFresh) {
      await this.#begun.takeOver(
        this.#changes,
        (index) => this.#reuse?.has(index) ?? false,
        signal,
      );
    }
    if (copies !== undefined) await this.#copy(copies, signal);
    const wants = this.#wants();
    this.#reuse?.begin(this.#begun);
    return wants;
  }

  /**
   * Stores the pieces of `batch`. What can't be stored becomes a problem of its path.
   * @throws {ProtocolError} If a piece is not one that was asked for, in its turn.
   */
  async accept(batch: ContentBatch): Promise<void> {
    await this.#reuse?.settle();
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
        const plan = this.#reuse?.planOf(index);
        if (plan !== undefined) await this.#assemble(plan, piece, file);
        else if (piece.kind === "data" && piece.offset === 0 && piece.last) {
          await this.#putSmall(index, file, piece.bytes);
        } else await this.#putPart(piece, file);
      } catch (error) {
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
   * Builds the new directory of change number `i` to the end, see
   * {@link buildDirectory}. What fails is added to the problems; of a file that
   * did not come to its end nothing stays, or it would be moved with the rest.
   * @throws {FileSystemError} If that can't be removed, or the directory can't be made.
   */
  async complete(i: number): Promise<void> {
    const { path, new: entry } = this.#changes[i]!;
    if (entry?.kind !== "directory") return;
    this.reportMissing(i);
    for (const { parent, name } of this.#files.failedOf(i)) {
      await removeTree(await this.#cursor.at(parent), name);
    }
    const parent = await this.directoryFor(path);
    await buildDirectory(parent, path, entry, {
      report: (problem) => this.#files.report(problem),
      pacer: this.#pacer,
    });
  }

  /** Puts a link into the staging area. @throws {FileSystemError} */
  async putSymlink(path: RelPath, entry: SymlinkEntry): Promise<void> {
    const directory = await this.directoryFor(path);
    await putSymlink(directory, nameOf(path), entry);
  }

  /** Closes what is open; the staging area itself stays. */
  close(): void {
    this.#closeCurrent();
    this.#cursor.close();
    this.#bases?.close();
  }

  /** Stages what the tree has at other paths, unless it is begun already. */
  async #copy(copies: LocalCopies, signal?: AbortSignal): Promise<void> {
    for (const index of copies.numbers()) {
      if (this.#files.isStaged(index) || this.#begun.has(index)) continue;
      const destination = this.#files.at(index)!;
      const directory = await this.#cursor.at(destination.parent);
      if (await copies.make(index, directory, destination, signal)) {
        this.#files.setStaged(index);
      }
      const pause = this.#pacer.turn();
      if (pause !== undefined) await pause;
    }
  }

  #wants(): readonly Want[] {
    const runs = new WantRuns();
    for (let index = 0; index < this.#files.count; index++) {
      const resume = this.#begun.resumeOf(index);
      if (this.#files.isStaged(index) || resume !== undefined) {
        this.#reuse?.drop(index);
        if (resume !== undefined) runs.addRest(index, resume);
        continue;
      }
      runs.add(index, this.#reuse?.has(index) === true);
    }
    return runs.wants;
  }

  /** Checks that `piece` is the one whose turn it is. */
  #check(piece: ContentPiece, entry: FileEntry): void {
    const end = piece.offset + lengthOf(piece);
    const current = this.#current;
    const isAssembled = this.#reuse?.planOf(piece.index) !== undefined;
    let fault: string | undefined;
    if (current !== undefined && current.index !== piece.index) {
      fault = `file ${current.index} has not ended`;
    } else if (isAssembled) {
      // What fits its gaps is known to the one who fills them.
      if (end > entry.size) fault = `the file has ${entry.size} bytes`;
    } else if (piece.kind === "delta") {
      fault = "it is not made of others";
    } else if (current !== undefined && current.length !== piece.offset) {
      fault = `${current.length} bytes are here`;
    } else if (
      current === undefined && piece.offset !== 0 &&
      piece.offset !== this.#begun.resumeOf(piece.index)?.offset
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

  /** Goes on with a file that is made of others. */
  async #assemble(
    plan: AssemblyPlan,
    piece: ContentPiece,
    destination: Destination,
  ): Promise<void> {
    const { index } = piece;
    const isNew = this.#current === undefined;
    const current = this.#current ??= await this.#openAssembly(
      index,
      plan,
      destination,
    );
    const { assembly } = current.assembled!;
    if (isNew) await assembly.moveInPlace();
    await assembly.put(piece);
    if (!piece.last) return;
    await current.file.setMetadata(destination.entry);
    this.#reuse!.made(index, versionOf(await current.file.stat())!);
    this.#closeCurrent(index);
    this.#files.setStaged(index);
  }

  async #openAssembly(
    index: number,
    plan: AssemblyPlan,
    { parent, name, entry }: Destination,
  ): Promise<OpenFile> {
    const directory = await this.#cursor.at(parent);
    const { path } = plan;
    const begun = this.#begun.lengthOf(index, plan.staying !== undefined);
    const length = Math.min(begun ?? 0, entry.size);
    const file = await directory.openWritable(name);
    try {
      if ((await file.stat()).size < length) {
        throw new StaleError(`What was staged of ${displayPath(path)} is gone`);
      }
      await file.truncate(
        begun === undefined ? 0 : unfinishedLength(entry.size),
      );
    } catch (error) {
      file.close();
      throw error;
    }
    const bases = new OpenBases(this.#bases!, plan.bases);
    const breathe = (): Promise<void> | undefined => this.#pacer.turn();
    const assembly = new Assembly(plan, file, length, bases, breathe);
    return { index, file, length: 0, assembled: { assembly, bases } };
  }

  async #putPart(
    piece: ContentPiece,
    destination: Destination,
  ): Promise<void> {
    const { index, offset } = piece;
    this.#current ??= await this.#openFile(index, destination, offset);
    const current = this.#current;
    if (piece.kind === "data") await current.file.write(piece.bytes, offset);
    current.length += lengthOf(piece);
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
    const file = await openTruncated(directory, name, offset);
    return { index, file, length: offset, assembled: undefined };
  }

  /** Closes what is open, if it is file number `index`, or none is named. */
  #closeCurrent(index?: number): void {
    const current = this.#current;
    if (current === undefined || current.index !== (index ?? current.index)) {
      return;
    }
    current.file.close();
    current.assembled?.bases.close();
    this.#current = undefined;
  }

  /** @throws `error`, if it is not one of this file alone. */
  async #giveUp(
    index: number,
    { parent, name }: Destination,
    error: unknown,
  ): Promise<void> {
    const isRecipe = error instanceof IntegrityError ||
      error instanceof StaleError;
    if (!isRecipe && !isFileSystemError(error)) throw error;
    if (isRecipe) {
      const path = this.#reuse!.planOf(index)!.path;
      const usedDelta = this.#current?.assembled?.assembly.usedDelta === true;
      const byDelta = error instanceof IntegrityError && usedDelta;
      this.#reuse!.failed(path, byDelta ? "delta" : "recipe");
    }
    this.#closeCurrent(index);
    this.#files.fail(index, isRecipe ? "stale" : "failed", messageOf(error));
    try {
      await removeTree(await this.#cursor.at(parent), name);
    } catch (later) {
      // What made the file fail may well prevent this too; it was reported.
      if (!isFileSystemError(later)) throw later;
    }
  }
}

async function openTruncated(
  directory: Directory,
  name: Name,
  length: number,
): Promise<WritableFile> {
  const file = await directory.openWritable(name);
  try {
    await file.truncate(length);
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}
