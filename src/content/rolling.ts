/**
 * The weak sum of a block: quick to compute, and quicker to move on by one byte.
 * It is the polynomial hash of Karp and Rabin ("Efficient randomized
 * pattern-matching algorithms", IBM Journal of Research and Development 31, 1987,
 * section 4), modulo 2^32: for bytes b1 to bn, b1 * M^(n-1) + ... + bn * M^0.
 *
 * The sum of rsync (Tridgell, "Efficient Algorithms for Sorting and
 * Synchronization", 1999, section 3.2.2) is two sums of bytes. In blocks of some
 * hundred bytes these reach a small part of their 32 bits: the lower half of random
 * blocks of 500 bytes has about 12 bits of chance, that of text still less. Here
 * all high bits are well mixed; {@link WEAK_BITS} of them travel. The price is a
 * multiplication a byte.
 */

/** A whole sum: 32 bits, as an int32. */
export type RollingSum = number;

/** The highest bits of a sum, which have seen the most of the block. */
export const WEAK_BITS = 24;

/** A multiplier modulo 2^32 of L'Ecuyer's (Mathematics of Computation 68, 1999). */
const MULTIPLIER = 2_891_336_453 | 0;
const MULTIPLIER_2 = Math.imul(MULTIPLIER, MULTIPLIER);
const MULTIPLIER_3 = Math.imul(MULTIPLIER_2, MULTIPLIER);
const MULTIPLIER_4 = Math.imul(MULTIPLIER_2, MULTIPLIER_2);

/** The sum of the bytes between `from` and `to`. */
export function rollingSum(
  bytes: Uint8Array,
  from: number,
  to: number,
): RollingSum {
  let sum = 0;
  let at = from | 0;
  // Four bytes a turn, whose products do not wait for each other.
  for (; at < to - 3; at += 4) {
    const high = Math.imul(bytes[at]!, MULTIPLIER_3) +
        Math.imul(bytes[at + 1]!, MULTIPLIER_2) | 0;
    const low = Math.imul(bytes[at + 2]!, MULTIPLIER) + bytes[at + 3]! | 0;
    sum = Math.imul(sum, MULTIPLIER_4) + (high + low | 0) | 0;
  }
  for (; at < to; at++) sum = Math.imul(sum, MULTIPLIER) + bytes[at]! | 0;
  return sum;
}

/** What a byte is multiplied by that leaves a block of `length` bytes. */
export function leavingFactor(length: number): number {
  let factor = 1;
  for (let i = 0; i < length; i++) factor = Math.imul(factor, MULTIPLIER);
  return factor;
}

/** The sum of a block that loses its first byte, `out`, and gets `into` at its end. */
export function roll(
  sum: RollingSum,
  out: number,
  into: number,
  factor: number,
): RollingSum {
  return Math.imul(sum, MULTIPLIER) + (into - Math.imul(out, factor) | 0) | 0;
}

/** The bits of `sum` that travel, as a whole number. */
export function weakOf(sum: RollingSum): number {
  return sum >>> (32 - WEAK_BITS);
}
