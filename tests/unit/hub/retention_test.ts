import { assertEquals } from "@std/assert";
import { mayGo } from "../../../src/hub/retention.ts";

Deno.test("J12: a version goes when it is old, and not one of the newest of a file that exists", () => {
  const retention = { versions: 2, ageMs: 100 };
  const goes = (newer: number, replaced: number, exists: boolean): boolean =>
    mayGo({ newer, replaced, exists }, retention, 1_000);
  assertEquals(goes(3, 900, true), true);
  assertEquals(goes(3, 901, true), false);
  assertEquals(goes(2, 0, true), false);
  assertEquals(goes(1, 900, false), true);
  assertEquals(goes(9, 901, false), false);
});
