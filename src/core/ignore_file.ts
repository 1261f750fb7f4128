/**
 * Ignore files: lines to rules, as git reads them. A line that is blank or begins
 * with `#` is none; spaces at its end do not count, unless a backslash is before
 * them; CR counts as part of the end of the line, a byte order mark at the start
 * of the file as nothing. What stands behind a NUL in a line is not seen.
 */
import { type ByteText, byteTextOf } from "./byte_text.ts";
import {
  checkIgnoreLimit,
  MAX_FILE_RULES,
  MAX_IGNORE_FILE_BYTES,
} from "./ignore_limits.ts";
import { compileRule, type IgnoreRule } from "./ignore_rule.ts";
import { displayPath } from "./path.ts";

const BYTE_ORDER_MARK = "\xef\xbb\xbf";

/** A pattern of an ignore file, and its line, from 1. */
export interface PatternLine {
  readonly pattern: ByteText;
  readonly line: number;
}

/**
 * The rules in the ignore file `bytes`, in order; `file` is its path, for messages.
 * @throws {SyncError} `unsupported`, if it is longer, or has more or longer rules,
 *   than an ignore file may.
 */
export function parseIgnoreFile(bytes: Uint8Array, file: string): IgnoreRule[] {
  return patternsIn(bytes, file).map(({ pattern, line }) =>
    compileRule(pattern, { file, line })
  );
}

/**
 * The patterns in an ignore file.
 * @throws {SyncError} `unsupported`, if it is too long, or has too many.
 */
export function patternsIn(bytes: Uint8Array, file: string): PatternLine[] {
  const shown = displayPath(file);
  checkIgnoreLimit(shown, bytes.length, MAX_IGNORE_FILE_BYTES, "bytes");
  let text = byteTextOf(bytes);
  if (text.startsWith(BYTE_ORDER_MARK)) text = text.slice(3);
  const patterns: PatternLine[] = [];
  for (const [i, ended] of text.split("\n").entries()) {
    if (ended === "" || ended.startsWith("#")) continue;
    const [seen = ""] = ended.replace(/\r$/, "").split("\0", 1);
    const pattern = withoutTrailingSpaces(seen);
    if (pattern !== "") patterns.push({ pattern, line: i + 1 });
  }
  checkIgnoreLimit(shown, patterns.length, MAX_FILE_RULES, "rules");
  return patterns;
}

/** A space stays where a backslash takes it; of "\\ ", the backslash takes itself. */
function withoutTrailingSpaces(text: ByteText): ByteText {
  let end = text.length;
  while (text[end - 1] === " ") end--;
  if (end === text.length) return text;
  let backslashes = 0;
  while (text[end - 1 - backslashes] === "\\") backslashes++;
  return text.slice(0, backslashes % 2 === 0 ? end : end + 1);
}
