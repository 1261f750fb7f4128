import { assertEquals } from "@std/assert";
import { parseRelPath } from "../../../src/core/path.ts";
import { Resting } from "../../../src/session/resting.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const A = parseRelPath("a");
const B = parseRelPath("b");

Deno.test("a path that fails again rests twice as long, up to a limit", async () => {
  const clock = new FakeClock();
  const resting = new Resting(clock);
  const rests: number[] = [];
  for (let i = 0; i < 12; i++) {
    resting.add(A, "stale");
    rests.push(resting.due - clock.now());
    await clock.advance(rests.at(-1)!);
    assertEquals(resting.wake(), [A]);
    assertEquals([resting.has(A), resting.due], [false, Infinity]);
  }
  assertEquals(rests.slice(0, 4), [20, 40, 80, 160]);
  assertEquals(rests.at(-1), 10_000);
  assertEquals(resting.tries(A), 12);
});

Deno.test("a path that was woken and did not fail again is forgotten", async () => {
  const clock = new FakeClock();
  const resting = new Resting(clock);
  resting.add(A, "stale");
  resting.add(B, "failed");
  await clock.advance(20);
  assertEquals(resting.wake(), [A]);
  resting.settle();
  assertEquals([resting.tries(A), resting.tries(B)], [0, 1]);
  assertEquals([resting.has(B), resting.due], [true, 1_000]);
  resting.delete(B);
  assertEquals(resting.due, Infinity);
});
