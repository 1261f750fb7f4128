/**
 * A recipe as it stands in the database, big-endian:
 *
 * | offset | bytes | field                        |
 * | ------ | ----- | ---------------------------- |
 * | 36 i   | 32    | id of chunk i                |
 * | + 32   | 4     | its length, 1 to 262,144     |
 */
import { MAX_CHUNK_BYTES } from "../content/limits.ts";
import { EMPTY_RECIPE, ID_BYTES, type Recipe } from "../content/recipe.ts";
import { IntegrityError } from "../errors.ts";

const RECORD_BYTES = ID_BYTES + 4;

/** The bytes for `recipe`. */
export function encodeRecipe({ ids, lengths }: Recipe): Uint8Array {
  const bytes = new Uint8Array(lengths.length * RECORD_BYTES);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < lengths.length; i++) {
    const at = i * RECORD_BYTES;
    bytes.set(ids.subarray(i * ID_BYTES, (i + 1) * ID_BYTES), at);
    view.setUint32(at + ID_BYTES, lengths[i]!);
  }
  return bytes;
}

/**
 * The recipe in `bytes`, of a file of `size` bytes.
 * @throws {IntegrityError} If that can't be.
 */
export function decodeRecipe(bytes: Uint8Array, size: number): Recipe {
  if (bytes.length === 0 && size === 0) return EMPTY_RECIPE;
  const count = bytes.length / RECORD_BYTES;
  if (!Number.isInteger(count)) {
    throw new IntegrityError(`A recipe has ${bytes.length} bytes`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const ids = new Uint8Array(count * ID_BYTES);
  const lengths = new Uint32Array(count);
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const at = i * RECORD_BYTES;
    ids.set(bytes.subarray(at, at + ID_BYTES), i * ID_BYTES);
    const length = view.getUint32(at + ID_BYTES);
    if (length === 0 || length > MAX_CHUNK_BYTES) {
      throw new IntegrityError(`A recipe names a chunk of ${length} bytes`);
    }
    lengths[i] = length;
    sum += length;
  }
  if (sum !== size) {
    throw new IntegrityError(
      `The chunks of a recipe have ${sum} bytes, the file has ${size}`,
    );
  }
  return { size, ids, lengths };
}
