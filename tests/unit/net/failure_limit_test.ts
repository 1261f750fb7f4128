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
    assertEquals(limit.fail("a"), i === LIMITS.failures - 1);
    await clock.advance(1_000);
  }
  assertEquals(limit.waitMs("a"), 57_000);
  assertEquals(limit.waitMs("b"), 0);
  await clock.advance(56_999);
  assertEquals(limit.waitMs("a"), 1);
  await clock.advance(1);
  assertEquals(limit.waitMs("a"), 0);
  assertEquals(limit.fail("a"), false);
});

Deno.test("FailureLimit tells what is new of an address in its window, and does not make it wait for that", async () => {
  const { clock, limit } = limited();
  for (const what of ["x", "y"]) {
    assertEquals(limit.isNew("a", what), true);
    for (let i = 0; i < 100; i++) assertEquals(limit.isNew("a", what), false);
  }
  assertEquals(limit.isNew("b", "x"), true);
  assertEquals(limit.waitMs("a"), 0);
  for (let i = 0; i < LIMITS.failures; i++) limit.fail("a");
  assert(limit.waitMs("a") > 0);
  await clock.advance(LIMITS.windowMs);
  assertEquals(limit.isNew("a", "x"), true);
});

Deno.test("FailureLimit remembers so many addresses, and forgets the oldest", async () => {
  const { clock, limit } = limited();
  for (let i = 0; i < 1_000; i++) {
    for (let n = 0; n < LIMITS.failures; n++) limit.fail(`a${i}`);
    await clock.advance(1);
  }
  assertEquals(limit.addresses, LIMITS.addresses);
  assertEquals(limit.waitMs("a995"), 0);
  assert(limit.waitMs("a996") > 0);
  await clock.advance(LIMITS.windowMs);
  assertEquals(limit.waitMs("a999"), 0);
  assertEquals(limit.addresses, 0);
});
