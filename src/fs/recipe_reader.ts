/** Recipes of the files of a tree: those that are known, or made by reading. */
import type { FileEntry } from "../core/entry.ts";
import type { RelPath } from "../core/path.ts";
import { MAX_CHUNK_BYTES, MAX_RECIPE_CHUNKS } from "../content/limits.ts";
import { type Recipe, RecipeBuilder } from "../content/recipe.ts";
import { isFileSystemError } from "../errors.ts";
import { DirectoryCursor, openFollowing } from "./directory_cursor.ts";
import type { Directory, ReadableFile } from "./file_system.ts";
import { openSeen, settled } from "./open_seen.ts";
import { Pacer } from "./pacer.ts";
import {
  RACY_VERSION_MS,
  type RecipeStore,
  versionOf,
} from "./recipe_store.ts";
import type { SharedReadings } from "./shared_readings.ts";
import { isSameVersion } from "./version.ts";

/** Chunks lie in one read mostly. */
const READ_BYTES = 1024 * 1024;

/** How files are read. */
export interface RecipeReaderOptions {
  /** Whether links were followed by the scan, and so are followed here. */
  readonly follow: boolean;
  /** Where recipes are looked up, and remembered. */
  readonly store: RecipeStore | undefined;
  /** What others of the same tree are reading; undefined: there are no others. */
  readonly readings?: SharedReadings | undefined;
}

/** Gets the bytes of a file as they are read, in order. */
export interface RecipeCopy {
  /** Takes the bytes that stand at `offset`; they are good until it resolves. */
  put(bytes: Uint8Array, offset: number): Promise<void>;
  /** The end: the recipe of what was put; undefined if the file was not read. */
  close(recipe: Recipe | undefined): Promise<void>;
}

interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  readonly copy?: RecipeCopy | undefined;
  /** The recipe of a version that is probably much like it. */
  readonly like?: Recipe | undefined;
}

/** Reads one file at a time, in the order asked for. Its owner closes it. */
export class RecipeReader {
  readonly #options: RecipeReaderOptions;
  readonly #cursor: DirectoryCursor;
  readonly #pacer = new Pacer();
  readonly #stop = new AbortController();
  #last: Promise<unknown> = Promise.resolve();
  #buffers: [Uint8Array, Uint8Array] | undefined;

