import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  judgeClock,
  judgeOpenFiles,
  judgeSkew,
  judgeWatches,
} from "../../../../src/cli/doctor/judge.ts";

Deno.test("limits are good where a large tree and many clients fit in", () => {
  const limits = { watches: 65_536, instances: 128, queued: 16_384 };
  assertEquals(judgeWatches(limits).state, "good");
  assertEquals(judgeWatches({ ...limits, watches: 65_535 }).state, "poor");
  assertEquals(judgeWatches({ ...limits, instances: 127 }).state, "poor");
  assertEquals(judgeOpenFiles(1_024).state, "good");
  assertEquals(judgeOpenFiles(Infinity).state, "good");
  assertEquals(judgeOpenFiles(1_023).state, "poor");
});

Deno.test("a clock from before there was a Lockstep can't be right", () => {
  assertEquals(judgeClock(Date.UTC(2026, 0)).state, "good");
  assertEquals(judgeClock(0).state, "bad");
});

Deno.test("judgeSkew() takes the time that the answer took for no skew", () => {
  const before = Date.UTC(2026, 5, 1, 12);
  const after = before + 30_000;
  for (const theirs of [before - 5_000, before, after, after + 5_000]) {
    assertEquals(judgeSkew(theirs, { before, after }).state, "good");
  }
  const behind = judgeSkew(before - 5_001, { before, after });
  assertEquals([behind.state, behind.facts], ["poor", { skewMs: 5_001 }]);
  assertStringIncludes(behind.message, "behind");
  const ahead = judgeSkew(after + 60_000, { before, after });
  assertEquals([ahead.state, ahead.facts], ["poor", { skewMs: 60_000 }]);
  assertStringIncludes(ahead.message, "ahead");
});
