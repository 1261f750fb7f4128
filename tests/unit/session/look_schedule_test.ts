import { assertEquals } from "@std/assert";
import { LookSchedule } from "../../../src/session/look_schedule.ts";

/** When all of a source is looked at that was scanned from `start` to `end`. */
const SCANS: readonly {
  readonly what: string;
  readonly rescanMs?: number;
  readonly start?: number;
  readonly isWatched?: boolean;
  readonly floods?: readonly number[];
  readonly due: number;
}[] = [
  { what: "a watched tree at the usual time", due: 61_000 },
  {
    what: "a watched tree never, if that is wanted",
    rescanMs: 0,
    due: Infinity,
  },
  {
    what: "a tree that is not watched every second",
    isWatched: false,
    due: 2_000,
  },
  {
    what: "a tree that is not watched for a twentieth of the time",
    isWatched: false,
    start: 900,
    due: 3_000,
  },
  {
    what: "a tree that is not watched once a minute, however long it takes",
    isWatched: false,
    rescanMs: 0,
    start: -9_000,
    due: 61_000,
  },
  { what: "a flooded tree a second later", floods: [1_500], due: 2_500 },
  {
    what: "a tree that is flooded twice once",
    floods: [1_500, 2_000],
    due: 2_500,
  },
  {
    what: "a flooded tree for a tenth of the time",
    start: 0,
    floods: [1_500],
    due: 11_000,
  },
];

for (const { what, due, ...given } of SCANS) {
  Deno.test(`LookSchedule looks at ${what}`, () => {
    const { rescanMs = 60_000, start = 990, isWatched = true } = given;
    const schedule = new LookSchedule(rescanMs);
    schedule.scanned(start, 1_000);
    if (!isWatched) schedule.unwatched(1_000);
    for (const now of given.floods ?? []) schedule.flooded(now);
    assertEquals(schedule.nextDue, due);
    assertEquals(schedule.isScanDue(Math.min(due, 1e9) - 1), false);
    if (due !== Infinity) assertEquals(schedule.isScanDue(due), true);
  });
}

Deno.test("LookSchedule is done with a flood once all is looked at", () => {
  const schedule = new LookSchedule(0);
  schedule.flooded(0);
  schedule.looking(false);
  assertEquals(schedule.nextDue, 1_000);
  schedule.looking(true);
  assertEquals(schedule.nextDue, Infinity);
  schedule.flooded(5_000);
  assertEquals(schedule.nextDue, 6_000);
});

Deno.test("LookSchedule tries to watch again a minute after a watch has ended", () => {
  const schedule = new LookSchedule(0);
  assertEquals(schedule.isWatchDue(1e9), false);
  schedule.unwatched(5_000);
  assertEquals(schedule.isWatchDue(64_999), false);
  assertEquals(schedule.isWatchDue(65_000), true);
  schedule.watched();
  assertEquals(schedule.isWatchDue(65_000), false);
});

Deno.test("LookSchedule collects until there is silence, or for long enough", () => {
  const schedule = new LookSchedule(0);
  schedule.dirtied(100);
  schedule.collect(100, false);
  assertEquals(schedule.leftToCollect(100), 1);
  schedule.dirtied(100.5);
  assertEquals(schedule.leftToCollect(101), 0.5);
  for (let now = 101; now < 105; now += 0.5) schedule.dirtied(now);
  assertEquals(schedule.leftToCollect(104.5), 0.5);
  assertEquals(schedule.leftToCollect(105), 0);
});

Deno.test("LookSchedule collects longer where changes come in a row, unless somebody waits", () => {
  const schedule = new LookSchedule(0);
  let now = 1_000;
  /** For how long it collects at the most what comes `pauseMs` after the look before. */
  const collected = (pauseMs: number, isAsked = false, tookMs = 0): number => {
    now += pauseMs;
    schedule.dirtied(now);
    schedule.collect(now, isAsked);
    schedule.dirtied(now + 1_000);
    const left = schedule.leftToCollect(now);
    schedule.looking(false);
    now += left + tookMs;
    schedule.looked(now - tookMs, now);
    return left;
  };
  const row = [100, 1, 24, 1, 1, 1, 1].map((pauseMs) => collected(pauseMs));
  assertEquals(row, [5, 10, 20, 40, 80, 100, 100]);
  assertEquals(collected(1, true), 5);
  assertEquals(collected(1), 10);
  assertEquals(collected(25), 5);
  // As long as the look took, too.
  assertEquals(collected(100, false, 70), 5);
  assertEquals(collected(1), 70);
});

Deno.test("what can't be read is tried again after a second, then after longer and longer", () => {
  const schedule = new LookSchedule(0);
  schedule.scanned(0, 0);
  assertEquals(schedule.nextDue, Infinity);
  schedule.sawUnreadable(100, "new");
  assertEquals(schedule.nextDue, 1_100);
  // A look at something else neither puts it off nor brings it on.
  schedule.sawUnreadable(200, "same");
  assertEquals(schedule.nextDue, 1_100);
  assertEquals(schedule.isRetryDue(1_099), false);
  const waits: number[] = [];
  let now = 0;
  for (let i = 0; i < 12; i++) {
    now = schedule.nextDue;
    assertEquals(schedule.isRetryDue(now), true);
    schedule.retried();
    assertEquals(schedule.isRetryDue(now), false);
    schedule.sawUnreadable(now, "same");
    waits.push((schedule.nextDue - now) / 1_000);
  }
  assertEquals(waits, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]);
  // Something else can't be read either: that may be over soon.
  schedule.sawUnreadable(now, "new");
  assertEquals(schedule.nextDue, now + 1_000);
  // Nor does that put off what waits already.
  schedule.sawUnreadable(now + 900, "new");
  assertEquals(schedule.nextDue, now + 1_000);
  schedule.sawUnreadable(now, "none");
  assertEquals(schedule.nextDue, Infinity);
});