  constructor(root: Directory, options: RecipeReaderOptions) {
    this.#options = options;
    this.#cursor = new DirectoryCursor(
      root,
      options.follow ? { open: openFollowing } : {},
    );
  }

  /**
   * The recipe of the file at `path` as the scan saw it; undefined where it can't
   * be read any more, or is too long for one.
   * @param openCopy Who gets what is read. The file is read for them if its recipe
   *   is known, too, unless they want nothing.
   */
  async recipeOf(
    path: RelPath,
    entry: FileEntry,
    signal?: AbortSignal,
    openCopy?: () => Promise<RecipeCopy | undefined>,
  ): Promise<Recipe | undefined> {
    const known = this.#known(path, entry);
    if (known !== undefined && openCopy === undefined) return known;
    const read = (): Promise<Recipe | undefined> =>
      this.inTurn(async () => {
        this.#stop.signal.throwIfAborted();
        const copy = await openCopy?.();
        if (known !== undefined && copy === undefined) return known;
        let recipe: Recipe | undefined;
        try {
          recipe = await this.#read(path, entry, known, { signal, copy });
          return recipe;
        } finally {
          await copy?.close(recipe);
        }
      });
    const { readings } = this.#options;
    // What is copied as it is read can't be read by somebody else.
    return openCopy === undefined && readings !== undefined
      ? await readings.once(path, entry, read)
      : await read();
  }

  /** Runs `work` when all that was asked for before is done. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }

  /**
   * The recipe of the first `size` bytes of `file`; undefined if it has fewer.
   * @throws The reason of `signal`; an `AbortError` when this is closed.
   */
  async read(
    file: ReadableFile,
    size: number,
    { signal, copy, like }: ReadOptions = {},
  ): Promise<Recipe | undefined> {
    const builder = new RecipeBuilder(like);
    const buffers = this.#buffers ??= [
      new Uint8Array(READ_BYTES),
      new Uint8Array(READ_BYTES),
    ];
    const readNext = (offset: number): Promise<Uint8Array | undefined> => {
      buffers.reverse();
      const length = Math.min(READ_BYTES, size - offset);
      return heardLater(fill(file, buffers[0].subarray(0, length), offset));
    };
    // What comes next is read, and what came is copied, while it is hashed.
    let next = readNext(0);
    let copied: Promise<void> | undefined;
    try {
      for (let offset = 0; offset < size; offset += READ_BYTES) {
        const bytes = await next;
        if (bytes === undefined) return undefined;
        await copied;
        next = readNext(offset + bytes.length);
        copied = copy && heardLater(copy.put(bytes, offset));
        builder.append(bytes);
        const pause = this.#pacer.turn();
        if (pause !== undefined) await pause;
        signal?.throwIfAborted();
        this.#stop.signal.throwIfAborted();
      }
      await copied;
      return builder.finish();
    } finally {
      // Nobody else may have the buffers before.
      await Promise.allSettled([next, copied]);
    }
  }

  /** Breaks off what is being read, and waits for that. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#last;
    this.#cursor.close();
    this.#buffers = undefined;
  }

  #known(path: RelPath, entry: FileEntry): Recipe | undefined {
    const { store } = this.#options;
    const version = versionOf(entry);
    if (store === undefined || version === undefined) return undefined;
    const recipe = store.recipeOf(path, version) ??
      store.movedFrom(version)?.recipe;
    return recipe?.size === entry.size ? recipe : undefined;
  }

  async #read(
    path: RelPath,
    entry: FileEntry,
    known: Recipe | undefined,
    options: ReadOptions,
  ): Promise<Recipe | undefined> {
    // In the worst case all its chunks are as short as they can be.
    if (entry.size > MAX_RECIPE_CHUNKS * MAX_CHUNK_BYTES) return undefined;
    await settled(entry);
    try {
      const opened = await openSeen(
        this.#cursor,
        path,
        entry,
        this.#options.follow,
      );
      if (opened === undefined) return undefined;
      try {
        const begun = Date.now();
        const like = known ?? this.#options.store?.lastOf(path);
        const recipe = await this.read(opened.file, entry.size, {
          ...options,
          like,
        });
        if (
          recipe === undefined ||
          !isSameVersion(entry, await opened.file.stat())
        ) return undefined;
        if (known === undefined) this.#remember(path, entry, recipe, begun);
        return recipe;
      } finally {
        opened.close();
      }
    } catch (error) {
      if (isFileSystemError(error) || error instanceof RangeError) {
        return undefined;
      }
      throw error;
    }
  }

  /** What was written just before it was read may have been written to since. */
  #remember(
    path: RelPath,
    entry: FileEntry,
    recipe: Recipe,
    begun: number,
  ): void {
    const version = versionOf(entry);
    if (version === undefined) return;
    const age = begun - Math.max(version.mtime, version.ctime);
    if (age < RACY_VERSION_MS) return;
    this.#options.store?.remember(path, version, recipe);
  }
}

/** `into`, filled with what `file` has at `offset`; undefined if that is less. */
async function fill(
  file: ReadableFile,
  into: Uint8Array,
  offset: number,
): Promise<Uint8Array | undefined> {
  for (let length = 0; length < into.length;) {
    const count = await file.read(into.subarray(length), offset + length);
    if (count === 0) return undefined;
    length += count;
  }
  return into;
}

/** `work`, which is awaited later, and must not fail unheard until then. */
function heardLater<T>(work: Promise<T>): Promise<T> {
  work.catch(() => {});
  return work;
}
