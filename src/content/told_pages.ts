/**
 * A long file that is described by its pages: what is known of it until the chunks
 * of those pages have been told that no file here has.
 */
import type { Digest } from "../core/entry.ts";
import { IntegrityError, ProtocolError } from "../errors.ts";
import { MAX_CHUNK_BYTES, MIN_CHUNK_BYTES } from "./limits.ts";
import { pageLength, type Pages, pagesOf } from "./pages.ts";
import type { Recipe } from "./recipe.ts";
import { assembleRecipe, type PagedRecipe } from "./recipe_assembly.ts";
import { CHUNK_RECORD_BYTES } from "./recipe_codec.ts";
import { missingPages } from "./recipe_diff.ts";

/** One file whose pages were told. */
export class ToldPages {
  readonly #digest: Digest;
  readonly #pages: Pages;
  readonly #size: number;
  readonly #known: PagedRecipe[] = [];
  #missing: Uint32Array;

  /**
   * @param size Of the file, in bytes, as it was announced.
   * @throws {ProtocolError} If no file of that size has so many chunks.
   */
  constructor(digest: Digest, pages: Pages, size: number) {
    this.#digest = digest;
    this.#pages = pages;
    this.#size = size;
    const { chunks } = this;
    // All chunks but the last have a least length, and each has a greatest one.
    if (
      (chunks - 1) * MIN_CHUNK_BYTES >= size || chunks * MAX_CHUNK_BYTES < size
    ) {
      throw new ProtocolError(
        `A file of ${size} bytes does not have ${chunks} chunks`,
      );
    }
    this.#missing = missingPages(pages, []);
  }

  /** How many chunks the file has. */
  get chunks(): number {
    return this.#pages.ends.at(-1) ?? 0;
  }

  /** Numbers of the pages whose chunks have to be told, in order. */
  get missing(): Uint32Array {
    return this.#missing;
  }

  /** How large the share of those pages is, from 0 to 1. */
  get missingShare(): number {
    return this.#missing.length / this.#pages.ends.length;
  }

  /** How many bytes their chunks take when they are told. */
  get missingBytes(): number {
    let chunks = 0;
    for (const page of this.#missing) chunks += pageLength(this.#pages, page);
    return chunks * CHUNK_RECORD_BYTES;
  }

  /** Whether any file is known that it may share pages with. */
  get hasKnown(): boolean {
    return this.#known.length > 0;
  }

  /** Adds a file that it may share pages with. */
  add(recipe: Recipe): void {
    this.#known.push({ recipe, pages: pagesOf(recipe) });
    const pages = this.#known.map((it) => it.pages);
    this.#missing = missingPages(this.#pages, pages);
  }

  /**
   * The recipe, with the chunks that were told for {@link missing}.
   * @throws {ProtocolError} If these are not what the pages say.
   */
  recipe(records: Uint8Array): Recipe {
    const bytes = this.missingBytes;
    if (bytes !== records.length) {
      throw new ProtocolError(
        `Chunks of ${records.length} bytes were told instead of ${bytes}`,
      );
    }
    let recipe: Recipe;
    try {
      const parts = this.#partsOf(records);
      recipe = assembleRecipe(this.#pages, this.#digest, this.#known, parts);
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error;
      throw new ProtocolError(error.message, "protocol", { cause: error });
    }
    if (recipe.size === this.#size) return recipe;
    throw new ProtocolError(
      `A recipe is that of ${recipe.size} bytes, ${this.#size} were announced`,
    );
  }

  *#partsOf(records: Uint8Array): Generator<Uint8Array> {
    let at = 0;
    for (const page of this.#missing) {
      const length = pageLength(this.#pages, page) * CHUNK_RECORD_BYTES;
      yield records.subarray(at, at + length);
      at += length;
    }
  }
}
