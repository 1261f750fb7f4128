/** Reading whole files: their digest, and the zeros in them. */
import { createHash } from "node:crypto";
import type { Digest } from "../core/entry.ts";
import type { ReadableFile } from "./file_system.ts";

const READ_BYTES = 256 * 1024;

/** Zeros are looked for in aligned blocks of this size: a page of most file systems. */
const ZERO_BLOCK_BYTES = 4_096;

/**
 * SHA-256 of the first `length` bytes of `file`, or of fewer if it ends before.
 * `breathe` is called between reads, so that a long file does not stop the world.
 */
export async function digestOfFile(
  file: ReadableFile,
  length: number,
  breathe: () => Promise<void> | undefined,
): Promise<{ readonly digest: Digest; readonly length: number }> {
  const hash = createHash("sha256");
  const buffer = new Uint8Array(Math.min(READ_BYTES, Math.max(length, 1)));
  let offset = 0;
  while (offset < length) {
    const wanted = Math.min(buffer.length, length - offset);
    const count = await file.read(buffer.subarray(0, wanted), offset);
    if (count === 0) break;
    hash.update(buffer.subarray(0, count));
    offset += count;
    const pause = breathe();
    if (pause !== undefined) await pause;
  }
  return { digest: hash.digest("hex"), length: offset };
}

/** A stretch of bytes: `zero`, or to be kept as they are. */
export interface Stretch {
  readonly zero: boolean;
  readonly start: number;
  readonly end: number;
}

/**
 * Parts `bytes` into stretches of zeros and of data. Zeros count from whole
 * blocks of {@link ZERO_BLOCK_BYTES}, aligned to the start of `bytes`, and a
 * shorter rest at the end. For data without zeros it costs one look a block.
 */
export function stretchesOf(bytes: Uint8Array): Stretch[] {
  const stretches: Stretch[] = [];
  let start = 0;
  let zero = false;
  for (let at = 0; at < bytes.length; at += ZERO_BLOCK_BYTES) {
    const end = Math.min(at + ZERO_BLOCK_BYTES, bytes.length);
    const empty = isZero(bytes, at, end);
    if (empty === zero) continue;
    if (at > start) stretches.push({ zero, start, end: at });
    start = at;
    zero = empty;
  }
  if (bytes.length > start) stretches.push({ zero, start, end: bytes.length });
  return stretches;
}

function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  // Most data differs from zero at the first or the last byte already.
  if (bytes[start] !== 0 || bytes[end - 1] !== 0) return false;
  const from = bytes.byteOffset + start;
  if (from % 4 !== 0 || (end - start) % 4 !== 0) {
    for (let i = start; i < end; i++) if (bytes[i] !== 0) return false;
    return true;
  }
  const words = new Int32Array(bytes.buffer, from, (end - start) / 4);
  let seen = 0;
  for (let i = 0; i < words.length; i++) seen |= words[i]!;
  return seen === 0;
}
