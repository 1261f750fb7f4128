/**
 * Where a zstd frame ends (RFC 8878, section 3.1.1): the header, blocks, and a
 * checksum where there is one. Decoders disagree about what is behind a frame, or
 * missing from it; whoever knows its end need not ask them.
 *
 * | part     | bytes                                                          |
 * | -------- | -------------------------------------------------------------- |
 * | magic    | 28 b5 2f fd                                                    |
 * | header   | 1 (flags), then by the flags: window 0 or 1, dictionary id 0   |
 * |          | to 4, content size 0 to 8                                      |
 * | block    | 3, little-endian: bit 0 last, bits 1-2 type (raw, run,         |
 * |          | compressed), the rest size; then 1 byte of a run, else size    |
 * | checksum | 0 or 4                                                         |
 */

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
const MAGIC_BYTES = MAGIC.length;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8];
const RUN = 1;
const RESERVED = 3;

/** Flags of the header. */
const DICTIONARY_FLAGS = 3;
const CHECKSUM_FLAG = 4;
const SINGLE_SEGMENT_FLAG = 32;

/** Whether `bytes` are one zstd frame as a whole, without a dictionary. */
export function isOneZstdFrame(bytes: Uint8Array): boolean {
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) return false;
  const flags = bytes[MAGIC_BYTES] ?? DICTIONARY_FLAGS;
  if ((flags & DICTIONARY_FLAGS) !== 0) return false;
  const isSingle = (flags & SINGLE_SEGMENT_FLAG) !== 0;
  const sizeBytes = CONTENT_SIZE_BYTES[flags >> 6]!;
  // A single segment has no window, but a size of at least one byte.
  let at = MAGIC_BYTES + 1 + Math.max(sizeBytes, 1) +
    (!isSingle && sizeBytes > 0 ? 1 : 0);
  for (let last = false; !last;) {
    if (at + 3 > bytes.length) return false;
    const header = bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16;
    last = (header & 1) !== 0;
    const type = header >> 1 & 3;
    if (type === RESERVED) return false;
    at += 3 + (type === RUN ? 1 : header >> 3);
  }
  return at + ((flags & CHECKSUM_FLAG) !== 0 ? 4 : 0) === bytes.length;
}
