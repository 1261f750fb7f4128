/**
 * Cuts files into chunks where their content says so: an edit moves the
 * boundaries next to it, and no others. The algorithm is FastCDC (Xia et al.,
 * "FastCDC: a Fast and Efficient Content-Defined Chunking Approach for Data
 * Deduplication", USENIX ATC 2016, section 3) with its three ideas: the gear
 * hash, no search below the least length, and normalised chunking.
 *
 * What all versions of this program have to agree on, or equal files would get
 * different recipes (`RECIPE_VERSION` covers it):
 *
 * - Gear: 256 numbers of 32 bits. Number 8k + j is word j, big-endian, of the
 *   SHA-256 of the text "lockstep gear 1/k" (k from 0 to 31, decimal).
 * - Hash: of a byte, `hash = 2 * hash + GEAR[byte]` modulo 2^32. A byte is shifted
 *   out after 32 more: the hash depends on the last 32 bytes and nothing else.
 * - A chunk ends after the first byte at which its length is at least
 *   {@link MIN_CHUNK_BYTES} and the highest bits of the hash are 0: 18 bits where
 *   the length is below {@link NORMAL_CHUNK_BYTES}, else 14. It ends at
 *   {@link MAX_CHUNK_BYTES} in any case, and at the end of the file.
 *
 * 18 and 14 bits are the paper's level 2, two bits more and less than the 16 of
 * an average of 64 KiB. The hash looks at its highest bits, because these have
 * seen the most bytes. Other than in the paper the hash is warmed up with the 31
 * bytes before the first length at which a chunk may end, so that all boundaries
 * depend on 32 bytes of content, wherever the chunk began.
 */
import { hash } from "node:crypto";
import { MAX_CHUNK_BYTES, MIN_CHUNK_BYTES } from "./limits.ts";

/**
 * From this length on, in bytes, a chunk ends more easily. Where it stands
 * decides the average, which is to be 64 KiB for data without structure.
 */
export const NORMAL_CHUNK_BYTES = 52 * 1024;

/** The 18 highest bits. */
const STRICT_MASK = 0xffff_c000 | 0;

/** The 14 highest bits. */
const LOOSE_MASK = 0xfffc_0000 | 0;

/** Bytes that the hash depends on. */
const WINDOW_BYTES = 32;

/** Length of a chunk at which hashing begins. */
const HASHED_FROM = MIN_CHUNK_BYTES - WINDOW_BYTES;

const NOT_FOUND = -1;

/** Words of four bytes in a lane, see {@link uncut}. */
const LANE_WORDS = 256;

/** Bytes in which there surely is a whole turn of both lanes. */
const SHORTEST_LANES = 2 * 4 * LANE_WORDS + 4;

const IS_LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

const GEAR = makeGear();

/** The gear, see the head of this file; for tests. */
export function gear(): Int32Array {
  return GEAR.slice();
}

/** Finds the ends of chunks in a file that comes in parts, however these are cut. */
export class Chunker {
  /** Bytes of the current chunk that went by. */
  #length = 0;
  #hash = 0;

  /** Bytes of the chunk that has begun and did not end yet. */
  get pending(): number {
    return this.#length;
  }

