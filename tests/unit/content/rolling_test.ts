import { assertEquals } from "@std/assert";
import {
  leavingFactor,
  roll,
  rollingSum,
  weakOf,
} from "../../../src/content/rolling.ts";
import { Random } from "../../support/random.ts";

/** Of 1,000 random bytes of seed 1; must never change. */
const FROZEN_SUM = 1_881_333_074;

Deno.test("rollingSum() is the polynomial that its description says", () => {
  const bytes = Uint8Array.of(9, 200, 0, 255, 3, 1, 77, 8, 5);
  for (let from = 0; from < bytes.length; from++) {
    for (let to = from; to <= bytes.length; to++) {
      let sum = 0n;
      for (const byte of bytes.subarray(from, to)) {
        sum = (sum * 2_891_336_453n + BigInt(byte)) % 2n ** 32n;
      }
      assertEquals(rollingSum(bytes, from, to) >>> 0, Number(sum));
    }
  }
});

Deno.test("rollingSum() and weakOf() are those of version 1", () => {
  const bytes = new Random(1).bytes(1_000);
  assertEquals(rollingSum(bytes, 0, 1_000), FROZEN_SUM);
  assertEquals(weakOf(FROZEN_SUM), FROZEN_SUM >>> 8);
  assertEquals(weakOf(-1), 2 ** 24 - 1);
});

Deno.test("roll() gives the sum of the next block, for every length", () => {
  const bytes = new Random(2).bytes(300);
  for (const length of [1, 2, 3, 4, 5, 16, 63, 64, 200]) {
    const factor = leavingFactor(length);
    let sum = rollingSum(bytes, 0, length);
    for (let at = 0; at + length < bytes.length; at++) {
      sum = roll(sum, bytes[at]!, bytes[at + length]!, factor);
      assertEquals(sum, rollingSum(bytes, at + 1, at + 1 + length));
    }
  }
});

Deno.test("weakOf() tells apart the blocks of text and of counters", () => {
  const text = new TextEncoder().encode(
    Array.from({ length: 20_000 }, (_, i) => `entry ${i}: ok\n`).join(""),
  );
  const counters = new Uint8Array(
    Uint32Array.from({ length: 50_000 }, (_, i) => i).buffer,
  );
  for (const bytes of [text, counters, new Random(3).bytes(200_000)]) {
    // 200 positions in each of 64 places: by chance 4 or 5 of them are equal.
    const weak = new Set<number>();
    for (let i = 0; i < 12_800; i++) {
      const at = i % 200 + Math.floor(i / 200) * 2_500;
      weak.add(weakOf(rollingSum(bytes, at, at + 512)));
    }
    assertEquals(weak.size > 12_780, true, `${weak.size}`);
  }
});
