/** Merges two edits of one text by lines (diff3). PURE. */
import { diff3Merge } from "node-diff3";

/** Larger texts are not merged: it takes time that grows faster than they do. */
export const MAX_MERGE_BYTES = 1024 * 1024;

/**
 * Both edits of `before` in one text; undefined where they touch each other, or
 * one of the three is no text in UTF-8.
 */
export function mergeText(
  before: Uint8Array,
  ours: Uint8Array,
  theirs: Uint8Array,
): Uint8Array | undefined {
  const [o, a, b] = [before, ours, theirs].map(linesOf);
  if (o === undefined || a === undefined || b === undefined) return undefined;
  const merged: string[] = [];
  for (const block of diff3Merge(a, o, b, { excludeFalseConflicts: true })) {
    if (block.ok === undefined) return undefined;
    merged.push(...block.ok);
  }
  return new TextEncoder().encode(merged.join(""));
}

/** Lines with their ends, so that joined they are the text; undefined: it is none. */
function linesOf(bytes: Uint8Array): string[] | undefined {
  if (bytes.length > MAX_MERGE_BYTES || bytes.includes(0)) return undefined;
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    return decoder.decode(bytes).split(/(?<=\n)/);
  } catch {
    return undefined;
  }
}
