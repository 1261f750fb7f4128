import { assertEquals } from "@std/assert";
import {
  formatBytes,
  formatChanges,
  formatCount,
  formatDuration,
  formatEstimate,
  formatNumberOf,
  formatRate,
  formatTotals,
} from "../../../src/cli/format.ts";

const NOTHING = {
  created: 0,
  replaced: 0,
  touched: 0,
  deleted: 0,
  moved: 0,
  files: 0,
  bytes: 0,
};

Deno.test("numbers, sizes and times read well", () => {
  const cases: [got: string, wanted: string][] = [
    [formatCount(0), "0"],
    [formatCount(999), "999"],
    [formatCount(1_000), "1,000"],
    [formatCount(1_234_567), "1,234,567"],
    [formatNumberOf(1, "file"), "1 file"],
    [formatNumberOf(2_000, "file"), "2,000 files"],
    [formatNumberOf(0, "directory", "directories"), "0 directories"],
    [formatBytes(0), "0 B"],
    [formatBytes(81_920), "81.9 kB"],
    [formatBytes(2 ** 40), "1.1 TB"],
    [formatRate(0), "0 B/s"],
    [formatRate(123_456_789.5), "123 MB/s"],
    [formatDuration(0), "0ms"],
    [formatDuration(12.4), "12ms"],
    [formatDuration(1_349), "1.3s"],
    [formatDuration(59_990), "1m"],
    [formatDuration(80_000), "1m 20s"],
    [formatEstimate(0), "0ms"],
    [formatEstimate(100), "1s"],
    [formatEstimate(80_000), "1m 20s"],
    [formatEstimate(90_061_000), "1d 1h"],
  ];
  for (const [got, wanted] of cases) assertEquals(got, wanted);
});

Deno.test("formatTotals() names links only where there are some", () => {
  const totals = { files: 20_000, directories: 1, symlinks: 0, bytes: 5_000 };
  assertEquals(formatTotals(totals), "20,000 files, 1 directory, 5 kB");
  assertEquals(
    formatTotals({ ...totals, symlinks: 1 }),
    "20,000 files, 1 directory, 1 symlink, 5 kB",
  );
});

Deno.test("formatChanges() names what there is", () => {
  assertEquals(formatChanges(NOTHING), "");
  assertEquals(formatChanges({ ...NOTHING, touched: 1 }), "1 touched");
  assertEquals(
    formatChanges({
      created: 12,
      replaced: 3,
      touched: 2,
      deleted: 1_000,
      moved: 4,
      files: 15,
      bytes: 4_200_000,
    }),
    "12 created, 3 replaced, 2 touched, 1,000 deleted, 4 renamed (15 files, 4.2 MB)",
  );
});
