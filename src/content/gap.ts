/**
 * Where a finer search is worth its while: a gap is a run of missing chunks, and
 * its region is the part of the bases that lies where they belong. A chunk differs
 * as a whole if one byte of it does; most of it is probably in the region.
 *
 * With what the gap's neighbours were copied from, `left` and `right`, the region
 * is where the gap would lie if it were as long as what it replaces, counted from
 * `left` (right if all before it kept its place) and from `right`, both widened by
 * {@link SLACK_BYTES}. Where both ranges touch they are one; between neighbours
 * that are in order in one base, nothing outside counts. So for an edit in place
 * the region is exactly the old content of the gap.
 */
import { MAX_GAP_BYTES } from "./limits.ts";
import type { Recipe } from "./recipe.ts";
import type { CopyRun, MissingRun, Run } from "./recipe_diff.ts";

/** Missing chunks that are searched together; at most {@link MAX_GAP_BYTES}. */
export interface Gap {
  /** Number of the first chunk in the wanted recipe. */
  readonly first: number;
  readonly count: number;
  /** Where it begins in the wanted file, in bytes. */
  readonly offset: number;
  /** In bytes. */
  readonly length: number;
  /**
   * What to search: one or two ranges, taken as one after the other. None where
   * there is nothing, or where it does not pay.
   */
  readonly region: readonly BaseRange[];
}

/** A part of a base. */
export interface BaseRange {
  readonly base: number;
  /** In bytes. */
  readonly offset: number;
  readonly length: number;
}

/** What an insertion or deletion may move content by, to be found in long gaps. */
export const SLACK_BYTES = 64 * 1024;

/** A gap up to this long is sent: asking would not be cheaper. In bytes. */
const MIN_GAP_BYTES = 2 * 1024;

/** A place in a base. */
interface Place {
  readonly base: number;
  readonly at: number;
}

/** The gaps of `wanted` in the `runs` that {@link diffRecipes} found, in order. */
export function gapsOf(
  runs: readonly Run[],
  wanted: Recipe,
  bases: readonly Recipe[],
): Gap[] {
  const gaps: Gap[] = [];
  for (const [i, run] of runs.entries()) {
    if (run.kind !== "missing") continue;
    // Missing runs are as long as they can be: their neighbours are copies.
    const before = runs[i - 1] as CopyRun | undefined;
    const after = runs[i + 1] as CopyRun | undefined;
    const leftBase = before?.base ?? after?.base ?? 0;
    const rightBase = after?.base ?? before?.base ?? 0;
    const left = {
      base: leftBase,
      at: before === undefined ? 0 : before.baseOffset + before.length,
    };
    const right = {
      base: rightBase,
      at: after?.baseOffset ?? bases[rightBase]?.size ?? 0,
    };
    for (const part of partsOf(run, wanted.lengths)) {
      const region = part.length <= MIN_GAP_BYTES || bases.length === 0
        ? []
        : regionOf(part, run, left, right, bases);
      gaps.push({ ...part, region });
    }
  }
  return gaps;
}

/** Cuts `run` between chunks, into parts of at most {@link MAX_GAP_BYTES}. */
function* partsOf(
  run: MissingRun,
  lengths: Uint32Array,
): Generator<Omit<Gap, "region">> {
  let { first, offset } = run;
  let length = 0;
  const end = run.first + run.count;
  for (let i = first; i < end; i++) {
    if (length + lengths[i]! > MAX_GAP_BYTES) {
      yield { first, count: i - first, offset, length };
      first = i;
      offset += length;
      length = 0;
    }
    length += lengths[i]!;
  }
  yield { first, count: end - first, offset, length };
}

function regionOf(
  part: Omit<Gap, "region">,
  run: MissingRun,
  left: Place,
  right: Place,
  bases: readonly Recipe[],
): BaseRange[] {
  const inOrder = left.base === right.base && left.at <= right.at;
  const fromLeft = rangeOf(
    left.base,
    left.at + (part.offset - run.offset),
    part.length,
    left.at,
    inOrder ? right.at : bases[left.base]!.size,
  );
  const fromRight = rangeOf(
    right.base,
    right.at - (run.offset + run.length - part.offset),
    part.length,
    inOrder ? left.at : 0,
    right.at,
  );
  return union(fromLeft, fromRight).filter(({ length }) => length > 0);
}

/** The range with slack on both sides, as far as it lies between `least` and `most`. */
function rangeOf(
  base: number,
  at: number,
  length: number,
  least: number,
  most: number,
): BaseRange {
  const offset = Math.min(Math.max(at - SLACK_BYTES, least), most);
  const end = Math.max(Math.min(at + length + SLACK_BYTES, most), offset);
  return { base, offset, length: end - offset };
}

/** Both ranges, or the one that covers both if they touch. */
function union(a: BaseRange, b: BaseRange): BaseRange[] {
  const offset = Math.min(a.offset, b.offset);
  const end = Math.max(a.offset + a.length, b.offset + b.length);
  const touch = a.base === b.base && end - offset <= a.length + b.length;
  return touch ? [{ base: a.base, offset, length: end - offset }] : [a, b];
}
