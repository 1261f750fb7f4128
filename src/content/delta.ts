/**
 * What changes a region into a target: parts of the region, and literal bytes.
 * `delta()` needs only the region's signature, `patch()` the region itself.
 * (Tridgell and Mackerras, "The rsync algorithm", TR-CS-96-05, 1996.)
 *
 * Law: `patch(region, delta(target, signatureOf(region)).operations)` is the target,
 * unless sums of different blocks are equal; see `signature.ts`. So what `patch()`
 * makes has to be proven.
 */
import { BlockSearch } from "./block_search.ts";
import { rollingSum, weakOf } from "./rolling.ts";
import { type Signature, strongSum } from "./signature.ts";

/** One step of making the target, from its start to its end. */
export type DeltaOperation =
  | {
    /** Bytes of the region. */
    readonly kind: "copy";
    /** From the start of the region, in bytes. */
    readonly offset: number;
    /** At least 1. */
    readonly length: number;
  }
  | {
    /** Bytes that the region does not have; at least one. */
    readonly kind: "literal";
    readonly bytes: Uint8Array;
  };

/** The operations, and what it took to find them. */
export interface Delta {
  /** As few as can be: no two copies, and no two literals, could be one. */
  readonly operations: readonly DeltaOperation[];
  /** Bytes in all literals. */
  readonly literalBytes: number;
  /**
   * Strong sums that the search computed: at most one for each block of the target
   * and one more than `searchAllowance()`.
   */
  readonly strongSums: number;
  /** Blocks that it looked at: at most `MAX_CANDIDATES` and one for each byte. */
  readonly candidates: number;
}

/**
 * How `target` is made of the region with that signature. Literals are views onto
 * `target`. The work is bounded by the length of the target, whatever is in it or
 * in the signature: where the search is given up, the rest is literal.
 */
export function delta(target: Uint8Array, signature: Signature): Delta {
  const { blockBytes, regionBytes } = signature;
  const operations: DeltaOperation[] = [];
  let literalBytes = 0;
  // The copy that the last operation is, while it can still get longer.
  let run: { kind: "copy"; offset: number; length: number } | undefined;
  const literal = (from: number, to: number): void => {
    if (from === to) return;
    operations.push({ kind: "literal", bytes: target.subarray(from, to) });
    literalBytes += to - from;
    run = undefined;
  };
  const copy = (offset: number, length: number): void => {
    if (run !== undefined && run.offset + run.length === offset) {
      run.length += length;
    } else {
      run = { kind: "copy", offset, length };
      operations.push(run);
    }
  };
  // The tail is shorter than a block, so it can only be the end of the target.
  const tailBytes = regionBytes % blockBytes;
  const endsEqual = hasTail(target, signature, tailBytes);
  const end = endsEqual ? target.length - tailBytes : target.length;
  const search = new BlockSearch(target.subarray(0, end), signature);
  let at = 0;
  let expected = 0;
  for (let match; (match = search.next(at, expected)) !== undefined;) {
    literal(at, match.at);
    copy(match.block * blockBytes, blockBytes);
    at = match.at + blockBytes;
    expected = match.block + 1;
  }
  literal(at, end);
  if (endsEqual) copy(regionBytes - tailBytes, tailBytes);
  const { strongSums, candidates } = search;
  return { operations, literalBytes, strongSums, candidates };
}

/**
 * What the operations make of `region`: `length` bytes, as all of them have.
 * @throws {RangeError} If they copy from outside the region or make more or fewer.
 */
export function patch(
  region: Uint8Array,
  operations: readonly DeltaOperation[],
  length: number,
): Uint8Array<ArrayBuffer> {
  const target = new Uint8Array(length);
  let at = 0;
  for (const operation of operations) {
    const bytes = operation.kind === "literal"
      ? operation.bytes
      : region.subarray(operation.offset, operation.offset + operation.length);
    const made = operation.kind === "literal" ? bytes.length : operation.length;
    if (bytes.length !== made) {
      throw new RangeError(
        `Cannot copy ${made} bytes: the region ends after ${bytes.length}`,
      );
    }
    target.set(bytes, at);
    at += made;
  }
  if (at === length) return target;
  throw new RangeError(
    `Cannot make ${length} bytes: the operations make ${at}`,
  );
}

/** Whether `target` ends with the last `tailBytes` bytes of the region; 0 is no tail. */
function hasTail(
  target: Uint8Array,
  { weak, strong, strongBytes }: Signature,
  tailBytes: number,
): boolean {
  const from = target.length - tailBytes;
  if (tailBytes === 0 || from < 0) return false;
  return weakOf(rollingSum(target, from, target.length)) === weak.at(-1) &&
    strongSum(target, from, target.length, strongBytes) === strong.at(-1);
}
