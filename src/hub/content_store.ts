/**
 * The content of files: cut into chunks, each kept once. Content is written to
 * the packs as it comes; the index of what is where is part of the transaction
 * that makes it belong to a file. What is in use is never collected.
 */
import { createHash, type Hash } from "node:crypto";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { Chunker } from "../content/chunker.ts";
import { MAX_CHUNK_BYTES } from "../content/limits.ts";
import {
  chunkId,
  EMPTY_RECIPE,
  ID_BYTES,
  offsetsOf,
  type Recipe,
  RecipeBuilder,
} from "../content/recipe.ts";
import type { Digest } from "../core/entry.ts";
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
import { Pins } from "./pins.ts";
import { decodeRecipe, encodeRecipe } from "./recipe_blob.ts";
import type { ContentWriter, StoredContent } from "./store.ts";

/** Buffers for chunks that have begun, and were used before. */
const spare: Uint8Array[] = [];
const MAX_SPARE = 16;

const NOTHING = new Uint8Array(0);

/** Content that no transaction knows of yet. */
interface Unsaved {
  readonly size: number;
  readonly recipe: Recipe;
}

/** The content of one store. */
export class ContentStore {
  readonly space: ChunkSpace;
  readonly #findChunk: StatementSync;
  readonly #findContent: StatementSync;
  readonly #insertChunk: StatementSync;
  readonly #insertContent: StatementSync;
  readonly #notePack: StatementSync;
  /** Chunks, by id, that were written and are in no index yet. */
  readonly #pending = new Map<string, ChunkPlace>();
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

