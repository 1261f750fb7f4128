/** Names of files that hold what came too late. PURE. */
import {
  join,
  MAX_NAME_BYTES,
  nameOf,
  parentOf,
  parseName,
  type RelPath,
} from "../core/path.ts";

const encoder = new TextEncoder();

/**
 * Where conflict number `id` at `path` may be kept beside it: `plan.txt` becomes
 * `plan (conflict 7).txt`, and where that is taken, `plan (conflict 7-1).txt`.
 */
export function conflictCopyOf(
  path: RelPath,
  id: number,
  attempt: number,
): RelPath {
  const name: string = nameOf(path);
  const dot = name.lastIndexOf(".");
  const stem = dot > 0 ? name.slice(0, dot) : name;
  const extension = dot > 0 ? name.slice(dot) : "";
  const number = attempt === 0 ? `${id}` : `${id}-${attempt}`;
  const mark = ` (conflict ${number})`;
  const tail = bytesOf(mark + extension) < MAX_NAME_BYTES / 2
    ? mark + extension
    : mark;
  const copy = parseName(cut(stem, MAX_NAME_BYTES - bytesOf(tail)) + tail);
  return join(parentOf(path)!, copy);
}

/** The longest beginning of `text` with at most `bytes` bytes, of whole characters. */
function cut(text: string, bytes: number): string {
  let result = "";
  let used = 0;
  for (const character of text) {
    used += bytesOf(character);
    if (used > bytes) break;
    result += character;
  }
  return result;
}

function bytesOf(text: string): number {
  return encoder.encode(text).length;
}
