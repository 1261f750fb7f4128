/** Content of a store that is read here and there. */
import { ID_BYTES, offsetsOf, type Recipe } from "../content/recipe.ts";
import type { ContentReader } from "./store.ts";

/** One content that is read; the chunk that was read last is at hand. */
export class StoredReader implements ContentReader {
  readonly close: () => void;
  readonly #recipe: Recipe;
  readonly #offsets: Float64Array;
  readonly #readChunk: (id: Uint8Array) => Uint8Array;
  #last: { readonly number: number; readonly bytes: Uint8Array } | undefined;

  /** @param close Gives up what keeps the content where it is. */
  constructor(
    recipe: Recipe,
    readChunk: (id: Uint8Array) => Uint8Array,
    close: () => void,
  ) {
    this.#recipe = recipe;
    this.#offsets = offsetsOf(recipe);
    this.#readChunk = readChunk;
    this.close = close;
  }

  read(into: Uint8Array, offset: number): number {
    const end = Math.min(this.#recipe.size, offset + into.length);
    let at = offset;
    for (let i = chunkAt(this.#offsets, offset); at < end; i++) {
      const begin = this.#offsets[i]!;
      const part = this.#chunk(i).subarray(at - begin, end - begin);
      into.set(part, at - offset);
      at += part.length;
    }
    return Math.max(0, at - offset);
  }

  #chunk(number: number): Uint8Array {
    if (this.#last?.number === number) return this.#last.bytes;
    const at = number * ID_BYTES;
    const bytes = this.#readChunk(this.#recipe.ids.subarray(at, at + ID_BYTES));
    this.#last = { number, bytes };
    return bytes;
  }
}

/** The chunk in which byte `at` lies, of those that begin at `offsets`. */
export function chunkAt(offsets: Float64Array, at: number): number {
  let low = 0;
  let high = offsets.length - 1;
  while (low + 1 < high) {
    const middle = (low + high) >>> 1;
    if (offsets[middle]! <= at) low = middle;
    else high = middle;
  }
  return low;
}