  constructor(database: DatabaseSync, space: ChunkSpace) {
    this.space = space;
    this.#findChunk = database.prepare(
      "SELECT pack, offset, length FROM chunks WHERE id = ?",
    );
    this.#findContent = database.prepare(
      // By row, so that the digest comes from the row itself and not from the index.
      "SELECT digest, size, recipe FROM contents WHERE rowid = " +
        "(SELECT rowid FROM contents WHERE digest = ?)",
    );
    this.#insertChunk = database.prepare(
      "INSERT OR IGNORE INTO chunks VALUES (?, ?, ?, ?)",
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

  /** Begins to store the content of a file. */
  write(): ContentWriter {
    return new ChunkedWriter(this);
  }

  /** The size of the content with this digest, in bytes, if it is here. */
  sizeOf(digest: Digest): number | undefined {
    return this.#unsaved.get(digest)?.size ??
      this.#findContent.get(bytesOf(digest))?.["size"] as number | undefined;
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

  /**
   * Makes all that was written so far durable; before {@link save}.
   * @throws {FileSystemError} Then what was written and not flushed is gone, and
   *   content of which that is a part can't be saved.
   */
  flush(): Promise<void> {
    return this.#inTurn(async () => {
      try {
        for (const [pack, size] of await this.space.flush()) {
          this.#flushed.set(pack, Math.max(size, this.#flushed.get(pack) ?? 0));
        }
      } catch (error) {
        for (const [id, place] of this.#pending) {
          if (!this.space.holds(place)) this.#pending.delete(id);
        }
        for (const place of this.copies) {
          if (!this.space.holds(place)) this.copies.delete(place);
        }
        this.noteFull(error);
        throw error;
      }
    });
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
    for (const digest of digests) {
      const unsaved = this.#unsaved.get(digest);
      const key = bytesOf(digest);
      if (unsaved === undefined || this.#findContent.get(key)) continue;
      for (const id of idsOf(unsaved.recipe)) {
        const place = this.#pending.get(hexOf(id));
        if (place !== undefined) {
          this.#insertChunk.run(id, place.pack, place.offset, place.length);
        } else if (this.#findChunk.get(id) === undefined) throw lostInFlush();
      }
      this.#insertContent.run(key, unsaved.size, encodeRecipe(unsaved.recipe));
    }
  }

  /** The transaction of {@link save} went well. */
  saved(): void {
    this.#flushed.clear();
  }

  /** Removes a pack that no row names any more. */
  drop(pack: number): void {
    this.#dropped.add(pack);
    this.space.remove(pack);
  }

  /** Whether chunks are in this pack that no index knows of. */
  hasPending(pack: number): boolean {
    for (const place of this.#pending.values()) {
      if (place.pack === pack) return true;
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
  put(id: string, bytes: Uint8Array): () => void {
    const release = this.#pinChunk(id);
    try {
      const key = bytesOf(id);
      if (!this.#pending.has(id) && this.#findChunk.get(key) === undefined) {
        this.#pending.set(id, this.space.append(key, bytes));
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
    for (const places of [this.#pending.values(), this.copies]) {
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

  /** For writers: content is whole, and stays until it is released. */
  keep(digest: Digest, content: Unsaved, release: () => void): StoredContent {
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
      const bytes = this.space.read(id, this.#placeOf(id));
      const from = Math.max(0, start - offsets[i]!);
      const to = Math.min(bytes.length, end - offsets[i]!);
      yield bytes.subarray(from, to);
    }
  }

  #placeOf(id: Uint8Array): ChunkPlace {
    const row = this.#findChunk.get(id) as ChunkPlace | undefined;
    const place = row ?? this.#pending.get(hexOf(id));
    if (place !== undefined) return place;
    throw new IntegrityError("The hub's data is damaged: a chunk is missing");
  }
}

/** Cuts and stores one file. */
class ChunkedWriter implements ContentWriter {
  readonly #store: ContentStore;
  readonly #chunker = new Chunker();
  /** Of what was cut, unless that is one chunk that is all: its id is the digest. */
  #recipe: RecipeBuilder | undefined;
  #digest: Hash | undefined;
  readonly #held: (() => void)[] = [];
  /** The chunk that has begun: its first {@link Chunker.pending} bytes. */
  #begun: Uint8Array | undefined;
  #size = 0;
  #isOver = false;

  constructor(store: ContentStore) {
    this.#store = store;
  }

  append(bytes: Uint8Array): void {
    this.#size += bytes.length;
    let at = 0;
    while (at < bytes.length) {
      const before = this.#chunker.pending;
      const end = this.#chunker.next(bytes, at, bytes.length);
      const part = bytes.subarray(at, end ?? bytes.length);
      if (end === undefined || before > 0) {
        // New memory for each small file would cost more than all else.
        this.#begun ??= spare.pop() ?? new Uint8Array(MAX_CHUNK_BYTES);
        this.#begun.set(part, before);
      }
      if (end === undefined) return;
      this.#cut(
        before > 0 ? this.#begun!.subarray(0, before + part.length) : part,
      );
      at = end;
    }
  }

  finish(): StoredContent {
    const rest = this.#begun?.subarray(0, this.#chunker.pending);
    if (this.#recipe === undefined) return this.#finishOne(rest ?? NOTHING);
    if (rest !== undefined && rest.length > 0) this.#cut(rest);
    return this.#keep(this.#digest!.digest("hex"), this.#recipe.finish());
  }

  /** All of the content is one chunk, or nothing: it is hashed but once. */
  #finishOne(chunk: Uint8Array): StoredContent {
    if (chunk.length === 0) return this.#keep(chunkId(chunk), EMPTY_RECIPE);
    const id = this.#put(chunk);
    const lengths = Uint32Array.of(chunk.length);
    return this.#keep(id, { size: chunk.length, ids: bytesOf(id), lengths });
  }

  #keep(digest: Digest, recipe: Recipe): StoredContent {
    this.#end();
    const release = (): void => this.#release();
    return this.#store.keep(digest, { size: this.#size, recipe }, release);
  }

  abort(): void {
    if (this.#isOver) return;
    this.#end();
    this.#release();
  }

  #end(): void {
    this.#isOver = true;
    const begun = this.#begun;
    this.#begun = undefined;
    if (begun !== undefined && spare.length < MAX_SPARE) spare.push(begun);
  }

  #cut(chunk: Uint8Array): void {
    this.#recipe ??= new RecipeBuilder();
    this.#digest ??= createHash("sha256");
    this.#digest.update(chunk);
    this.#recipe.add(bytesOf(this.#put(chunk)), chunk.length);
  }

  /** Stores a chunk: its id. */
  #put(chunk: Uint8Array): string {
    const id = chunkId(chunk);
    this.#held.push(this.#store.put(id, chunk));
    return id;
  }

  #release(): void {
    for (const release of this.#held.splice(0)) release();
  }
}

/** The chunk in which byte `at` lies. */
function chunkAt(offsets: Float64Array, at: number): number {
  let low = 0;
  let high = offsets.length - 1;
  while (low + 1 < high) {
    const middle = (low + high) >>> 1;
    if (offsets[middle]! <= at) low = middle;
    else high = middle;
  }
  return low;
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
