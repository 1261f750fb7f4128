import { assertEquals } from "@std/assert";
import { ROWS, SECTIONS } from "../../faults/rows.ts";
import {
  idsOf,
  judge,
  parseReport,
  renderScorecard,
} from "../../support/scorecard.ts";

const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="5" failures="1" errors="0" time="0.008">
    <testsuite name="./a_test.ts" tests="5" disabled="1" errors="0" failures="1">
        <testcase name="D01, D02: a &lt;b&gt; &amp; &quot;c&quot;" classname="./a_test.ts" time="0.000" line="1" col="6">
        </testcase>
        <testcase name="D03: fails" classname="./a_test.ts" time="0.000" line="2" col="6">
            <failure message="Uncaught Error: x">Error: x
    at file:///a_test.ts:2:39</failure>
        </testcase>
        <testcase name="D04: skipped" classname="./a_test.ts" time="0.000" line="3" col="11">
            <skipped/>
        </testcase>
        <testcase name="D01: steps &gt; D05: inner" classname="./a_test.ts" time="0.000" line="4" col="48">
        </testcase>
    </testsuite>
</testsuites>`;

Deno.test("parseReport() reads what deno test writes", () => {
  assertEquals(parseReport(REPORT), [
    { name: 'D01, D02: a <b> & "c"', outcome: "passed" },
    { name: "D03: fails", outcome: "failed" },
    { name: "D04: skipped", outcome: "skipped" },
    { name: "D01: steps > D05: inner", outcome: "passed" },
  ]);
});

const NAMES: Readonly<Record<string, string[]>> = {
  "D05: a sentence": ["D05"],
  "A01, A02: a sentence": ["A01", "A02"],
  "E01-E03, E08: a sentence": ["E01", "E02", "E03", "E08"],
  "a sentence about D05: no": [],
  "D05 without a colon": [],
  "D5: too short": [],
  "Z01: no such section": [],
};

for (const [name, ids] of Object.entries(NAMES)) {
  Deno.test(`idsOf() finds ${ids.length || "none"} in "${name}"`, () => {
    assertEquals(idsOf(name), ids);
  });
}

Deno.test("judge() takes a row for covered only if a test passed and none failed", () => {
  const rows = ["D01", "D02", "D03", "D04", "D05"].map((id) => ({
    id,
    situation: "x",
  }));
  const states = judge(rows, [
    ...parseReport(REPORT),
    { name: "D02: again", outcome: "failed" },
  ]);
  assertEquals(Object.fromEntries(states), {
    D01: "covered",
    D02: "failed",
    D03: "failed",
    D04: "skipped",
    D05: "uncovered",
  });
});

Deno.test("renderScorecard() counts, and in full says what is lacking and why", () => {
  const rows = [
    { id: "D01", situation: "one" },
    { id: "D03", situation: "three" },
    { id: "D05", situation: "five", uncovered: "no hub" },
    { id: "D06", situation: "six" },
  ];
  const sections = { D: "the network" };
  const render = (full: boolean): string[] =>
    renderScorecard(rows, parseReport(REPORT), { sections, full });
  assertEquals(render(false), [
    "Survived, by tests that passed just now:",
    "  D    1 of   4 (1 failed)  the network",
    "All    1 of   4 (1 failed)",
  ]);
  assertEquals(render(true).slice(2, 5), [
    "       D03 three: failed",
    "       D05 five: no hub",
    "       D06 six: no test",
  ]);
});

Deno.test("the rows are 210, each with its own id, in order", () => {
  const counts = Object.keys(SECTIONS).map((letter) => {
    const ids = ROWS.map(({ id }) => id).filter((id) => id[0] === letter);
    const wanted = ids.map((_, i) => letter + String(i + 1).padStart(2, "0"));
    assertEquals(ids, wanted);
    return ids.length;
  });
  assertEquals(counts, [35, 13, 24, 16, 17, 14, 25, 14, 23, 13, 16]);
});
