/**
 * What is needed to make a wanted file where other files, the bases, are at hand:
 * which pages of its recipe are unknown, and which of its chunks lie in no base.
 * Linear in the number of chunks.
 */
import { IdTable, idWordsOf, sameId } from "./id_table.ts";
import type { Pages } from "./pages.ts";
import { ID_BYTES, offsetsOf, type Recipe } from "./recipe.ts";

/** Chunks of the wanted file that follow each other and come from one source. */
export type Run = CopyRun | MissingRun;

/** Chunks that follow each other in a base, too. */
export interface CopyRun {
  readonly kind: "copy";
  /** Number of the first chunk in the wanted recipe. */
  readonly first: number;
  /** How many chunks. */
  readonly count: number;
  /** Where they begin in the wanted file, in bytes. */
  readonly offset: number;
  /** How long they are together, in bytes. */
  readonly length: number;
  /** Number of the base. */
  readonly base: number;
  /** Where they begin there, in bytes. */
  readonly baseOffset: number;
}

/** Chunks that no base has. */
export interface MissingRun {
  readonly kind: "missing";
  readonly first: number;
  readonly count: number;
  readonly offset: number;
  readonly length: number;
}

/** The numbers of the pages of `wanted` that none of `bases` has, in order. */
export function missingPages(
  wanted: Pages,
  bases: readonly Pages[],
): Uint32Array {
  const table = new IdTable(idWordsOf(bases.map((base) => base.digests)));
  const digests = idWordsOf([wanted.digests]);
  const missing = new Uint32Array(wanted.ends.length);
  let count = 0;
  for (let i = 0; i < missing.length; i++) {
    if (table.find(digests, i) < 0) missing[count++] = i;
  }
  return missing.slice(0, count);
}

/**
 * Where the chunks of `wanted` can be had, as runs that cover all of it, in order
 * and as long as they can be. A chunk that several places have is taken from
 * behind the one before it, if it lies there, else from the first place; so the
 * base that is most like the wanted file, usually its old version, goes first.
 */
export function diffRecipes(wanted: Recipe, bases: readonly Recipe[]): Run[] {
  const ids = idWordsOf([wanted.ids]);
  const baseIds = idWordsOf(bases.map((base) => base.ids));
  const table = new IdTable(baseIds);
  const offsets = bases.map(offsetsOf);
  const runs: Run[] = [];
  // The run that is being made longer.
  let first = 0;
  let offset = 0;
  let length = 0;
  // Where its next chunk should be, counted through all bases; -1: it is missing.
  let next = -1;
  // The base of the run, and which chunks it has, counted the same way.
  let base = 0;
  let baseFirst = 0;
  let baseEnd = 0;
  let baseOffset = 0;
  const end = (i: number): void => {
    if (i === first) return;
    const run = { first, count: i - first, offset, length };
    runs.push(
      next < 0
        ? { kind: "missing", ...run }
        : { kind: "copy", ...run, base, baseOffset },
    );
    first = i;
    offset += length;
    length = 0;
  };
  for (let i = 0; i < wanted.lengths.length; i++) {
    const goesOn = next >= 0 && next < baseEnd &&
      sameId(baseIds, next, ids, i);
    if (goesOn) next++;
    else {
      const found = table.find(ids, i);
      if (found >= 0 || next >= 0) end(i);
      next = found < 0 ? -1 : found + 1;
      if (found >= 0) {
        if (found < baseFirst || found >= baseEnd) {
          [base, baseFirst, baseEnd] = baseOf(bases, found);
        }
        baseOffset = offsets[base]![found - baseFirst]!;
      }
    }
    length += wanted.lengths[i]!;
  }
  end(wanted.lengths.length);
  return runs;
}

/** How much of the wanted file no base has, in bytes. */
export function missingBytes(runs: readonly Run[]): number {
  return missingOf(runs).reduce((sum, { length }) => sum + length, 0);
}

/** The ids of those chunks of `wanted` that no base has, in order. */
export function missingIds(wanted: Recipe, runs: readonly Run[]): Uint8Array {
  const missing = missingOf(runs);
  const chunks = missing.reduce((sum, { count }) => sum + count, 0);
  const ids = new Uint8Array(chunks * ID_BYTES);
  let at = 0;
  for (const { first, count } of missing) {
    const end = first + count;
    ids.set(wanted.ids.subarray(first * ID_BYTES, end * ID_BYTES), at);
    at += count * ID_BYTES;
  }
  return ids;
}

function missingOf(runs: readonly Run[]): MissingRun[] {
  return runs.filter((run) => run.kind === "missing");
}

/** The base that has chunk `number`, the number of its first, and of the next base's. */
function baseOf(
  bases: readonly Recipe[],
  number: number,
): [base: number, first: number, end: number] {
  let first = 0;
  for (const [base, { lengths }] of bases.entries()) {
    const end = first + lengths.length;
    if (number < end) return [base, first, end];
    first = end;
  }
  throw new RangeError(`Chunk ${number} is in no base`);
}
