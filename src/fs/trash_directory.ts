/** A trash in a directory; how it is laid out is said in `trash_folder.ts`. */
import { countEntries } from "../core/change.ts";
import type { TrackedEntry } from "../core/entry.ts";
import { type Name, nameOf, parentOf, type RelPath } from "../core/path.ts";
import { isFileSystemError } from "../errors.ts";
import { DirectoryCursor } from "./directory_cursor.ts";
import type { Directory, FileSystem } from "./file_system.ts";
import { openOrCreate, removeIfEmpty } from "./own_entries.ts";
import { flushWay, relocate } from "./relocate.ts";
import type { Trash } from "./trash.ts";
import {
  createTrashFolder,
  INCOMING_NAME,
  pruneWay,
  removeEmptyFolder,
  type TrashFolder,
} from "./trash_folder.ts";
import type { Stamp } from "./trash_stamp.ts";

/** How a {@link TrashDirectory} is opened. */
export interface TrashDirectoryOptions {
  /** Path of the directory whose entries it takes, as `origin.json` shall say. */
  readonly root: string;
  /** The time of day. */
  readonly now: () => Date;
  /**
   * Whether a copy survives a loss of power before its original goes; true
   * unless said.
   */
  readonly durable?: boolean;
}

/**
 * Takes entries into a directory: those of one transition into one folder, which
 * is made for the first of them. Its owner closes it.
 */
export class TrashDirectory implements Trash, Disposable {
  readonly #directory: Directory;
  readonly #options: TrashDirectoryOptions;
  #folder: Folder | undefined;
  #taken = 0;

  private constructor(directory: Directory, options: TrashDirectoryOptions) {
    this.#directory = directory;
    this.#options = options;
  }

  /**
   * Opens the directory `path`, which is made with its parents where missing.
   * @throws {FileSystemError} `not-a-directory`, `denied` …
   */
  static async open(
    fileSystem: FileSystem,
    path: string,
    options: TrashDirectoryOptions,
  ): Promise<TrashDirectory> {
    const directory = await fileSystem.openRoot(path, { create: true });
    return new TrashDirectory(directory, options);
  }

  /** How many entries it took since it was opened, with all that was in them. */
  get taken(): number {
    return this.#taken;
  }

  begin(): void {
    this.#folder?.close();
    this.#folder = undefined;
  }

  async take(
    from: Directory,
    name: Name,
    path: RelPath,
    entry?: TrackedEntry,
  ): Promise<void> {
    const item: Item = { from, name, path, entry };
    try {
      await this.#put(item);
    } catch (error) {
      if (!isPlaceTaken(error)) throw error;
      // Nothing in the trash is ever replaced: it gets a folder of its own.
      await this.#put(item);
    }
    this.#taken += Math.max(1, countEntries(entry));
  }

  /** Gives the directory up; what is in it stays. */
  close(): void {
    this.begin();
    this.#directory.close();
  }

  /** As {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  async #put(item: Item): Promise<void> {
    const { root, now, durable = true } = this.#options;
    this.#folder ??= new Folder(
      await createTrashFolder(this.#directory, { root, time: now() }, {
        durable,
      }),
      durable,
    );
    const { stamp } = this.#folder;
    try {
      await this.#folder.put(item);
    } catch (error) {
      await this.#folder.prune(item.path);
      this.begin();
      await removeEmptyFolder(this.#directory, stamp).catch(ignoreFailure);
      throw error;
    }
  }
}

/** What is to be taken, see {@link Trash.take}. */
interface Item {
  readonly from: Directory;
  readonly name: Name;
  readonly path: RelPath;
  readonly entry: TrackedEntry | undefined;
}

/** The folder that entries are put into. */
class Folder {
  readonly stamp: Stamp;
  readonly #directory: Directory;
  readonly #files: Directory;
  readonly #cursor: DirectoryCursor;
  readonly #durable: boolean;

  /** Takes `folder` over. */
  constructor({ stamp, directory, files }: TrashFolder, durable: boolean) {
    this.stamp = stamp;
    this.#directory = directory;
    this.#files = files;
    this.#cursor = new DirectoryCursor(files, { create: true });
    this.#durable = durable;
  }

  async put({ from, name, path, entry }: Item): Promise<void> {
    const parent = await this.#cursor.at(parentOf(path)!);
    const place = { directory: parent, name: nameOf(path) };
    let incoming: Directory | undefined;
    try {
      await relocate({ directory: from, name }, place, {
        workshop: async () => {
          if (this.#durable) await flushWay(this.#files, parentOf(path)!);
          return incoming = await openOrCreate(this.#directory, INCOMING_NAME);
        },
        durable: this.#durable,
      });
    } finally {
      if (incoming !== undefined) {
        incoming.close();
        await removeIfEmpty(this.#directory, INCOMING_NAME).catch(
          ignoreFailure,
        );
      }
    }
    if (entry?.kind === "directory" && (entry.mode & 0o700) !== 0o700) {
      // It is in the trash already: its mode is no reason to say it is not.
      await parent.setMetadata(place.name, entry).catch(ignoreFailure);
    }
  }

  /** Removes what was made on the way to `path` and holds nothing. */
  async prune(path: RelPath): Promise<void> {
    this.#cursor.close();
    await pruneWay(this.#files, path).catch(ignoreFailure);
  }

  close(): void {
    this.#cursor.close();
    this.#files.close();
    this.#directory.close();
  }
}

/**
 * Whether the place of an entry, or of a directory on its way, is not free; or is
 * no longer there, because somebody has emptied the trash.
 */
function isPlaceTaken(error: unknown): boolean {
  return isFileSystemError(error, "exists") ||
    isFileSystemError(error, "not-a-directory") ||
    isFileSystemError(error, "not-found");
}

/** What is left over does no harm. */
function ignoreFailure(error: unknown): void {
  if (!isFileSystemError(error)) throw error;
}
