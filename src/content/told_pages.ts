/**
 * A long file that is described by its pages: what is known of it until the chunks
 * of those pages have been told that nobody here knows.
 */
import type { Digest } from "../core/entry.ts";
import { IntegrityError, ProtocolError } from "../errors.ts";
import { MAX_CHUNK_BYTES, MIN_CHUNK_BYTES } from "./limits.ts";
import type { Pages } from "./pages.ts";
import type { Recipe } from "./recipe.ts";
import { assembleRecipe, type PagedRecipe } from "./recipe_assembly.ts";
import { CHUNK_RECORD_BYTES } from "./recipe_codec.ts";
import { missingPages } from "./recipe_diff.ts";

/** One file whose pages were told. */
export class ToldPages {
  /** Numbers of the pages whose chunks have to be told, in order. */
  readonly numbers: Uint32Array;
  readonly #pages: Pages;
  readonly #digest: Digest;
  readonly #known: readonly PagedRecipe[];

  /**
   * @param known Files that it may share pages with.
   * @throws {ProtocolError} If no file of `size` bytes has so many chunks.
   */
  constructor(
    { digest, pages, size }: {
      readonly digest: Digest;
      readonly pages: Pages;
      readonly size: number;
    },
    known: readonly PagedRecipe[],
  ) {
    const count = pages.ends.at(-1) ?? 0;
    // All chunks but the last have a least length, and each has a greatest one.
    if (
      (count - 1) * MIN_CHUNK_BYTES >= size || count * MAX_CHUNK_BYTES < size
    ) {
      throw new ProtocolError(
        `A file of ${size} bytes does not have ${count} chunks`,
      );
    }
    this.#digest = digest;
    this.#pages = pages;
    this.#known = known;
    this.numbers = missingPages(pages, known.map((it) => it.pages));
  }

  /** How many chunks the pages have that have to be told. */
  get missingChunks(): number {
    let chunks = 0;
    for (const number of this.numbers) chunks += this.#chunksIn(number);
    return chunks;
  }

  /**
   * The recipe, with the chunks that were told for {@link numbers}.
   * @throws {ProtocolError} If these are not what the pages say.
   */
  recipe(records: Uint8Array): Recipe {
    const parts: Uint8Array[] = [];
    let at = 0;
    for (const number of this.numbers) {
      const length = this.#chunksIn(number) * CHUNK_RECORD_BYTES;
      parts.push(records.subarray(at, at + length));
      at += length;
    }
    if (at !== records.length) {
      throw new ProtocolError(
        `Chunks of ${records.length} bytes came instead of ${at}`,
      );
    }
    try {
      return assembleRecipe(this.#pages, this.#digest, this.#known, parts);
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error;
      throw new ProtocolError(error.message, "protocol", { cause: error });
    }
  }

  #chunksIn(page: number): number {
    const { ends } = this.#pages;
    return ends[page]! - (page === 0 ? 0 : ends[page - 1]!);
  }
}
