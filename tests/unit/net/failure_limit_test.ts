import { assert, assertEquals } from "@std/assert";
import { FailureLimit } from "../../../src/net/failure_limit.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const LIMITS = { failures: 3, windowMs: 60_000, addresses: 4 };

function limited(): { clock: FakeClock; limit: FailureLimit } {
  const clock = new FakeClock();
  return { clock, limit: new FailureLimit(clock, LIMITS) };
}

Deno.test("FailureLimit makes an address wait until its window is over", async () => {
  const { clock, limit } = limited();
  for (let i = 0; i < LIMITS.failures; i++) {
    assertEquals(limit.waitMs("a"), 0);
    assertEquals(limit.record("a", true), i === 0);
    await clock.advance(1_000);
  }
  assertEquals(limit.waitMs("a"), 57_000);
  assertEquals(limit.waitMs("b"), 0);
  await clock.advance(56_999);
  assertEquals(limit.waitMs("a"), 1);
  await clock.advance(1);
  assertEquals(limit.waitMs("a"), 0);
  assertEquals(limit.record("a", true), true);
});

Deno.test("FailureLimit does not make wait who only came without a token", () => {
  const { limit } = limited();
  assertEquals(limit.record("a", false), true);
  for (let i = 0; i < 100; i++) assertEquals(limit.record("a", false), false);
  assertEquals(limit.waitMs("a"), 0);
  for (let i = 0; i < LIMITS.failures; i++) limit.record("a", true);
  assert(limit.waitMs("a") > 0);
});

Deno.test("FailureLimit remembers so many addresses, and forgets the oldest", async () => {
  const { clock, limit } = limited();
  for (let i = 0; i < 1_000; i++) {
    for (let n = 0; n < LIMITS.failures; n++) limit.record(`a${i}`, true);
    await clock.advance(1);
  }
  assertEquals(limit.addresses, LIMITS.addresses);
  assertEquals(limit.waitMs("a995"), 0);
  assert(limit.waitMs("a996") > 0);
  await clock.advance(LIMITS.windowMs);
  assertEquals(limit.waitMs("a999"), 0);
  assertEquals(limit.addresses, 0);
});
