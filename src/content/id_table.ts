/**
 * Finds an id among many: of a chunk, or of a page. A hash table with open
 * addressing (Knuth, The Art of Computer Programming 3, section 6.4, algorithm L):
 * 40 bytes an id where a Map needs several times that. An id is its own hash, for
 * it is a SHA-256; ids are always compared in full.
 *
 * Whoever makes content can choose some bits of its ids, and so fill one corner of
 * the table. Therefore a search ends after {@link MAX_PROBES}: what is not found
 * for that is sent once more, which costs bytes, but never time without bound. By
 * chance it happens to one table of a million ids in 50,000.
 */
import { ID_BYTES } from "./limits.ts";

const MAX_PROBES = 128;

const ID_WORDS = ID_BYTES / 4;

/** Ids as 32-bit words in the order of this machine: quick to compare. */
export type IdWords = Int32Array;

/** The ids of `lists`, one list after the other; a copy only where it must be. */
export function idWordsOf(lists: readonly Uint8Array[]): IdWords {
  const [only] = lists;
  if (lists.length === 1 && only!.byteOffset % 4 === 0) {
    return new Int32Array(only!.buffer, only!.byteOffset, only!.length / 4);
  }
  const joined = new Uint8Array(lists.reduce((sum, it) => sum + it.length, 0));
  let at = 0;
  for (const list of lists) {
    joined.set(list, at);
    at += list.length;
  }
  return new Int32Array(joined.buffer);
}

/** Whether id number `i` of `a` is id number `j` of `b`. */
export function sameId(a: IdWords, i: number, b: IdWords, j: number): boolean {
  const x = i * ID_WORDS;
  const y = j * ID_WORDS;
  for (let k = 0; k < ID_WORDS; k++) if (a[x + k] !== b[y + k]) return false;
  return true;
}

/** Where ids are: of equal ones, the first. */
export class IdTable {
  readonly #ids: IdWords;
  /** Number of an id plus 1; 0 is free. At least half of them are. */
  readonly #slots: Int32Array;

  /** @param ids Must not change while the table is in use. */
  constructor(ids: IdWords) {
    const count = ids.length / ID_WORDS;
    this.#ids = ids;
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * count + 2)));
    for (let i = 0; i < count; i++) {
      const slot = this.#slotOf(ids, i);
      if (slot >= 0 && this.#slots[slot] === 0) this.#slots[slot] = i + 1;
    }
  }

  /** The number of the id that is number `i` of `ids`; -1 if it is not there. */
  find(ids: IdWords, i: number): number {
    const slot = this.#slotOf(ids, i);
    return slot < 0 ? -1 : this.#slots[slot]! - 1;
  }

  /** The slot that has the id, or a free one for it; -1 after too many others. */
  #slotOf(ids: IdWords, i: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = ids[i * ID_WORDS]! & mask;
    for (let probe = 0; probe < MAX_PROBES; probe++) {
      const number = slots[slot]!;
      if (number === 0 || sameId(this.#ids, number - 1, ids, i)) return slot;
      slot = slot + 1 & mask;
    }
    return -1;
  }
}
