/** Content on its way into a store, cut into chunks as it comes. */
import { createHash, type Hash } from "node:crypto";
import { Chunker } from "../content/chunker.ts";
import { MAX_CHUNK_BYTES } from "../content/limits.ts";
import {
  chunkId,
  EMPTY_RECIPE,
  type Recipe,
  RecipeBuilder,
} from "../content/recipe.ts";
import type { Digest } from "../core/entry.ts";
import type { ContentStore } from "./content_store.ts";
import type { ContentWriter, StoredContent } from "./store.ts";

/** Buffers for chunks that have begun, and were used before. */
const spare: Uint8Array[] = [];
const MAX_SPARE = 16;

const NOTHING = new Uint8Array(0);

/** Cuts and stores one file. */
export class ChunkedWriter implements ContentWriter {
  readonly #store: ContentStore;
  readonly #client: string | undefined;
  readonly #chunker = new Chunker();
  /** Of what was cut, unless that is one chunk that is all: its id is the digest. */
  #recipe: RecipeBuilder | undefined;
  #digest: Hash | undefined;
  readonly #held: (() => void)[] = [];
  /** The chunk that has begun: its first {@link Chunker.pending} bytes. */
  #begun: Uint8Array | undefined;
  #size = 0;
  #isOver = false;

  /** @param client Whose chunks they are as long as they belong to no content. */
  constructor(store: ContentStore, client: string | undefined) {
    this.#store = store;
    this.#client = client;
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
    return this.#keep(id, {
      size: chunk.length,
      ids: Uint8Array.fromHex(id),
      lengths,
    });
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
    this.#recipe.add(Uint8Array.fromHex(this.#put(chunk)), chunk.length);
  }

  /** Stores a chunk: its id. */
  #put(chunk: Uint8Array): string {
    const id = chunkId(chunk);
    this.#held.push(this.#store.chunkStore.put(id, chunk, this.#client));
    return id;
  }

  #release(): void {
    for (const release of this.#held.splice(0)) release();
  }
}
