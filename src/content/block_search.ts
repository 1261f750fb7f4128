/**
 * Searches a target for the blocks of a signature. A signature comes from a peer,
 * and content from anybody: neither may make a search long. So not more than
 * {@link MAX_CANDIDATES} blocks are looked at in one place, and strong sums that
 * turn out to be in vain have an allowance; when it is used up, nothing more is
 * found. The work is bounded by the length of the target.
 */
import {
  leavingFactor,
  roll,
  rollingSum,
  WEAK_BITS,
  weakOf,
} from "./rolling.ts";
import { type Signature, strongSum } from "./signature.ts";

/** Most blocks of a slot that are looked at; by chance there are rarely three. */
export const MAX_CANDIDATES = 16;

/** With 16, one position in 16 has to be looked at more closely. */
const SLOTS_PER_BLOCK = 16;

/** A block that was found. */
export interface Match {
  /** Where in the target, in bytes. */
  readonly at: number;
  /** Number of the block. */
  readonly block: number;
}

/** One search, from the start of a target to its end. */
export class BlockSearch {
  readonly #signature: Signature;
  readonly #target: Uint8Array;
  /** Blocks of full length; the tail is not searched for. */
  readonly #count: number;
  readonly #factor: number;
  /** A whole sum shifted right by this many bits is the number of its slot. */
  readonly #shift: number;
  /** For each slot: number of a block plus 1; 0 is none. */
  readonly #heads: Int32Array;
  /** For each block the next one in its slot, likewise. */
  readonly #next: Int32Array;
  readonly #allowance: number;
  #wasted = 0;
  #strongSums = 0;
  #candidates = 0;

  constructor(target: Uint8Array, signature: Signature) {
    const { regionBytes, blockBytes } = signature;
    this.#signature = signature;
    this.#target = target;
    this.#count = Math.floor(regionBytes / blockBytes);
    this.#factor = leavingFactor(blockBytes);
    this.#allowance = searchAllowance(target.length, blockBytes);
    const slots = SLOTS_PER_BLOCK * this.#count + 1;
    const bits = Math.min(Math.ceil(Math.log2(slots)), WEAK_BITS);
    this.#shift = 32 - bits;
    this.#heads = new Int32Array(2 ** bits);
    this.#next = new Int32Array(this.#count);
    for (let i = 0; i < this.#count; i++) this.#insert(i);
  }

  /** Strong sums that were computed so far. */
  get strongSums(): number {
    return this.#strongSums;
  }

  /** Blocks that were looked at so far. */
  get candidates(): number {
    return this.#candidates;
  }

  /**
   * The first place from `from` on where a block is, as far as sums can tell;
   * undefined if there is none. If several blocks are equal, it is `expected` if
   * that is one of them.
   */
  next(from: number, expected: number): Match | undefined {
    const target = this.#target;
    const heads = this.#heads;
    // "| 0": int32s, as in `chunker.ts`. All that is done for each byte is here: a
    // call would have to box the sum.
    const blockBytes = this.#signature.blockBytes | 0;
    const factor = this.#factor | 0;
    const shift = this.#shift | 0;
    const last = (target.length - blockBytes) | 0;
    if (from > last || this.#count === 0) return undefined;
    let sum = rollingSum(target, from, from + blockBytes);
    for (let at = from | 0;; at++) {
      if (heads[sum >>> shift] !== 0) {
        if (this.#wasted > this.#allowance) return undefined;
        const block = this.#find(at, weakOf(sum), expected);
        if (block >= 0) return { at, block };
      }
      if (at >= last) return undefined;
      sum = roll(sum, target[at]!, target[at + blockBytes]!, factor);
    }
  }

  /** The number of a block with this weak sum that is equal to the one at `at`, or -1. */
  #find(at: number, weak: number, expected: number): number {
    const sums = this.#signature;
    let strong = -1;
    if (expected < this.#count && sums.weak[expected] === weak) {
      this.#candidates++;
      strong = this.#strongSum(at);
      if (sums.strong[expected] === strong) return expected;
    }
    let number = this.#heads[this.#slotOf(weak)]!;
    for (let i = 0; number !== 0 && i < MAX_CANDIDATES; i++) {
      const block = number - 1;
      this.#candidates++;
      if (sums.weak[block] === weak) {
        if (strong < 0) strong = this.#strongSum(at);
        if (sums.strong[block] === strong) return block;
      }
      number = this.#next[block]!;
    }
    if (strong >= 0) this.#wasted++;
    return -1;
  }

  #strongSum(at: number): number {
    const { blockBytes, strongBytes } = this.#signature;
    this.#strongSums++;
    return strongSum(this.#target, at, at + blockBytes, strongBytes);
  }

  #slotOf(weak: number): number {
    return weak >>> (this.#shift - (32 - WEAK_BITS));
  }

  /** Adds block number `i`, unless an equal one is there. */
  #insert(i: number): void {
    const { weak, strong } = this.#signature;
    const slot = this.#slotOf(weak[i]!);
    let number = this.#heads[slot]!;
    for (let steps = 0; number !== 0 && steps < MAX_CANDIDATES; steps++) {
      const block = number - 1;
      if (weak[block] === weak[i] && strong[block] === strong[i]) return;
      number = this.#next[block]!;
    }
    this.#next[i] = this.#heads[slot]!;
    this.#heads[slot] = i + 1;
  }
}

/**
 * How many strong sums may be in vain before a search is given up: 4 for each
 * block of the target and 64. By chance it is one in some thousand bytes at most;
 * more are needed where somebody chose content or sums to that end.
 */
export function searchAllowance(
  targetBytes: number,
  blockBytes: number,
): number {
  return 64 + 4 * Math.ceil(targetBytes / blockBytes);
}
