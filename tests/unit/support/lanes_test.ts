import { assertEquals } from "@std/assert";
import { type LaneEnd, LaneOutput, summaryOf } from "../../support/lanes.ts";

function laneOf(code: number, lines: readonly string[]): [LaneEnd, string[]] {
  const told: string[] = [];
  const output = new LaneOutput((line) => told.push(line));
  for (const line of lines) output.line(line);
  return [output.end(code), told];
}

const WELL = [
  "a sentence ... ok (1ms)",
  "",
  "\x1b[0m\x1b[32mok\x1b[0m | 5 passed (2 steps) | 0 failed | 1 ignored \x1b[0m(4m0s)\x1b[0m",
  "",
];

const BADLY = [
  "a sentence ... FAILED (1ms)",
  "",
  "\x1b[0m\x1b[1m\x1b[37m\x1b[41m ERRORS \x1b[0m",
  "a sentence => ./a_test.ts:1:6",
  "error: AssertionError",
  "FAILED | 3 passed | 2 failed (1s)",
  "",
  "error: Test failed",
];

Deno.test("a lane that ends well tells all but its summary at once", () => {
  const [end, told] = laneOf(0, WELL);
  assertEquals(told, ["a sentence ... ok (1ms)", "", ""]);
  const counts = { passed: 5, failed: 0, ignored: 1 };
  assertEquals(end, { code: 0, failures: [], counts });
});

Deno.test("a lane with failures tells of them at the end", () => {
  const [end, told] = laneOf(1, BADLY);
  assertEquals(told, BADLY.slice(0, 2));
  assertEquals(end.failures, BADLY.filter((_, i) => i > 1 && i !== 5));
  assertEquals(end.counts, { passed: 3, failed: 2, ignored: 0 });
});

const ended = (code: number, ...[passed, failed, ignored]: number[]): LaneEnd =>
  laneOf(code, [
    `${code === 0 ? "ok" : "FAILED"} | ${passed} passed | ${failed} failed` +
    ` | ${ignored} ignored (1s)`,
  ])[0];

const [CRASHED] = laneOf(133, ["a sentence ...", "Fatal error in V8"]);

const SUMMARIES: Readonly<Record<string, LaneEnd[]>> = {
  "ok | 7 passed | 0 failed | 3 ignored (1m5s)": [
    ended(0, 5, 0, 1),
    ended(0, 2, 0, 2),
  ],
  "ok | 5 passed | 0 failed (1m5s)": [ended(0, 5, 0, 0)],
  "FAILED | 7 passed | 2 failed (1m5s)": [
    ended(1, 5, 2, 0),
    ended(0, 2, 0, 0),
  ],
  "FAILED | 5 passed | 1 failed (1m5s)": [ended(0, 5, 0, 0), CRASHED],
  "FAILED | 2 passed | 1 failed (1m5s)": [ended(1, 2, 0, 0)],
  "FAILED | 0 passed | 1 failed (1m5s)": [laneOf(0, [])[0]],
};

for (const [summary, lanes] of Object.entries(SUMMARIES)) {
  Deno.test(`the summary of ${lanes.length} lanes is "${summary}"`, () => {
    assertEquals(summaryOf(lanes, 65.4), summary);
  });
}
