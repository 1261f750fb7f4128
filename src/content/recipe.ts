/**
 * What a file is made of: the list of its chunks. The digest of a file is derived
 * from its recipe, so whoever has the recipe can prove it, and whoever has all its
 * chunks has the file.
 */
import { createHash, type Hash, hash } from "node:crypto";
import { Chunker } from "./chunker.ts";
import { Guide } from "./guide.ts";
import { ID_BYTES, MAX_RECIPE_CHUNKS } from "./limits.ts";

/**
 * Names all that decides how content becomes a recipe and a digest: the chunker,
 * ids, pages and the digest of a file. Another version gives other digests.
 */
export const RECIPE_VERSION = 1;

export { ID_BYTES };

/** The chunks of a file, in its order; none for an empty file. */
export interface Recipe {
  /** Of the file, in bytes: the sum of the lengths. */
  readonly size: number;
  /** {@link ID_BYTES} for each chunk. */
  readonly ids: Uint8Array;
  /** Of each chunk, in bytes. */
  readonly lengths: Uint32Array;
}

/** The recipe of a file of no bytes. */
export const EMPTY_RECIPE: Recipe = {
  size: 0,
  ids: new Uint8Array(0),
  lengths: new Uint32Array(0),
};

/** The id of the chunk that `bytes` are, in lower-case hexadecimal. */
export function chunkId(bytes: Uint8Array): string {
  // As text, because Deno makes a Buffer far slower than a string.
  return hash("sha256", bytes, "hex");
}

/** The recipe of the file that `bytes` are. */
export function recipeOf(bytes: Uint8Array): Recipe {
  const builder = new RecipeBuilder();
  builder.append(bytes);
  return builder.finish();
}

/**
 * Where each chunk of `recipe` begins, in bytes from the start of the file, and
 * where the last one ends: one number more than there are chunks.
 */
export function offsetsOf(recipe: Recipe): Float64Array {
  const { lengths } = recipe;
  const offsets = new Float64Array(lengths.length + 1);
  let offset = 0;
  for (let i = 0; i < lengths.length; i++) {
    offset += lengths[i]!;
    offsets[i + 1] = offset;
  }
  return offsets;
}

/** Makes the recipe of one file, out of its bytes or of chunks that are known. */
export class RecipeBuilder {
  readonly #chunker = new Chunker();
  /** Of the chunk that began in an earlier part; undefined where none did. */
  #begun: Hash | undefined;
  #size = 0;
  #count = 0;
  #ids = new Uint8Array(64 * ID_BYTES);
  #lengths = new Uint32Array(64);
  readonly #guide: Guide | undefined;

  /**
   * @param like The recipe of a version that is probably much like the file; it spares
   *   the search for the ends of chunks that both have.
   */
  constructor(like?: Recipe) {
    this.#guide = like && new Guide(like);
  }

  /**
   * Adds the next bytes of the file, in parts of any length. They are not kept. It
   * is fastest with parts of 1 MiB and more, where few chunks lie in two of them.
   * @throws {RangeError} If the file has over {@link MAX_RECIPE_CHUNKS} chunks.
   */
  append(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      const before = this.#chunker.pending;
      const foretold = before === 0 ? this.#foretold(bytes, at) : undefined;
      if (foretold !== undefined) {
        at = foretold;
        continue;
      }
      const end = this.#chunker.next(bytes, at, bytes.length);
      const part = bytes.subarray(at, end ?? bytes.length);
      if (end === undefined) {
        this.#begun ??= createHash("sha256");
        this.#begun.update(part);
        return;
      }
      const id = this.#begun?.update(part).digest("hex") ?? chunkId(part);
      this.#begun = undefined;
      const place = this.#put(before + part.length);
      place.setFromHex(id);
      this.#guide?.goTo(place);
      at = end;
    }
  }

  /** Adds the chunk at `at` if it is the one that is expected: where it ends. */
  #foretold(bytes: Uint8Array, at: number): number | undefined {
    const length = this.#guide?.length;
    if (length === undefined || at + length > bytes.length) return undefined;
    const id = chunkId(bytes.subarray(at, at + length));
    if (!this.#guide!.isNext(id)) return undefined;
    this.#put(length).setFromHex(id);
    return at + length;
  }

  /**
   * Adds a chunk that was cut and hashed already: `id` has {@link ID_BYTES}.
   * @throws {RangeError} If the file has over {@link MAX_RECIPE_CHUNKS} chunks.
   * @throws {TypeError} If the bytes before it have not come to the end of a chunk.
   */
  add(id: Uint8Array, length: number): void {
    if (this.#begun !== undefined) {
      throw new TypeError("Cannot add a chunk: another one has not ended");
    }
    this.#put(length).set(id);
  }

  /** The recipe; the file ends here. To be called once. */
  finish(): Recipe {
    if (this.#begun !== undefined) {
      const id = this.#begun.digest("hex");
      this.#begun = undefined;
      this.#put(this.#chunker.pending).setFromHex(id);
    }
    return {
      size: this.#size,
      ids: this.#ids.slice(0, this.#count * ID_BYTES),
      lengths: this.#lengths.slice(0, this.#count),
    };
  }

  /** Makes room for one more chunk: where its id belongs. */
  #put(length: number): Uint8Array {
    const i = this.#count;
    if (i === MAX_RECIPE_CHUNKS) {
      throw new RangeError(
        `Cannot describe a file of more than ${MAX_RECIPE_CHUNKS} chunks`,
      );
    }
    if (i === this.#lengths.length) {
      const ids = new Uint8Array(2 * this.#ids.length);
      const lengths = new Uint32Array(2 * i);
      ids.set(this.#ids);
      lengths.set(this.#lengths);
      this.#ids = ids;
      this.#lengths = lengths;
    }
    this.#lengths[i] = length;
    this.#size += length;
    this.#count = i + 1;
    return this.#ids.subarray(i * ID_BYTES, (i + 1) * ID_BYTES);
  }
}
