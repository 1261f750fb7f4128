import { assert, assertEquals } from "@std/assert";
import { BURST_MS, TokenBucket } from "../../../src/session/token_bucket.ts";
import { Random } from "../../support/random.ts";

Deno.test("TokenBucket lets a burst go at once, and then as fast as its rate", () => {
  const bucket = new TokenBucket(1_000, 50);
  assertEquals(bucket.waitFor(200, 50), 0);
  bucket.take(200, 50);
  assertEquals(bucket.waitFor(100, 50), 100);
  assertEquals(bucket.waitFor(100, 149), 1);
  assertEquals(bucket.waitFor(100, 150), 0);
  bucket.take(100, 150);
  assertEquals(bucket.waitFor(1, 150), 1);
});

Deno.test("TokenBucket does not save up more than a burst", () => {
  const bucket = new TokenBucket(1_000, 0);
  assertEquals(bucket.waitFor(200, 1e9), 0);
  bucket.take(200, 1e9);
  assertEquals(bucket.waitFor(200, 1e9), 200);
});

Deno.test("TokenBucket lets go what is more than a burst, and makes up for it", () => {
  const bucket = new TokenBucket(1_000, 0);
  assertEquals(bucket.waitFor(1_000, 0), 0);
  bucket.take(1_000, 0);
  assertEquals(bucket.waitFor(100, 0), 900);
  assertEquals(bucket.waitFor(100, 900), 0);
});

Deno.test("TokenBucket never lets more go in any stretch than its rate and a burst", () => {
  const random = new Random(12);
  for (const rate of [1_024, 10_240, 1_000_000, 12_345_678_901]) {
    const burst = rate * BURST_MS / 1000;
    const bucket = new TokenBucket(rate, 0);
    const gone: { at: number; bytes: number }[] = [];
    let now = 0;
    for (let i = 0; i < 500; i++) {
      const bytes = random.below(Math.floor(burst)) + 1;
      let tries = 0;
      for (let ms; (ms = bucket.waitFor(bytes, now)) > 0; now += ms) {
        assert(++tries < 3, "it has to be there after the wait");
      }
      bucket.take(bytes, now);
      gone.push({ at: now, bytes });
      // Sometimes nobody wants anything for a while.
      if (random.below(20) === 0) now += random.below(2_000);
    }
    for (let from = 0; from < gone.length; from += 7) {
      let sum = 0;
      for (const { at, bytes } of gone.slice(from)) {
        sum += bytes;
        const most = burst + rate * (at - gone[from]!.at) / 1000;
        assert(sum <= most * (1 + 1e-9) + 1, `${sum} bytes, not ${most}`);
      }
    }
  }
});
