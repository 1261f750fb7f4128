import { assertEquals } from "@std/assert";
import { Turnstile } from "../../../src/daemon/turnstile.ts";
import { settle } from "../../support/fake_clock.ts";

Deno.test("a turnstile lets so many in, the others in order, and nobody leaves twice", async () => {
  const turnstile = new Turnstile(2);
  const inside: number[] = [];
  const leave: (() => void)[] = [];
  for (let i = 0; i < 5; i++) {
    void turnstile.enter().then((go) => {
      inside.push(i);
      leave[i] = go;
    });
  }
  await settle();
  assertEquals(inside, [0, 1]);
  leave[1]!();
  leave[1]!();
  await settle();
  assertEquals(inside, [0, 1, 2]);
  leave[0]!();
  leave[2]!();
  await settle();
  assertEquals(inside, [0, 1, 2, 3, 4]);
});
