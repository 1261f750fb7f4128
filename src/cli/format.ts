/** Numbers, sizes and times as people read them. */
import prettyBytes from "pretty-bytes";
import prettyMilliseconds from "pretty-ms";
import type { ChangeTotals } from "../core/change.ts";
import type { Totals } from "../core/entry.ts";

/** 81920 -> "81.9 kB". */
export function formatBytes(bytes: number): string {
  return prettyBytes(bytes);
}

/** Bytes per second: "120 MB/s". */
export function formatRate(bytesPerSecond: number): string {
  return `${prettyBytes(Math.round(bytesPerSecond))}/s`;
}

/** 1300 -> "1.3s", 80000 -> "1m 20s". */
export function formatDuration(ms: number): string {
  const rounded = ms < 1_000 ? Math.round(ms) : Math.round(ms / 100) * 100;
  return prettyMilliseconds(rounded, { secondsDecimalDigits: 1 });
}

/** As {@link formatDuration}, in whole seconds, for what is a guess. */
export function formatEstimate(ms: number): string {
  return prettyMilliseconds(Math.ceil(ms / 1_000) * 1_000, {
    unitCount: 2,
  });
}

/** 20000 -> "20,000". */
export function formatCount(count: number): string {
  return String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ",");
}

/** "1 file", "20,000 files". */
export function formatNumberOf(
  count: number,
  one: string,
  many = `${one}s`,
): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** "20,000 files, 340 directories, 3 symlinks, 81.9 MB". */
export function formatTotals(totals: Totals): string {
  return [
    formatNumberOf(totals.files, "file"),
    formatNumberOf(totals.directories, "directory", "directories"),
    ...(totals.symlinks === 0
      ? []
      : [formatNumberOf(totals.symlinks, "symlink")]),
    formatBytes(totals.bytes),
  ].join(", ");
}

/** "12 created, 3 replaced, 1 deleted (15 files, 4.2 MB)"; "" if nothing changes. */
export function formatChanges(totals: ChangeTotals): string {
  const counts = [
    [totals.created, "created"],
    [totals.replaced, "replaced"],
    [totals.touched, "touched"],
    [totals.deleted, "deleted"],
    [totals.moved, "renamed"],
  ] as const;
  const text = counts.filter(([count]) => count > 0)
    .map(([count, word]) => `${formatCount(count)} ${word}`).join(", ");
  if (totals.files === 0) return text;
  return `${text} (${formatNumberOf(totals.files, "file")}, ${
    formatBytes(totals.bytes)
  })`;
}
