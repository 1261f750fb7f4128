/** Taking over what a run that was broken off has left in the staging area. */
import { type Change, countFiles, needsContent } from "../core/change.ts";
import type { FileEntry, Owner, TrackedEntry } from "../core/entry.ts";
import {
  join,
  type Name,
  nameOf,
  namesOf,
  parentOf,
  type RelPath,
  ROOT,
} from "../core/path.ts";
import type { Want } from "../core/piece.ts";
import { isFileSystemError } from "../errors.ts";
import { digestOfFile } from "./content.ts";
import { DirectoryCursor } from "./directory_cursor.ts";
import type { Directory, ReadableFile, Stat } from "./file_system.ts";
import { makeWritable, removeTree } from "./own_entries.ts";
import { Pacer } from "./pacer.ts";
import type { PlannedFiles } from "./planned_files.ts";

/** Staged parts shorter than this are sent again rather than continued. */
const MIN_RESUME_BYTES = 1024 * 1024;

/** Files of which there is a part, or all of it as it seems, by number. */
export type Resumes = ReadonlyMap<number, NonNullable<Want["resume"]>>;

/** What there is, unproven. */
export interface Parts {
  readonly resumes: Resumes;
  /** How long the others are, which are not continued as they are, by number. */
  readonly lengths: ReadonlyMap<number, number>;
}

/**
 * Looks in `stage` for what `changes` need: marks among `files` what is proven to be
 * there in full, answers what the source has to prove or to complete, and removes
 * what is of no use.
 * @param isDescribed Whether a file is going to be described, so that its part is
 *   compared with that.
 */
export async function takeOver(
  stage: Directory,
  changes: readonly Change[],
  files: PlannedFiles,
  isDescribed: (index: number) => boolean,
  signal?: AbortSignal,
): Promise<Parts> {
  const leftovers = new Leftovers(files, isDescribed);
  const cursor = new DirectoryCursor(stage);
  try {
    for (const [i, change] of changes.entries()) {
      signal?.throwIfAborted();
      if (!needsContent(change)) continue;
      const parent = await openStaged(cursor, parentOf(change.path)!);
      if (parent === undefined) continue;
      const name = nameOf(change.path);
      await leftovers.takeOver(parent, name, change.new, files.firstOf(i));
    }
  } finally {
    cursor.close();
  }
  return leftovers;
}

/**
 * Removes all from the staged `directory` but files that may be continued, and the
 * directories on the way to them.
 * @returns Whether there are any.
 */
export async function keepParts(
  directory: Directory,
  pacer = new Pacer(),
): Promise<boolean> {
  let hasParts = false;
  for (const { name } of (await directory.list()).entries) {
    const pause = pacer.turn();
    if (pause !== undefined) await pause;
    const stat = await directory.lookup(name);
    if (stat?.kind === "file" && isPart(stat)) hasParts = true;
    else if (stat?.kind === "directory" && await keepIn(name, stat)) {
      hasParts = true;
    } else await removeTree(directory, name);
  }
  return hasParts;

  async function keepIn(name: Name, { mode }: Stat): Promise<boolean> {
    const child = await directory.openDirectory(name);
    try {
      await makeWritable(child, mode);
      return await keepParts(child, pacer);
    } finally {
      child.close();
    }
  }
}

/** What has a second name is in its place in the tree already. */
function isPart({ size, links }: Stat): boolean {
  return size >= MIN_RESUME_BYTES && links === 1;
}

class Leftovers implements Parts {
  readonly resumes = new Map<number, NonNullable<Want["resume"]>>();
  readonly lengths = new Map<number, number>();
  readonly #files: PlannedFiles;
  readonly #isDescribed: (index: number) => boolean;
  readonly #pacer = new Pacer();
  readonly #breathe = (): Promise<void> | undefined => this.#pacer.turn();

  constructor(files: PlannedFiles, isDescribed: (index: number) => boolean) {
    this.#files = files;
    this.#isDescribed = isDescribed;
  }

  /** Takes over what lies staged as `name`; files are numbered from `index`. */
  async takeOver(
    parent: Directory,
    name: Name,
    entry: TrackedEntry,
    index: number,
  ): Promise<void> {
    const stat = await parent.lookup(name);
    if (stat === undefined) return;
    if (stat.kind !== entry.kind) {
      await removeTree(parent, name);
    } else if (entry.kind === "file") {
      await this.#takeOverFile(parent, name, entry, stat, index);
    } else if (entry.kind === "directory") {
      const directory = await parent.openDirectory(name);
      try {
        await makeWritable(directory, stat.mode);
        for (const listed of (await directory.list()).entries) {
          if (!entry.children.has(listed.name)) {
            await removeTree(directory, listed.name);
          }
        }
        for (const [childName, child] of entry.children) {
          await this.takeOver(
            directory,
            childName,
            child as TrackedEntry,
            index,
          );
          index += countFiles(child);
        }
      } finally {
        directory.close();
      }
    }
    const pause = this.#pacer.turn();
    if (pause !== undefined) await pause;
  }

  async #takeOverFile(
    parent: Directory,
    name: Name,
    entry: FileEntry,
    stat: Stat,
    index: number,
  ): Promise<void> {
    if (stat.links > 1) {
      // The run was killed while it gave the file its place in the tree, which
      // has it already: to go on writing here would be to write there.
      await parent.removeFile(name);
      return;
    }
    const isComplete = stat.size === entry.size && stat.mtime === entry.mtime &&
      stat.mode === entry.mode && hasOwner(stat, entry.owner);
    const length = Math.min(stat.size, entry.size);
    // Size and times may be right after a loss of power, and the content is not:
    // whatever holds something is proven by its digest.
    if (isComplete && entry.size === 0) {
      this.#files.setStaged(index);
      return;
    }
    if (!isComplete && length < MIN_RESUME_BYTES) {
      await parent.removeFile(name);
      return;
    }
    if (!isComplete && this.#isDescribed(index)) {
      this.lengths.set(index, length);
      return;
    }
    let file: ReadableFile | undefined;
    try {
      file = await parent.openFile(name);
      const read = await digestOfFile(file, length, this.#breathe);
      if (isComplete && read.digest === entry.digest) {
        this.#files.setStaged(index);
      } else if (this.#isDescribed(index)) {
        this.lengths.set(index, length);
      } else {
        this.resumes.set(index, { offset: read.length, digest: read.digest });
      }
    } catch (error) {
      if (!isFileSystemError(error)) throw error;
      // What can't be read is of no use: it comes once more.
      await removeTree(parent, name);
    } finally {
      file?.close();
    }
  }
}

function hasOwner(stat: Stat, owner: Owner | undefined): boolean {
  return owner === undefined ||
    stat.uid === owner.uid && stat.gid === owner.gid;
}

/** Opens a staged directory, if it is there; anything else in its way is removed. */
async function openStaged(
  cursor: DirectoryCursor,
  path: RelPath,
): Promise<Directory | undefined> {
  try {
    return await cursor.at(path);
  } catch (error) {
    if (isFileSystemError(error, "not-found")) return undefined;
    if (!isFileSystemError(error, "not-a-directory")) throw error;
  }
  let way = ROOT;
  for (const name of namesOf(path)) {
    const parent = await cursor.at(way);
    if ((await parent.lookup(name))?.kind !== "directory") {
      await removeTree(parent, name);
      break;
    }
    way = join(way, name);
  }
  return undefined;
}
