/**
 * How a copy of a base becomes the wanted file without a second one: what did not
 * keep its place is moved within the copy, in an order in which nothing is
 * overwritten before it was moved itself.
 */
import type { Run } from "./recipe_diff.ts";

/** Bytes that move within one file. The ranges may overlap. */
export interface MoveInPlace {
  /** Number of the first chunk in the wanted recipe. */
  readonly first: number;
  readonly count: number;
  /** Where they are, in bytes. */
  readonly from: number;
  /** Where they belong. */
  readonly to: number;
  readonly length: number;
}

/**
 * The moves that `runs` make possible in a copy of the first `limit` bytes of number
 * `base`, in the order in which they are to be carried out, each of them from its end
 * if it goes up and from its start if it goes down.
 *
 * Runs that would pass one another are left out. So the places where bytes are and
 * where they belong are in the same order, and a move to lower places can only
 * overwrite what belongs to the one below it, which therefore goes first; upwards it
 * is the other way round. Chunks that are `staying` are in their place already.
 * @param offsets Where each chunk of the wanted file begins, see `offsetsOf`.
 */
export function movesInPlace(
  { runs, base, limit, offsets, staying }: {
    readonly runs: readonly Run[];
    readonly base: number;
    readonly limit: number;
    readonly offsets: Float64Array;
    readonly staying: Uint8Array | undefined;
  },
): MoveInPlace[] {
  const down: MoveInPlace[] = [];
  const up: MoveInPlace[] = [];
  let end = 0;
  for (const run of runs) {
    if (run.kind !== "copy" || run.base !== base) continue;
    if (run.baseOffset < end) continue;
    const distance = run.offset - run.baseOffset;
    const last = run.first + run.count;
    for (let first = run.first; first < last;) {
      let next = first;
      while (
        next < last && staying?.[next] !== 1 &&
        offsets[next + 1]! - distance <= limit
      ) next++;
      if (next > first) {
        const to = offsets[first]!;
        const length = offsets[next]! - to;
        const from = to - distance;
        const move = { first, count: next - first, from, to, length };
        if (distance < 0) down.push(move);
        else if (distance > 0) up.push(move);
        end = from + length;
      }
      first = next + 1;
    }
  }
  return [...down, ...up.reverse()];
}
