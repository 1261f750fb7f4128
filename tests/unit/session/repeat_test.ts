import { assertEquals, assertRejects } from "@std/assert";
import { repeat } from "../../../src/session/repeat.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";

Deno.test("repeat() waits from the end of a round to the start of the next", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const starts: number[] = [];
  let end = (): void => {};
  const done = repeat(() => {
    starts.push(clock.now());
    return new Promise<void>((resolve) => end = resolve);
  }, { intervalMs: 500, clock, signal: stop.signal });
  await settle();
  await clock.advance(2_000);
  assertEquals(starts, [0]);
  end();
  await settle();
  await clock.advance(499);
  assertEquals(starts, [0]);
  await clock.advance(1);
  assertEquals(starts, [0, 2_500]);
  stop.abort();
  await clock.advance(5_000);
  end();
  await done;
  assertEquals([starts, clock.timers], [[0, 2_500], 0]);
});

Deno.test("repeat() stops waiting when it is told to, and hands on what a round throws", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  let rounds = 0;
  const options = { intervalMs: 500, clock, signal: stop.signal };
  const done = repeat(() => Promise.resolve(void rounds++), options);
  await settle();
  stop.abort();
  await done;
  assertEquals([rounds, clock.timers], [1, 0]);
  await repeat(() => Promise.reject(new Error("never")), options);
  const signal = new AbortController().signal;
  await assertRejects(
    () =>
      repeat(() => Promise.reject(new Error("broken")), { ...options, signal }),
    Error,
    "broken",
  );
});
