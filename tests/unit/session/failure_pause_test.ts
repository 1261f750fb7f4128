import { assertEquals } from "@std/assert";
import { FailurePause } from "../../../src/session/failure_pause.ts";
import { FakeClock } from "../../support/fake_clock.ts";

Deno.test("pauses double up to 30 s, until a try goes well or there is another side", async () => {
  const clock = new FakeClock();
  await clock.advance(500);
  const pause = new FailurePause(clock, () => {});
  const fail = (): number => {
    pause.begin(new Error("gone"));
    const ms = pause.until! - clock.now();
    pause.end();
    assertEquals(pause.until, undefined);
    return ms;
  };
  assertEquals(Array.from({ length: 7 }, fail), [
    1_000,
    2_000,
    4_000,
    8_000,
    16_000,
    30_000,
    30_000,
  ]);
  pause.settle();
  assertEquals([fail(), fail()], [1_000, 2_000]);
  pause.begin(new Error("gone"));
  pause.restart();
  assertEquals(pause.until, undefined);
  assertEquals(fail(), 1_000);
});

Deno.test("the same failure in a row is warned of once, also over sides", () => {
  const warnings: string[] = [];
  const pause = new FailurePause(new FakeClock(), (it) => warnings.push(it));
  const fail = (message: string): void => pause.begin(new Error(message));
  fail("a");
  fail("a");
  pause.restart();
  fail("a");
  assertEquals(warnings, ["a"]);
  fail("b");
  fail("a");
  pause.settle();
  fail("a");
  assertEquals(warnings, ["a", "b", "a", "a"]);
});
