/** Which stretches of a file have to come, where each chunk is here or is not. */
import type { Gap } from "./gap.ts";
import { MAX_GAP_BYTES } from "./limits.ts";

/** What is known of the chunks of a file. */
export interface LackingChunks {
  /** For each chunk whether it is here, 1 for yes. */
  readonly here: Uint8Array;
  /** Where each chunk begins, see `offsetsOf`. */
  readonly offsets: Float64Array;
  /** What may be searched for some of them, in order, as `gapsOf` found it. */
  readonly regions: readonly Gap[];
}

/**
 * The stretches of chunks that are not here, in order, none longer than
 * `MAX_GAP_BYTES`. Each lies in one of `regions`, which it has its own from, or
 * in none.
 */
export function lackingGaps(
  { here, offsets, regions }: LackingChunks,
): Gap[] {
  const gaps: Gap[] = [];
  let at = 0;
  for (let first = 0; first < here.length;) {
    if (here[first] === 1) {
      first++;
      continue;
    }
    while (at < regions.length && endOf(regions[at]!) <= first) at++;
    const around = regions[at];
    const isWithin = around !== undefined && around.first <= first;
    const limit = isWithin ? endOf(around) : around?.first ?? here.length;
    const offset = offsets[first]!;
    let end = first + 1;
    while (
      end < limit && here[end] !== 1 &&
      offsets[end + 1]! - offset <= MAX_GAP_BYTES
    ) end++;
    const length = offsets[end]! - offset;
    const region = isWithin ? around.region : [];
    gaps.push({ first, count: end - first, offset, length, region });
    first = end;
  }
  return gaps;
}

function endOf({ first, count }: Gap): number {
  return first + count;
}
