import { assertEquals } from "@std/assert";
import { WantRuns } from "../../../src/core/want_runs.ts";

const RESUME = { offset: 3, digest: "00".repeat(32) };

Deno.test("files that follow one another and come alike are one want", () => {
  const runs = new WantRuns();
  runs.add(0, false);
  runs.add(1, false);
  runs.add(2, true);
  runs.add(3, true);
  runs.add(5, true);
  assertEquals(runs.wants, [
    { first: 0, count: 2, resume: undefined },
    { first: 2, count: 2, resume: undefined, recipe: true },
    { first: 5, count: 1, resume: undefined, recipe: true },
  ]);
});

Deno.test("the rest of a file is a want of its own, which no other joins", () => {
  const runs = new WantRuns();
  runs.add(0, false);
  runs.addRest(1, RESUME);
  runs.add(2, false);
  assertEquals(runs.wants, [
    { first: 0, count: 1, resume: undefined },
    { first: 1, count: 1, resume: RESUME },
    { first: 2, count: 1, resume: undefined },
  ]);
});
