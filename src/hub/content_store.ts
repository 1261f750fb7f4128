/**
 * The content of files: cut into chunks, see `chunk_store.ts`. Content is written
 * to the packs as it comes; the index of what is where is part of the transaction
 * that makes it belong to a file. What is in use is never collected.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { ID_BYTES, offsetsOf, type Recipe } from "../content/recipe.ts";
import type { Digest } from "../core/entry.ts";
import { nextTurn } from "../core/turn.ts";
import { FileSystemError, IntegrityError } from "../errors.ts";
import type { ChunkSpace } from "./chunk_space.ts";
import { ChunkStore } from "./chunk_store.ts";
import { ChunkedWriter } from "./content_writer.ts";
import { guardDatabase } from "./database.ts";
import { Pins } from "./pins.ts";
import { decodeRecipe, encodeRecipe } from "./recipe_blob.ts";
import { KnownRecipeWriter } from "./recipe_writer.ts";
import type {
  ContentReader,
  ContentWriter,
  RecipeWriter,
  StoredContent,
} from "./store.ts";
import { chunkAt, StoredReader } from "./stored_reader.ts";

/** Chunks that are looked up before others have their turn. */
const LOOKUPS_PER_TURN = 1_000;

/** Content that no transaction knows of yet. */
interface Unsaved {
  readonly size: number;
  readonly recipe: Recipe;
  /** Gives up its chunks, and those of what it stands in for. */
  readonly release: () => void;
}

/** The content of one store. */
export class ContentStore {
  readonly chunkStore: ChunkStore;
  readonly #findContent: StatementSync;
  readonly #findSize: StatementSync;
  readonly #insertContent: StatementSync;
  readonly #replaceContent: StatementSync;
  /** Recipes whose chunks somebody counts on. */
  readonly #recipePins = new Set<{ readonly recipe: Recipe }>();
  readonly #unsaved = new Map<Digest, Unsaved>();
  /** Content that readers and writers count on. */
  readonly contentPins = new Pins();

