/**
 * What is told of a region so that another side can find parts of it in its own
 * content: a weak and a strong sum of each block. All blocks are of one length but
 * the last, the tail, which may be shorter. The scheme is rsync's (Tridgell and
 * Mackerras, "The rsync algorithm", TR-CS-96-05, 1996).
 *
 * How long sums have to be: a block that is taken for another one spoils a chunk.
 * That is found out, for each chunk is proven by its SHA-256, and the file is then
 * made in another round, without deltas. So a false match costs time, but never
 * content, and sums may be short: with n blocks, and a gap of m positions where a
 * block may begin, false matches are fewer than one in 2^{@link SPARE_BITS} gaps as
 * long as a sum has log2(n) + log2(m) + SPARE_BITS bits. That is for a gap whose
 * content is all new, as in a file of which gigabytes are. With a small edit only
 * about a block of positions is searched, a hundredth of m, and false matches are as
 * much rarer.
 */
import { hash } from "node:crypto";
import {
  MAX_BLOCK_BYTES,
  MAX_REGION_BYTES,
  MAX_STRONG_BYTES,
  MIN_BLOCK_BYTES,
} from "./limits.ts";
import { rollingSum, WEAK_BITS, weakOf } from "./rolling.ts";

/** How the sums of a region are made. */
export interface BlockShape {
  /** Length of a block, in bytes. */
  readonly blockBytes: number;
  /** Length of a strong sum, in bytes. */
  readonly strongBytes: number;
}

/** The sums of a region. */
export interface Signature extends BlockShape {
  /** In bytes; it has as many blocks as that takes, the last may be shorter. */
  readonly regionBytes: number;
  /** Of each block: {@link WEAK_BITS} bits. */
  readonly weak: Uint32Array;
  /** Of each block: a whole number of `strongBytes` bytes. */
  readonly strong: Float64Array;
}

/** See the head of this file. */
const SPARE_BITS = 14;

/** Shorter blocks would be matched by chance in what people write. */
const USUAL_MIN_BLOCK_BYTES = 64;

/**
 * The shape that costs least for one small edit: sums for all blocks, and about
 * one block of literal bytes. With s bytes a block that is regionBytes / b * s + b,
 * least where b is the root of regionBytes * s: 1.3 KB in all for a region of
 * 100 KiB.
 * @param targetBytes Length of the content that will be compared with the region.
 */
export function shapeFor(regionBytes: number, targetBytes: number): BlockShape {
  // Blocks first: how many there are decides about the sums only slightly.
  const blockBytes = Math.min(
    Math.max(
      Math.round(Math.sqrt(regionBytes * (WEAK_BITS / 8 + 1))),
      USUAL_MIN_BLOCK_BYTES,
    ),
    MAX_BLOCK_BYTES,
  );
  const bits = Math.log2(Math.max(regionBytes / blockBytes, 1)) +
    Math.log2(Math.max(targetBytes, 1)) + SPARE_BITS;
  const strongBytes = Math.ceil((bits - WEAK_BITS) / 8);
  return {
    blockBytes,
    strongBytes: Math.min(Math.max(strongBytes, 1), MAX_STRONG_BYTES),
  };
}

/**
 * The sums of `region`.
 * @throws {RangeError} If the region or the shape is outside `limits.ts`.
 */
export function signatureOf(region: Uint8Array, shape: BlockShape): Signature {
  const { blockBytes, strongBytes } = shape;
  if (
    region.length > MAX_REGION_BYTES || blockBytes < MIN_BLOCK_BYTES ||
    blockBytes > MAX_BLOCK_BYTES || strongBytes < 1 ||
    strongBytes > MAX_STRONG_BYTES
  ) {
    throw new RangeError(
      `Cannot sign ${region.length} bytes in blocks of ${blockBytes} with sums of ${strongBytes}`,
    );
  }
  const count = blockCount(region.length, blockBytes);
  const weak = new Uint32Array(count);
  const strong = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const from = i * blockBytes;
    const to = Math.min(from + blockBytes, region.length);
    weak[i] = weakOf(rollingSum(region, from, to));
    strong[i] = strongSum(region, from, to, strongBytes);
  }
  return { blockBytes, strongBytes, regionBytes: region.length, weak, strong };
}

/** How many blocks a region has. */
export function blockCount(regionBytes: number, blockBytes: number): number {
  return Math.ceil(regionBytes / blockBytes);
}

/** The first `strongBytes` bytes of the SHA-256 of a block, as a whole number. */
export function strongSum(
  bytes: Uint8Array,
  from: number,
  to: number,
  strongBytes: number,
): number {
  const digest = hash("sha256", bytes.subarray(from, to), "hex");
  return Number.parseInt(digest.slice(0, 2 * strongBytes), 16);
}
