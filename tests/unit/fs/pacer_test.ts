import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { Pacer } from "../../../src/fs/pacer.ts";

Deno.test("Pacer asks for no turn within 10 ms, and for one after", async () => {
  let now = 0;
  const pacer = new Pacer({ now: () => now });
  now = 9.9;
  assertStrictEquals(pacer.turn(), undefined);
  now = 10;
  const pause = pacer.turn();
  assert(pause instanceof Promise);
  now = 12;
  await pause;
  now = 21.9;
  assertStrictEquals(pacer.turn(), undefined);
  now = 22;
  await pacer.turn();
});

Deno.test("Pacer looks at the clock once in so many calls", () => {
  let looks = 0;
  const pacer = new Pacer({ everyCalls: 4, now: () => looks++ });
  const before = looks;
  for (let i = 0; i < 12; i++) pacer.turn();
  assertEquals(looks - before, 3);
});

Deno.test("Pacer lets timers run", async () => {
  let now = 0;
  let ran = false;
  const timer = setTimeout(() => ran = true, 0);
  const pacer = new Pacer({ now: () => now += 10 });
  for (let i = 0; i < 10_000 && !ran; i++) await pacer.turn();
  clearTimeout(timer);
  assert(ran);
});
