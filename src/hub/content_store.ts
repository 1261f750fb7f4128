/**
 * The content of files: cut into chunks, each kept once. Content is written to
 * the packs as it comes; the index of what is where is part of the transaction
 * that makes it belong to a file. What is in use is never collected.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { ID_BYTES, offsetsOf, type Recipe } from "../content/recipe.ts";
import type { Digest } from "../core/entry.ts";
import { nextTurn } from "../core/turn.ts";
import {
  FileSystemError,
  IntegrityError,
  isFileSystemError,
} from "../errors.ts";
import {
  type ChunkPlace,
  type ChunkSpace,
  lostInFlush,
  RECORD_HEADER_BYTES,
} from "./chunk_space.ts";
import { ChunkedWriter } from "./content_writer.ts";
import { guardDatabase, transact } from "./database.ts";
import { Pins } from "./pins.ts";
import { decodeRecipe, encodeRecipe } from "./recipe_blob.ts";
import { KnownRecipeWriter } from "./recipe_writer.ts";
import { Repairs } from "./repairs.ts";
import type {
  ContentReader,
  ContentWriter,
  RecipeWriter,
  StoredContent,
} from "./store.ts";
import { chunkAt, StoredReader } from "./stored_reader.ts";
import { type PartNumber, UnfinishedTable } from "./unfinished.ts";

/** Chunks that are looked up before others have their turn. */
const LOOKUPS_PER_TURN = 1_000;

/** Content that no transaction knows of yet. */
interface Unsaved {
  readonly size: number;
  readonly recipe: Recipe;
}

/** Where a chunk lies that no index knows of yet. */
interface PendingChunk extends ChunkPlace {
  /** Who has brought it; undefined: nobody who would go on with it later. */
  readonly client: string | undefined;
}

/** The content of one store. */
export class ContentStore {
  readonly space: ChunkSpace;
  readonly #findChunk: StatementSync;
  readonly #findContent: StatementSync;
  readonly #findSize: StatementSync;
  readonly #insertChunk: StatementSync;
  readonly #insertContent: StatementSync;
  readonly #notePack: StatementSync;
  readonly #database: DatabaseSync;
  /** Chunks of content that has not come to its end. */
  readonly unfinished: UnfinishedTable;
  /** Chunks, by id, that were written and are in no index yet. */
  readonly #pending = new Map<string, PendingChunk>();
  readonly #repairs: Repairs;
  /** Recipes whose chunks somebody counts on. */
  readonly #recipePins = new Set<{ readonly recipe: Recipe }>();
  readonly #unsaved = new Map<Digest, Unsaved>();
  /** Sizes of packs that were flushed and are in no index yet. */
  readonly #flushed = new Map<number, number>();
  readonly #sizeOfPack: StatementSync;
  /** One after the other: flushes, and giving back room. */
  #working: Promise<unknown> = Promise.resolve();
  /** Whether the disk was full, and something may still be given back. */
  #wasFull = false;
  #isGivingBack = false;
  /** Packs that are gone: their numbers are not used again. */
  readonly #dropped = new Set<number>();
  /** Chunks that writers count on. */
  readonly chunkPins = new Pins();
  /** Content that readers and writers count on. */
  readonly contentPins = new Pins();
  /** Where the collector has written chunks anew: but for those that were lost. */
  readonly copies = new Set<ChunkPlace>();

