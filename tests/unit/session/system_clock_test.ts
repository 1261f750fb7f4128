import { assert, assertEquals } from "@std/assert";
import { nextTurn } from "../../../src/core/turn.ts";
import { systemClock } from "../../../src/session/system_clock.ts";

const { afterMoment = systemClock.after } = systemClock;

Deno.test("afterMoment() calls not before its time, while the event loop turns", async () => {
  const start = performance.now();
  const { promise, resolve } = Promise.withResolvers<void>();
  let turned = false;
  void nextTurn().then(() => turned = true);
  afterMoment(1, resolve);
  await promise;
  assert(performance.now() - start >= 1);
  assert(turned);
});

Deno.test("afterMoment() does not call what was cancelled meanwhile", async () => {
  let calls = 0;
  const cancel = afterMoment(0.2, () => calls++);
  cancel();
  const { promise, resolve } = Promise.withResolvers<void>();
  afterMoment(1, resolve);
  await promise;
  assertEquals(calls, 0);
});
