/**
 * Foretells how a file is cut from the recipe of a version that is like it: where
 * a chunk of that is found again, the next one probably follows, so that its end
 * need not be searched for. What it foretells is proven by the id of the chunk; a
 * cut depends on nothing but the bytes of its chunk, so it would be found there.
 */
import { IdTable, type IdWords, idWordsOf } from "./id_table.ts";
import { ID_BYTES } from "./limits.ts";
import type { Recipe } from "./recipe.ts";

/** Goes along one recipe, while another one is made. */
export class Guide {
  readonly #recipe: Recipe;
  /** Chunks that say where they end; the last one ends with its file. */
  readonly #count: number;
  /** Number of the chunk that is expected; `#count` where there is no telling. */
  #next = 0;
  #found: { readonly words: IdWords; readonly table: IdTable } | undefined;

  constructor(recipe: Recipe) {
    this.#recipe = recipe;
    this.#count = Math.max(recipe.lengths.length - 1, 0);
  }

  /** Length of the chunk that is expected next; undefined where there is no telling. */
  get length(): number | undefined {
    return this.#next < this.#count
      ? this.#recipe.lengths[this.#next]
      : undefined;
  }

  /** Whether it is that chunk, which has this id, in hexadecimal. If so, it goes on. */
  isNext(id: string): boolean {
    const at = this.#next * ID_BYTES;
    const expected = this.#recipe.ids.subarray(at, at + ID_BYTES).toHex();
    const isRight = this.#next < this.#count && expected === id;
    this.#next = isRight ? this.#next + 1 : this.#count;
    return isRight;
  }

  /** Learns what chunk was found instead: its id, of `ID_BYTES`. */
  goTo(id: Uint8Array): void {
    if (this.#found === undefined) {
      const words = idWordsOf([this.#recipe.ids]);
      this.#found = { words, table: new IdTable(words) };
    }
    const at = this.#found.table.find(idWordsOf([id]), 0);
    this.#next = at < 0 ? this.#count : at + 1;
  }
}