  constructor(database: DatabaseSync, space: ChunkSpace, now: () => number) {
    this.chunkStore = new ChunkStore(database, space, now);
    this.#findContent = database.prepare(
      // By row, so that the digest comes from the row itself and not from the index.
      "SELECT digest, size, recipe FROM contents WHERE rowid = " +
        "(SELECT rowid FROM contents WHERE digest = ?)",
    );
    this.#findSize = database.prepare(
      "SELECT size FROM contents WHERE digest = ?",
    );
    this.#insertContent = database.prepare(
      "INSERT INTO contents VALUES (?, ?, ?)",
    );
    this.#replaceContent = database.prepare(
      // Behind all others, where a collection that has begun has yet to look.
      "UPDATE contents SET recipe = ?, rowid = (SELECT max(rowid) + 1 FROM contents) WHERE digest = ?",
    );
  }

  /** Begins to store the content of a file, see `HubStore.write`. */
  write(client: string | undefined): ContentWriter {
    return new ChunkedWriter(this, client);
  }

  /** Begins to store content whose recipe is known, see `HubStore.writeRecipe`. */
  async writeRecipe(recipe: Recipe, client: string): Promise<RecipeWriter> {
    // First of all: what is found to be here must not go meanwhile.
    const pin = { recipe };
    this.#recipePins.add(pin);
    const unpin = (): void => void this.#recipePins.delete(pin);
    try {
      const here = new Uint8Array(recipe.lengths.length);
      for (let first = 0; first < here.length; first += LOOKUPS_PER_TURN) {
        if (first > 0) await nextTurn();
        const end = Math.min(here.length, first + LOOKUPS_PER_TURN);
        guardDatabase("the hub's database", () => {
          for (let i = first; i < end; i++) {
            if (this.chunkStore.isHere(recipe, i, client)) here[i] = 1;
          }
        });
      }
      return new KnownRecipeWriter(this, { recipe, here, client, unpin });
    } catch (error) {
      unpin();
      throw error;
    }
  }

  /** What content is made of; undefined: it is not here. */
  recipe(digest: Digest): Recipe | undefined {
    return this.#recipeOf(digest);
  }

  /** Ids of all chunks that somebody counts on. */
  *pinnedChunks(): Generator<Uint8Array> {
    yield* this.chunkStore.pinned();
    for (const { recipe } of this.#recipePins) yield* idsOf(recipe);
  }

  /** The size of the content with this digest, in bytes, if it is here. */
  sizeOf(digest: Digest): number | undefined {
    return this.#unsaved.get(digest)?.size ??
      this.#findSize.get(bytesOf(digest))?.["size"] as number | undefined;
  }

  /** Keeps content that is here, see `HubStore.hold`. */
  hold(digest: Digest): StoredContent | undefined {
    const size = this.sizeOf(digest);
    if (size === undefined || this.#isDamaged(digest)) return undefined;
    return this.#held(digest, size);
  }

  /** Content, see `HubStore.read`. */
  read(
    digest: Digest,
    range?: { readonly start: number; readonly end: number },
  ): ReadableStream<Uint8Array> {
    const { recipe, start, end } = this.#find(digest, range);
    const parts = this.#parts(recipe, start, end);
    const unpin = this.#pinContent(digest);
    return new ReadableStream<Uint8Array>({
      pull: (controller): void => {
        try {
          const next = parts.next();
          if (!next.done) return controller.enqueue(next.value);
          unpin();
          controller.close();
        } catch (error) {
          unpin();
          throw error;
        }
      },
      cancel: unpin,
    }, { highWaterMark: 1 });
  }

  /** Content for whoever takes it now, see `HubStore.chunks`. */
  chunks(
    digest: Digest,
    range?: { readonly start: number; readonly end: number },
  ): Iterable<Uint8Array> {
    const { recipe, start, end } = this.#find(digest, range);
    return this.#pinned(digest, this.#parts(recipe, start, end));
  }

  /** Content to be read anywhere, see `HubStore.open`. */
  open(digest: Digest): ContentReader | undefined {
    const recipe = this.#recipeOf(digest);
    if (recipe === undefined) return undefined;
    const close = this.#pinContent(digest);
    return new StoredReader(recipe, (id) => this.chunkStore.read(id), close);
  }

  /**
   * Puts what was flushed into the index; within a transaction.
   * @throws {FileSystemError} If a part of it was lost with a flush that failed.
   */
  save(digests: Iterable<Digest>): void {
    const saveChunk = this.chunkStore.save();
    for (const digest of digests) {
      const unsaved = this.#unsaved.get(digest);
      if (unsaved === undefined) continue;
      const key = bytesOf(digest);
      const row = this.#findContent.get(key);
      // An index that names another file is damage that nothing here may spread.
      if (row && hexOf(row["digest"] as Uint8Array) !== digest) continue;
      for (const id of idsOf(unsaved.recipe)) saveChunk(id);
      const recipe = encodeRecipe(unsaved.recipe);
      if (row === undefined) {
        this.#insertContent.run(key, unsaved.size, recipe);
      } else if (!isSameBytes(row["recipe"] as Uint8Array, recipe)) {
        this.#replaceContent.run(recipe, key);
      }
    }
  }

  /**
   * For writers: content is whole, and stays until it is released. Where it was
   * here and is damaged, it is made of what has come from now on.
   */
  keep(
    digest: Digest,
    { size, recipe }: Omit<Unsaved, "release">,
    release: () => void,
  ): StoredContent {
    // It may have been cut otherwise before, and readers may count on that.
    const before = this.hold(digest);
    if (before !== undefined) {
      release();
      return before;
    }
    const releaseOld = this.#keepOld(digest);
    this.#unsaved.set(digest, {
      ...{ size, recipe },
      release: () => {
        release();
        releaseOld();
      },
    });
    return this.#held(digest, size);
  }

  /** Keeps the chunks of what is replaced, for whoever has begun to read it. */
  #keepOld(digest: Digest): () => void {
    const unsaved = this.#unsaved.get(digest);
    if (unsaved !== undefined) return unsaved.release;
    if (!this.contentPins.has(digest)) return () => {};
    const recipe = this.#recipeOf(digest);
    if (recipe === undefined) return () => {};
    const pin = { recipe };
    this.#recipePins.add(pin);
    return () => void this.#recipePins.delete(pin);
  }

  /** Whether a chunk of content that is here is known to be damaged. */
  #isDamaged(digest: Digest): boolean {
    if (!this.chunkStore.hasDamaged) return false;
    try {
      const recipe = this.#recipeOf(digest);
      return recipe !== undefined &&
        idsOf(recipe).some((id) => this.chunkStore.isDamaged(id));
    } catch (error) {
      // Of its chunks nothing is known then; whoever reads it is told.
      if (error instanceof IntegrityError) return false;
      throw error;
    }
  }

  /** Content that stays until it is released, with its chunks. */
  #held(digest: Digest, size: number): StoredContent {
    return { digest, size, release: this.#pinContent(digest) };
  }

  /** Keeps content until the answer is called: the last one gives up what is unsaved. */
  #pinContent(digest: Digest): () => void {
    const unpin = this.contentPins.pin(digest);
    return () => {
      unpin();
      if (this.contentPins.has(digest)) return;
      const unsaved = this.#unsaved.get(digest);
      this.#unsaved.delete(digest);
      unsaved?.release();
    };
  }

  /** @throws {FileSystemError} `not-found` */
  #find(
    digest: Digest,
    range: { readonly start: number; readonly end: number } | undefined,
  ): { readonly recipe: Recipe; readonly start: number; readonly end: number } {
    const recipe = this.#recipeOf(digest);
    if (recipe === undefined) {
      throw new FileSystemError(
        "not-found",
        `There is no content with the digest ${digest}`,
      );
    }
    const { start, end } = range ?? { start: 0, end: recipe.size };
    if (!(start >= 0 && start <= end && end <= recipe.size)) {
      throw new RangeError(`Cannot read ${start} to ${end} of ${recipe.size}`);
    }
    return { recipe, start, end };
  }

  *#pinned(
    digest: Digest,
    parts: Iterable<Uint8Array>,
  ): Generator<Uint8Array> {
    const unpin = this.#pinContent(digest);
    try {
      yield* parts;
    } finally {
      unpin();
    }
  }

  #recipeOf(digest: Digest): Recipe | undefined {
    const unsaved = this.#unsaved.get(digest);
    if (unsaved !== undefined) return unsaved.recipe;
    const row = this.#findContent.get(bytesOf(digest));
    if (row === undefined) return undefined;
    if (hexOf(row["digest"] as Uint8Array) !== digest) {
      throw new IntegrityError(
        "The hub's data is damaged: an index names the content of another file",
      );
    }
    return decodeRecipe(row["recipe"] as Uint8Array, row["size"] as number);
  }

  *#parts(
    recipe: Recipe,
    start: number,
    end: number,
  ): Generator<Uint8Array> {
    const offsets = offsetsOf(recipe);
    let i = chunkAt(offsets, start);
    for (; i < recipe.lengths.length && offsets[i]! < end; i++) {
      const id = recipe.ids.subarray(i * ID_BYTES, (i + 1) * ID_BYTES);
      const bytes = this.chunkStore.read(id);
      const from = Math.max(0, start - offsets[i]!);
      const to = Math.min(bytes.length, end - offsets[i]!);
      yield bytes.subarray(from, to);
    }
  }
}

function* idsOf({ ids }: Recipe): Generator<Uint8Array> {
  for (let at = 0; at < ids.length; at += ID_BYTES) {
    yield ids.subarray(at, at + ID_BYTES);
  }
}

function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.fromHex(hex);
}

function hexOf(bytes: Uint8Array): string {
  return bytes.toHex();
}
