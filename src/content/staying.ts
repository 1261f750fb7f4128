/**
 * What need not be written where a part of the wanted file lies already where the
 * file is made: chunks that are in their place stay, and are cut out of the gaps.
 * Linear in the number of chunks.
 */
import type { Gap } from "./gap.ts";
import { idWordsOf, sameId } from "./id_table.ts";
import type { Recipe } from "./recipe.ts";

/**
 * For each chunk of `wanted` whether it lies in its place in `part`, 1 for yes;
 * undefined where none does.
 */
export function stayingChunks(
  wanted: Recipe,
  part: Recipe,
): Uint8Array | undefined {
  const ids = idWordsOf([wanted.ids]);
  const partIds = idWordsOf([part.ids]);
  const staying = new Uint8Array(wanted.lengths.length);
  let found = false;
  let at = 0;
  let partAt = 0;
  let j = 0;
  for (const [i, length] of wanted.lengths.entries()) {
    while (j < part.lengths.length && partAt < at) partAt += part.lengths[j++]!;
    if (
      partAt === at && part.lengths[j] === length && sameId(ids, i, partIds, j)
    ) {
      staying[i] = 1;
      found = true;
    }
    at += length;
  }
  return found ? staying : undefined;
}

/**
 * What is left of `gap` between the chunks that are `staying`, in order, each part
 * with the region of all of it.
 * @param offsets Where each chunk of the wanted file begins, see `offsetsOf`.
 */
export function* withoutStaying(
  gap: Gap,
  offsets: Float64Array,
  staying: Uint8Array | undefined,
): Generator<Gap> {
  const end = gap.first + gap.count;
  let first = gap.first;
  for (let i = first; i <= end; i++) {
    if (i < end && staying?.[i] !== 1) continue;
    if (i > first) {
      const offset = offsets[first]!;
      const length = offsets[i]! - offset;
      yield { first, count: i - first, offset, length, region: gap.region };
    }
    first = i + 1;
  }
}