  constructor(database: DatabaseSync, space: ChunkSpace, now: () => number) {
    this.space = space;
    this.#database = database;
    this.unfinished = new UnfinishedTable(database, now);
    this.#repairs = new Repairs(database);
    this.#findChunk = database.prepare(
      "SELECT pack, offset, length, part FROM chunks WHERE id = ?",
    );
    this.#findContent = database.prepare(
      // By row, so that the digest comes from the row itself and not from the index.
      "SELECT digest, size, recipe FROM contents WHERE rowid = " +
        "(SELECT rowid FROM contents WHERE digest = ?)",
    );
    this.#findSize = database.prepare(
      "SELECT size FROM contents WHERE digest = ?",
    );
    this.#insertChunk = database.prepare(
      "INSERT OR IGNORE INTO chunks VALUES (?, ?, ?, ?, ?)",
    );
    this.#insertContent = database.prepare(
      "INSERT INTO contents VALUES (?, ?, ?)",
    );
    this.#sizeOfPack = database.prepare(
      "SELECT size FROM packs WHERE number = ?",
    );
    this.#notePack = database.prepare(
      "INSERT INTO packs VALUES (?, ?) ON CONFLICT DO UPDATE SET size = max(size, excluded.size)",
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
            if (this.#isHere(recipe, i, client)) here[i] = 1;
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
    for (const id of this.chunkPins.names()) yield bytesOf(id);
    for (const { recipe } of this.#recipePins) yield* idsOf(recipe);
  }

  /** Keeps what `client` has brought so far, see `HubStore.keepUnfinished`. */
  async keepUnfinished(client: string): Promise<void> {
    const chunks = [...this.#pending].filter(([, it]) => it.client === client);
    if (chunks.length === 0) return;
    // What is written from here on may not be flushed.
    await this.flush();
    try {
      transact(this.#database, () => {
        this.save([]);
        const part = this.unfinished.begin(client);
        for (const [id, place] of chunks) {
          // It may have been given up meanwhile, and with it what it lay in.
          if (this.#pending.get(id) !== place) continue;
          const { pack, offset, length } = place;
          this.#insertChunk.run(bytesOf(id), pack, offset, length, part);
        }
      });
    } catch (error) {
      this.noteFull(error);
      throw error;
    }
    this.saved();
    for (const [id, place] of chunks) {
      if (this.#pending.get(id) === place) this.#pending.delete(id);
    }
  }

  /** The size of the content with this digest, in bytes, if it is here. */
  sizeOf(digest: Digest): number | undefined {
    return this.#unsaved.get(digest)?.size ??
      this.#findSize.get(bytesOf(digest))?.["size"] as number | undefined;
  }

  /** Keeps content that is here, see `HubStore.hold`. */
  hold(digest: Digest): StoredContent | undefined {
    const unsaved = this.#unsaved.get(digest);
    if (unsaved !== undefined) {
      // Whoever has written it may give it up before this one has saved it.
      const chunks = Array.from(
        idsOf(unsaved.recipe),
        (id) => this.#pinChunk(hexOf(id)),
      );
      return this.#held(digest, unsaved.size, () => {
        for (const release of chunks) release();
      });
    }
    const size = this.sizeOf(digest);
    return size === undefined ? undefined : this.#held(digest, size, () => {});
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
    return new StoredReader(recipe, (id) => this.readChunk(id), close);
  }

  /**
   * Makes all that was written so far durable; before {@link save}.
   * @throws {FileSystemError} Then what was written and not flushed is gone, and
   *   content of which that is a part can't be saved.
   */
  flush(): Promise<void> {
    return this.#inTurn(() => this.#repairs.flush(() => this.#flush()));
  }

  async #flush(): Promise<void> {
    try {
      for (const [pack, size] of await this.space.flush()) {
        this.#flushed.set(pack, Math.max(size, this.#flushed.get(pack) ?? 0));
      }
    } catch (error) {
      const isLost = (place: ChunkPlace): boolean => !this.space.holds(place);
      for (const [id, place] of this.#pending) {
        if (isLost(place)) this.#pending.delete(id);
      }
      for (const place of this.copies) {
        if (isLost(place)) this.copies.delete(place);
      }
      this.#repairs.forget(isLost);
      this.noteFull(error);
      throw error;
    }
  }

  /**
   * If `error` says that the disk is full: from now on what was written for
   * nothing is given back as soon as nobody needs it, since the room it takes
   * may be all that others lack.
   */
  noteFull(error: unknown): void {
    if (isFileSystemError(error, "no-space")) this.#wasFull = true;
  }

  /**
   * Puts what was flushed into the index; within a transaction.
   * @throws {FileSystemError} If a part of it was lost with a flush that failed.
   */
  save(digests: Iterable<Digest>): void {
    for (const [pack, size] of this.#flushed) {
      // A row for a pack that is gone would be taken for damage.
      if (!this.#dropped.has(pack)) this.#notePack.run(pack, size);
    }
    this.#repairs.save();
    const hasUnfinished = this.unfinished.hasAny();
    for (const digest of digests) {
      const unsaved = this.#unsaved.get(digest);
      const key = bytesOf(digest);
      if (unsaved === undefined || this.#findSize.get(key)) continue;
      for (const id of idsOf(unsaved.recipe)) {
        if (hasUnfinished) this.unfinished.adopt(id);
        const place = this.#pending.get(hexOf(id));
        if (place !== undefined) {
          const { pack, offset, length } = place;
          this.#insertChunk.run(id, pack, offset, length, null);
        } else if (this.#findChunk.get(id) === undefined) throw lostInFlush();
      }
      this.#insertContent.run(key, unsaved.size, encodeRecipe(unsaved.recipe));
    }
  }

  /** The transaction of {@link save} went well. */
  saved(): void {
    this.#flushed.clear();
    this.#repairs.saved();
  }

  /** Removes a pack that no row names any more. */
  drop(pack: number): void {
    this.#dropped.add(pack);
    this.space.remove(pack);
  }

  /** Whether chunks are in this pack that no index knows of. */
  hasPending(pack: number): boolean {
    for (const places of [this.#pending.values(), this.#repairs.places()]) {
      for (const place of places) if (place.pack === pack) return true;
    }
    return false;
  }

  /** For the collector: writes a chunk anew, which counts among the {@link copies}. */
  copy(id: Uint8Array, from: ChunkPlace): ChunkPlace {
    try {
      const to = this.space.append(id, this.space.read(id, from));
      this.copies.add(to);
      return to;
    } catch (error) {
      this.noteFull(error);
      throw error;
    }
  }

  /** The collector has put its copies into the index, or has given them up. */
  endCopies(): void {
    this.copies.clear();
    if (this.#wasFull) this.#giveBackSoon();
  }

  /** For writers: makes sure that a chunk is there, and stays. */
  put(id: string, bytes: Uint8Array, client: string | undefined): () => void {
    const release = this.#pinChunk(id);
    try {
      if (this.#pending.has(id)) return release;
      const key = bytesOf(id);
      if (this.#findChunk.get(key) === undefined) {
        this.#pending.set(id, { ...this.space.append(key, bytes), client });
      } else if (this.#repairs.isWanted(id)) {
        this.#repairs.put(id, this.space.append(key, bytes));
      }
    } catch (error) {
      release();
      this.noteFull(error);
      throw error;
    }
    return release;
  }

  /** Does one thing after the other. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#working.then(work);
    this.#working = done.catch(() => {});
    return done;
  }

  /** All that is released in one go is given back together. */
  #giveBackSoon(): void {
    if (this.#isGivingBack) return;
    this.#isGivingBack = true;
    this.#inTurn(() => {
      this.#isGivingBack = false;
      this.#giveBack();
      return Promise.resolve();
    }).catch(() => {
      // What is not given back now is cut off at the next start.
    });
  }

  /** Shortens packs to what the index knows of, or somebody counts on. */
  #giveBack(): void {
    const ends = new Map<number, number>();
    const all = [this.#pending.values(), this.copies, this.#repairs.places()];
    for (const places of all) {
      for (const { pack, offset, length } of places) {
        const end = offset + RECORD_HEADER_BYTES + length;
        ends.set(pack, Math.max(end, ends.get(pack) ?? 0));
      }
    }
    const shortened = this.space.shorten((pack) => {
      const noted = this.#sizeOfPack.get(pack)?.["size"] as number | undefined;
      return Math.max(noted ?? 0, ends.get(pack) ?? 0);
    });
    // What is noted of a pack must never be more than it has.
    for (const [pack, size] of shortened) {
      const flushed = this.#flushed.get(pack);
      if (flushed !== undefined) {
        this.#flushed.set(pack, Math.min(flushed, size));
      }
    }
    this.#wasFull = ends.size > 0;
  }

  /** Keeps a chunk until the answer is called. */
  #pinChunk(id: string): () => void {
    const unpin = this.chunkPins.pin(id);
    return () => {
      unpin();
      if (this.chunkPins.has(id)) return;
      this.#pending.delete(id);
      if (this.#wasFull) this.#giveBackSoon();
    };
  }

  /** Reads a chunk. @throws {IntegrityError} If it is missing, or damaged. */
  readChunk(id: Uint8Array): Uint8Array {
    try {
      return this.space.read(id, this.#placeOf(id));
    } catch (error) {
      if (error instanceof IntegrityError) this.noteDamaged(hexOf(id));
      throw error;
    }
  }

  /** A chunk is not what it is said to be: whoever brings it next repairs that. */
  noteDamaged(id: string): void {
    this.#repairs.note(id);
  }

  /** Whether `client` may count on chunk number `i` of `recipe`. */
  #isHere({ ids, lengths }: Recipe, i: number, client: string): boolean {
    const id = ids.subarray(i * ID_BYTES, (i + 1) * ID_BYTES);
    const row = this.#findChunk.get(id);
    if (row === undefined || row["length"] !== lengths[i]) return false;
    if (this.#repairs.isDamaged(id)) return false;
    const part = row["part"] as PartNumber | null;
    return part === null || this.unfinished.isOf(part, client);
  }

  /** For writers: content is whole, and stays until it is released. */
  keep(digest: Digest, content: Unsaved, release: () => void): StoredContent {
    // It may have been cut otherwise before, and readers may count on that.
    const before = this.hold(digest);
    if (before !== undefined) {
      release();
      return before;
    }
    this.#unsaved.set(digest, content);
    return this.#held(digest, content.size, release);
  }

  /** Content that stays until it is released, with its chunks, which `release` gives up. */
  #held(digest: Digest, size: number, release: () => void): StoredContent {
    const unpin = this.#pinContent(digest);
    let isReleased = false;
    return {
      digest,
      size,
      release: (): void => {
        if (isReleased) return;
        isReleased = true;
        unpin();
        release();
      },
    };
  }

  /** Keeps content until the answer is called: the last one forgets what is unsaved. */
  #pinContent(digest: Digest): () => void {
    const unpin = this.contentPins.pin(digest);
    return () => {
      unpin();
      if (!this.contentPins.has(digest)) this.#unsaved.delete(digest);
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
      const bytes = this.readChunk(id);
      const from = Math.max(0, start - offsets[i]!);
      const to = Math.min(bytes.length, end - offsets[i]!);
      yield bytes.subarray(from, to);
    }
  }

  #placeOf(id: Uint8Array): ChunkPlace {
    const row = this.#findChunk.get(id) as ChunkPlace | undefined;
    const place = this.#repairs.placeOf(id) ?? row ??
      this.#pending.get(hexOf(id));
    if (place !== undefined) return place;
    throw new IntegrityError("The hub's data is damaged: a chunk is missing");
  }
}

function* idsOf({ ids }: Recipe): Generator<Uint8Array> {
  for (let at = 0; at < ids.length; at += ID_BYTES) {
    yield ids.subarray(at, at + ID_BYTES);
  }
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.fromHex(hex);
}

function hexOf(bytes: Uint8Array): string {
  return bytes.toHex();
}
