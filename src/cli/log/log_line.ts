/**
 * The lines of an operation log. One line for each operation, of fields with one
 * space between them:
 *
 * | field     | value                                                         |
 * | --------- | ------------------------------------------------------------- |
 * | time      | ISO 8601, UTC, to the millisecond                             |
 * | operation | one of `OPERATION_NAMES`                                      |
 * | digest    | SHA-256 of a file's content, 64 hexadecimal digits; else "-"  |
 * | path      | a string of JSON; what is no text is escaped; "." is the root |
 *
 * Of a move there are two paths, with `->` between them. Where a sync has several
 * targets, `@` and the target come before the path, as a string of JSON. A line
 * that begins with "#" is a note.
 */
import type { Digest } from "../../core/entry.ts";
import type { Operation } from "../../core/operation.ts";
import { quoteWhole, type RelPath, ROOT } from "../../core/path.ts";

/** What a line says. */
export interface LogEntry extends Pick<Operation, "name" | "path" | "from"> {
  readonly time: Date;
  readonly digest: Digest | undefined;
  /** Where it was done; only where there are several targets. */
  readonly target?: string;
}

/** The line for `entry`, without its end. */
export function formatLogLine(entry: LogEntry): string {
  const { time, name, digest, path, from, target } = entry;
  const place = from === undefined
    ? quotedPath(path)
    : `${quotedPath(from)} -> ${quotedPath(path)}`;
  const where = target === undefined ? "" : `@${quoteWhole(target)} `;
  return `${time.toISOString()} ${name} ${digest ?? "-"} ${where}${place}`;
}

/** A note that `count` operations before it are missing. */
export function formatGap(time: Date, count: number): string {
  return `# ${time.toISOString()} ${count} operations before this line could ` +
    "not be written";
}

/** When a log is replaced by a new one. */
export interface RotationRule {
  /** In bytes; 0: never. */
  readonly maxSize: number;
  /** How many old logs stay. */
  readonly keep: number;
}

/** Whether a line of `lineBytes` is to begin a new log, where this one has `size`. */
export function isFull(
  size: number,
  lineBytes: number,
  { maxSize }: RotationRule,
): boolean {
  return maxSize > 0 && size > 0 && size + lineBytes > maxSize;
}

/** One step of a rotation. */
export type RotationStep =
  | { readonly kind: "remove"; readonly name: string }
  | { readonly kind: "rename"; readonly from: string; readonly to: string };

/** What makes room for a new log `name`, in this order; what is missing is passed over. */
export function rotationSteps(
  name: string,
  { keep }: RotationRule,
): RotationStep[] {
  if (keep === 0) return [{ kind: "remove", name }];
  const steps: RotationStep[] = [];
  for (let n = keep; n > 1; n--) {
    steps.push({
      kind: "rename",
      from: `${name}.${n - 1}`,
      to: `${name}.${n}`,
    });
  }
  return [...steps, { kind: "rename", from: name, to: `${name}.1` }];
}

function quotedPath(path: RelPath): string {
  return quoteWhole(path === ROOT ? "." : path);
}
