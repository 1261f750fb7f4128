import { assertEquals, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import {
  Chunker,
  gear,
  NORMAL_CHUNK_BYTES,
} from "../../../src/content/chunker.ts";
import {
  MAX_CHUNK_BYTES,
  MIN_CHUNK_BYTES,
} from "../../../src/content/limits.ts";
import { Random } from "../../support/random.ts";

/**
 * Lengths of chunks as version 1 cuts them. They must never change: another cut
 * makes all stored recipes worthless, and two releases find nothing in common.
 */
const FROZEN: readonly [
  name: string,
  bytes: Uint8Array,
  lengths: readonly number[],
][] = [
  ["nothing", new Uint8Array(0), []],
  ["one byte", new Uint8Array(1), [1]],
  ["less than the least", new Random(7).bytes(MIN_CHUNK_BYTES - 1), [16_383]],
  // A constant byte has a constant hash, and none of the 256 is a boundary.
  ["zeros", new Uint8Array(1_000_000), [262_144, 262_144, 262_144, 213_568]],
  ["random bytes of seed 1", new Random(1).bytes(2 ** 20), [
    ...[29_622, 69_980, 75_854, 74_132, 112_930, 77_022, 59_562, 72_439],
    ...[72_512, 62_975, 54_281, 59_287, 61_907, 60_113, 81_664, 24_296],
  ]],
  ["random bytes of seed 2", new Random(2).bytes(2 ** 20), [
    ...[62_342, 57_634, 62_826, 69_314, 55_106, 79_050, 56_457, 73_960, 55_278],
    ...[57_719, 53_900, 37_045, 67_936, 40_659, 41_008, 104_691, 65_479, 8_172],
  ]],
  ["numbered lines", numberedLines(40_000), [
    ...[59_712, 85_944, 33_795, 72_280, 60_247, 57_582, 55_256, 53_989],
    ...[72_854, 76_618, 54_629, 57_883, 57_789, 64_111, 46_201],
  ]],
];

Deno.test("The gear is the one of version 1", () => {
  const view = new DataView(new ArrayBuffer(4 * 256));
  for (const [i, number] of gear().entries()) view.setInt32(4 * i, number);
  assertEquals(
    createHash("sha256").update(new Uint8Array(view.buffer)).digest("hex"),
    "4af2bc6b6497c9438b54304d5c018317ae316807745806285452f474d09345e8",
  );
});

Deno.test("The gear is made as it is described", () => {
  const digest = createHash("sha256").update("lockstep gear 1/31").digest();
  assertEquals(gear()[8 * 31 + 7], digest.readInt32BE(28));
});

for (const [name, bytes, lengths] of FROZEN) {
  Deno.test(`Chunker cuts ${name} as version 1 does`, () => {
    assertEquals(lengthsOf(bytes), lengths);
  });
}

Deno.test("Chunker cuts where the description says", () => {
  for (let seed = 0; seed < 3; seed++) {
    const bytes = new Random(seed).bytes(700_000 + seed);
    // Some bytes repeat, so that boundaries are rare in the middle.
    bytes.copyWithin(200_000, 199_000, 200_000);
    bytes.fill(7, 300_000, 450_000);
    const lengths: number[] = [];
    for (let from = 0; from < bytes.length;) {
      const length = describedLength(bytes, from);
      lengths.push(length);
      from += length;
    }
    assertEquals(lengthsOf(bytes), lengths);
  }
});

Deno.test("Chunker cuts at the least length, and counts all 32 bytes before", () => {
  const bytes = new Random(6).bytes(2 ** 22);
  const numbers = gear();
  let hash = 0;
  let end = 0;
  // A boundary that the first of its bytes decides: without it, one bit is 1.
  for (; hash >>> 14 !== 0 || end < 32 || isEven(end - 32); end++) {
    hash = 2 * hash + numbers[bytes[end]!]! | 0;
  }
  function isEven(at: number): boolean {
    return numbers[bytes[at]!]! % 2 === 0;
  }
  const file = new Uint8Array(MIN_CHUNK_BYTES + 1_000);
  file.set(bytes.subarray(end - 32, end), MIN_CHUNK_BYTES - 32);
  assertEquals(cutPoint(file, 0, file.length), MIN_CHUNK_BYTES);
  // One byte earlier it is no boundary yet.
  const early = file.subarray(1);
  assertEquals(cutPoint(early, 0, early.length), early.length);
});

Deno.test("cutPoint() works on a part of the bytes, and needs no more than the longest chunk", () => {
  const bytes = new Random(4).bytes(600_000);
  const whole = cutPoint(bytes, 0, bytes.length);
  const moved = new Uint8Array(bytes.length + 99);
  moved.set(bytes, 33);
  assertEquals(cutPoint(moved, 33, moved.length) - 33, whole);
  assertEquals(cutPoint(bytes, 0, MAX_CHUNK_BYTES), whole);
  assertEquals(cutPoint(bytes, 0, whole), whole);
  assertEquals(cutPoint(bytes, 0, whole - 1), whole - 1);
  assertEquals(cutPoint(bytes, 5, 5), 5);
});

Deno.test("Chunker.next() cuts byte by byte as it does at once", () => {
  const bytes = new Random(5).bytes(300_000);
  const chunker = new Chunker();
  const lengths: number[] = [];
  let start = 0;
  for (let at = 0; at < bytes.length; at++) {
    const end = chunker.next(bytes, at, at + 1);
    if (end === undefined) continue;
    lengths.push(end - start);
    start = end;
    assertEquals(chunker.pending, 0);
  }
  assertEquals(chunker.pending, bytes.length - start);
  assertEquals([...lengths, bytes.length - start], lengthsOf(bytes));
});

Deno.test("Chunker.next() cuts the same wherever the bytes lie, and however they are parted", () => {
  const content = new Random(5).bytes(2 ** 21);
  const expected = lengthsOf(content);
  for (let shift = 1; shift < 4; shift++) {
    const moved = new Uint8Array(content.length + shift).subarray(shift);
    moved.set(content);
    assertEquals(lengthsOf(moved), expected, `moved by ${shift} bytes`);
  }
  const random = new Random(6);
  for (let round = 0; round < 10; round++) {
    const chunker = new Chunker();
    const lengths: number[] = [];
    let begun = 0;
    for (let from = 0; from < content.length;) {
      const to = Math.min(from + 1 + random.below(9_000), content.length);
      for (let at = from;;) {
        const end = chunker.next(content, at, to);
        if (end === undefined) break;
        lengths.push(end - begun);
        begun = at = end;
      }
      from = to;
    }
    if (chunker.pending > 0) lengths.push(chunker.pending);
    assertEquals(lengths, expected);
  }
});

Deno.test("Chunker.next() refuses what is no part of the bytes", () => {
  const bytes = new Uint8Array(10);
  for (const [from, to] of [[-1, 5], [6, 5], [0, 11], [NaN, 5], [0, NaN]]) {
    assertThrows(() => new Chunker().next(bytes, from!, to!), RangeError);
  }
});

function lengthsOf(bytes: Uint8Array): number[] {
  const lengths: number[] = [];
  for (let from = 0; from < bytes.length;) {
    const end = cutPoint(bytes, from, bytes.length);
    lengths.push(end - from);
    from = end;
  }
  return lengths;
}

/** The definition, word by word: each hash is made of its 32 bytes anew. */
function describedLength(bytes: Uint8Array, from: number): number {
  const numbers = gear();
  const most = Math.min(MAX_CHUNK_BYTES, bytes.length - from);
  for (let length = MIN_CHUNK_BYTES; length < most; length++) {
    let hash = 0;
    for (let i = from + length - 32; i < from + length; i++) {
      hash = (2 * hash + numbers[bytes[i]!]!) >>> 0;
    }
    const bits = length < NORMAL_CHUNK_BYTES ? 18 : 14;
    if (hash < 2 ** (32 - bits)) return length;
  }
  return most;
}

function numberedLines(count: number): Uint8Array {
  const lines = Array.from(
    { length: count },
    (_, i) => `line ${i} of the text\n`,
  );
  return new TextEncoder().encode(lines.join(""));
}

/** The end of the chunk that begins at `from`; `to` where there is none before. */
function cutPoint(bytes: Uint8Array, from: number, to: number): number {
  return new Chunker().next(bytes, from, to) ?? to;
}
