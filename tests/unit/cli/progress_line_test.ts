import { assert, assertEquals } from "@std/assert";
import type { Progress } from "../../../src/cli/progress.ts";
import { ProgressMeter } from "../../../src/cli/progress.ts";
import {
  progressLine,
  shorten,
  truncate,
} from "../../../src/cli/progress_line.ts";
import { parseRelPath } from "../../../src/core/path.ts";

const PROGRESS: Progress = {
  files: 1_234,
  filesTotal: 20_000,
  bytes: 45_200_000,
  bytesTotal: 81_900_000,
  bytesPerSecond: 120_000_000,
  remainingMs: 3_000,
  path: parseRelPath("deep/inside/of/a/tree/there/is/a/file.txt"),
};

Deno.test("progressLine() keeps what matters, by width", () => {
  const cases: [columns: number, line: string][] = [
    [4, ""],
    [20, " 55%"],
    [40, " 55%  1,234/20,000 files"],
    [
      80,
      " 55%  1,234/20,000 files  45.2 MB/81.9 MB  120 MB/s  ETA 3s  …ere/is/a/file.txt",
    ],
    [
      200,
      " 55%  1,234/20,000 files  45.2 MB/81.9 MB  120 MB/s  ETA 3s  " +
      "deep/inside/of/a/tree/there/is/a/file.txt",
    ],
  ];
  for (const [columns, line] of cases) {
    assertEquals(progressLine(PROGRESS, columns), line, `${columns} columns`);
  }
});

Deno.test("progressLine() never fills a line, whatever the path and the width", () => {
  const names = [
    "x".repeat(300),
    "文件".repeat(80),
    "👩‍👩‍👧‍👦".repeat(40),
    "\x1b[2J",
  ];
  for (const name of names) {
    for (let columns = 1; columns <= 200; columns++) {
      const path = parseRelPath(`${name}/${name}`);
      const line = progressLine({ ...PROGRESS, path }, columns);
      assert(widest(line) < columns, `${columns} columns: ${line}`);
      assert(!/\p{Cc}/u.test(line), line);
    }
  }
});

Deno.test("progressLine() tells how far it is, also without any byte", () => {
  const cases: [progress: Partial<Progress>, percentage: string][] = [
    [{ bytes: 0 }, "  0%"],
    [{ bytes: 81_899_999 }, " 99%"],
    [{ bytes: 81_900_000 }, "100%"],
    [{ bytes: 90_000_000 }, "100%"],
    [{ bytes: 0, bytesTotal: 0, files: 10_000 }, " 50%"],
    [{ bytes: 0, bytesTotal: 0, files: 0, filesTotal: 0 }, "100%"],
  ];
  for (const [progress, percentage] of cases) {
    assertEquals(
      progressLine({ ...PROGRESS, ...progress }, 20).slice(0, 4),
      percentage,
    );
  }
});

Deno.test("shorten() cuts at the front, truncate() at the end", () => {
  const cases: [text: string, columns: number, front: string, end: string][] = [
    ["abcdef", 6, "abcdef", "abcdef"],
    ["abcdef", 5, "…cdef", "abcd…"],
    ["abcdef", 1, "…", "…"],
    ["文件文件", 8, "文件文件", "文件文件"],
    ["文件文件", 6, "…文件", "文件…"],
    ["文件文件", 5, "…文件", "文…"],
    ["", 3, "", ""],
  ];
  for (const [text, columns, front, end] of cases) {
    assertEquals(shorten(text, columns), front, `${text} in ${columns}`);
    assertEquals(truncate(text, columns), end, `${text} in ${columns}`);
  }
});

Deno.test("ProgressMeter takes the rate over the last seconds", () => {
  const totals = {
    created: 1,
    replaced: 0,
    touched: 0,
    deleted: 0,
    moved: 0,
    files: 1,
    bytes: 10_000,
  };
  const meter = new ProgressMeter(totals, 1_000);
  const at = (bytes: number, now: number): Progress =>
    meter.update({ files: 0, bytes, path: undefined }, now);
  assertEquals(at(0, 1_000).remainingMs, undefined);
  assertEquals(at(1_000, 2_000).bytesPerSecond, 1_000);
  assertEquals(at(1_000, 2_000).remainingMs, 9_000);
  for (let second = 3; second <= 20; second++) at(1_000, second * 1_000);
  assertEquals(at(1_000, 20_000).bytesPerSecond, 0);
  assertEquals(at(1_000, 20_000).remainingMs, undefined);
  assertEquals(at(6_000, 21_000).bytesPerSecond, 1_000);
  assertEquals(at(20_000, 22_000).remainingMs, 0);
});

/** Columns at the most: two for all that is not plain. */
function widest(line: string): number {
  return [...line].reduce((sum, c) => sum + (/[ -~…]/.test(c) ? 1 : 2), 0);
}