  /**
   * Goes on with the bytes between `from` and `to`, which follow those of the call
   * before. Answers the position behind the end of the current chunk, where the
   * next call has to begin; undefined where the chunk goes on behind `to`.
   * @throws {RangeError} If `from` to `to` is no part of `bytes`.
   */
  next(bytes: Uint8Array, from: number, to: number): number | undefined {
    if (!(from >= 0 && from <= to && to <= bytes.length)) {
      throw new RangeError(
        `Cannot cut from ${from} to ${to}: there are ${bytes.length} bytes`,
      );
    }
    // Where byte 0 of the chunk stands, or would stand: before `bytes` perhaps.
    const start = from - this.#length;
    const tested = start + MIN_CHUNK_BYTES - 1;
    this.#roll(
      bytes,
      Math.max(from, start + HASHED_FROM),
      Math.min(to, tested),
    );
    const normal = start + NORMAL_CHUNK_BYTES - 1;
    let cut = this.#find(
      bytes,
      Math.max(from, tested),
      Math.min(to, normal),
      STRICT_MASK,
    );
    const most = start + MAX_CHUNK_BYTES;
    if (cut === NOT_FOUND) {
      cut = this.#find(
        bytes,
        Math.max(from, normal),
        Math.min(to, most),
        LOOSE_MASK,
      );
    }
    if (cut === NOT_FOUND && to >= most) cut = most;
    if (cut === NOT_FOUND) {
      this.#length = to - start;
      return undefined;
    }
    this.#length = 0;
    this.#hash = 0;
    return cut;
  }

  #roll(bytes: Uint8Array, from: number, to: number): void {
    let hash = this.#hash;
    for (let at = from; at < to; at++) {
      hash = (hash << 1) + GEAR[bytes[at]!]! | 0;
    }
    this.#hash = hash;
  }

  /** The position behind the first byte at which the bits of `mask` are 0. */
  #find(bytes: Uint8Array, from: number, to: number, mask: number): number {
    const skipped = uncut(bytes, from, to, this.#hash, mask);
    let hash = skipped > from ? hashAt(bytes, skipped) : this.#hash;
    // "| 0" says that it is an int32, which is a fifth faster than a number; eight
    // bytes a turn are a quarter faster than one.
    let at = skipped | 0;
    for (; at < to - 7; at += 8) {
      const a = (hash << 1) + GEAR[bytes[at]!]! | 0;
      const b = (a << 1) + GEAR[bytes[at + 1]!]! | 0;
      const c = (b << 1) + GEAR[bytes[at + 2]!]! | 0;
      const d = (c << 1) + GEAR[bytes[at + 3]!]! | 0;
      const e = (d << 1) + GEAR[bytes[at + 4]!]! | 0;
      const f = (e << 1) + GEAR[bytes[at + 5]!]! | 0;
      const g = (f << 1) + GEAR[bytes[at + 6]!]! | 0;
      const h = (g << 1) + GEAR[bytes[at + 7]!]! | 0;
      if (
        (a & mask) === 0 || (b & mask) === 0 || (c & mask) === 0 ||
        (d & mask) === 0 || (e & mask) === 0 || (f & mask) === 0 ||
        (g & mask) === 0 || (h & mask) === 0
      ) break;
      hash = h;
    }
    // Which of the eight it was, or the last few.
    for (; at < to; at++) {
      hash = (hash << 1) + GEAR[bytes[at]!]! | 0;
      if ((hash & mask) === 0) return at + 1;
    }
    this.#hash = hash;
    return NOT_FOUND;
  }
}

/** The hash behind the {@link WINDOW_BYTES} bytes before `at`, which decide it. */
function hashAt(bytes: Uint8Array, at: number): number {
  let hash = 0;
  for (let i = at - WINDOW_BYTES; i < at; i++) {
    hash = (hash << 1) + GEAR[bytes[i]!]! | 0;
  }
  return hash;
}

/**
 * A position between `from` and `to` before which no chunk ends, given the hash at
 * `from`. It looks at two lanes a turn, each of which begins with the hash that its
 * window says, and reads four bytes at once: a fifth faster than one lane.
 */
function uncut(
  bytes: Uint8Array,
  from: number,
  to: number,
  hash: number,
  mask: number,
): number {
  if (to - from < SHORTEST_LANES || !IS_LITTLE_ENDIAN) return from;
  let x = hash | 0;
  // Four bytes at once can be read where they are aligned only.
  let start = from;
  for (; (bytes.byteOffset + start) % 4 !== 0; start++) {
    x = (x << 1) + GEAR[bytes[start]!]! | 0;
    if ((x & mask) === 0) return from;
  }
  const offset = bytes.byteOffset + start;
  const words = new Int32Array(bytes.buffer, offset, (to - start) >> 2);
  let at = 0;
  for (; at + 2 * LANE_WORDS <= words.length; at += 2 * LANE_WORDS) {
    const end = at + LANE_WORDS;
    let y = hashAt(bytes, start + 4 * end) | 0;
    for (let i = at; i < end; i++) {
      const v = words[i]!;
      const w = words[i + LANE_WORDS]!;
      const a = (x << 1) + GEAR[v & 255]! | 0;
      const e = (y << 1) + GEAR[w & 255]! | 0;
      const b = (a << 1) + GEAR[v >>> 8 & 255]! | 0;
      const f = (e << 1) + GEAR[w >>> 8 & 255]! | 0;
      const c = (b << 1) + GEAR[v >>> 16 & 255]! | 0;
      const g = (f << 1) + GEAR[w >>> 16 & 255]! | 0;
      const d = (c << 1) + GEAR[v >>> 24]! | 0;
      const h = (g << 1) + GEAR[w >>> 24]! | 0;
      if (
        (a & mask) === 0 || (b & mask) === 0 || (c & mask) === 0 ||
        (d & mask) === 0 || (e & mask) === 0 || (f & mask) === 0 ||
        (g & mask) === 0 || (h & mask) === 0
      ) return at > 0 ? start + 4 * at : from;
      x = d;
      y = h;
    }
    x = y;
  }
  return start + 4 * at;
}

function makeGear(): Int32Array {
  const bytes = new Uint8Array(4 * 256);
  for (let k = 0; k < 32; k++) {
    bytes.subarray(32 * k).setFromHex(
      hash("sha256", `lockstep gear 1/${k}`, "hex"),
    );
  }
  const view = new DataView(bytes.buffer);
  return Int32Array.from({ length: 256 }, (_, i) => view.getInt32(4 * i));
}
