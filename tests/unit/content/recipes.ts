/** Recipes of chunks that nobody made: what counts is which are equal. */
import { MIN_CHUNK_BYTES } from "../../../src/content/limits.ts";
import { ID_BYTES, type Recipe } from "../../../src/content/recipe.ts";

/**
 * One chunk for each word: its id begins with the word (16 bits) and is the same
 * wherever the word is. Chunks of equal ids have equal lengths.
 */
export function recipeOfWords(words: readonly number[]): Recipe {
  const ids = new Uint8Array(ID_BYTES * words.length);
  const lengths = new Uint32Array(words.length);
  const view = new DataView(ids.buffer);
  let size = 0;
  for (const [i, word] of words.entries()) {
    view.setUint16(i * ID_BYTES, word);
    view.setUint32(i * ID_BYTES + 28, Math.imul(word, 0x9e3779b1));
    lengths[i] = MIN_CHUNK_BYTES + word % 7 * 1_000;
    size += lengths[i]!;
  }
  return { size, ids, lengths };
}
