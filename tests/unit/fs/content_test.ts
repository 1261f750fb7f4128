import { assertEquals } from "@std/assert";
import { type Stretch, stretchesOf } from "../../../src/fs/content.ts";

const BLOCK = 4_096;

/** One letter a block: "0" is zeros, "x" is data; a last "." is half a block of zeros. */
function bytesOf(pattern: string, shift = 0): Uint8Array {
  const half = pattern.endsWith(".");
  const blocks = half ? pattern.slice(0, -1) : pattern;
  const length = blocks.length * BLOCK + (half ? BLOCK / 2 : 0);
  const bytes = new Uint8Array(length + shift).subarray(shift);
  for (const [i, letter] of [...blocks].entries()) {
    if (letter === "x") bytes[i * BLOCK + BLOCK / 2] = 7;
  }
  return bytes;
}

function show(stretches: Stretch[]): string {
  return stretches.map(({ zero, start, end }) =>
    `${zero ? "zero" : "data"} ${start / BLOCK}-${end / BLOCK}`
  ).join(", ");
}

const CASES: readonly [pattern: string, expected: string][] = [
  ["", ""],
  ["x", "data 0-1"],
  ["0", "zero 0-1"],
  ["xx", "data 0-2"],
  ["00x", "zero 0-2, data 2-3"],
  ["x00x", "data 0-1, zero 1-3, data 3-4"],
  ["0x0x0", "zero 0-1, data 1-2, zero 2-3, data 3-4, zero 4-5"],
  ["x.", "data 0-1, zero 1-1.5"],
  [".", "zero 0-0.5"],
];

for (const [pattern, expected] of CASES) {
  Deno.test(`stretchesOf() parts "${pattern}" into ${expected || "nothing"}`, () => {
    assertEquals(show(stretchesOf(bytesOf(pattern))), expected);
  });
  Deno.test(`stretchesOf() parts "${pattern}" alike when it is not aligned`, () => {
    assertEquals(show(stretchesOf(bytesOf(pattern, 3))), expected);
  });
}

Deno.test("stretchesOf() sees a single byte anywhere in a block", () => {
  for (const at of [0, 1, 2, 3, 4, 2047, 4092, 4093, 4094, 4095]) {
    for (const value of [1, 0x80, 0xff]) {
      const bytes = new Uint8Array(2 * BLOCK);
      bytes[BLOCK + at] = value;
      assertEquals(show(stretchesOf(bytes)), "zero 0-1, data 1-2");
    }
  }
});
