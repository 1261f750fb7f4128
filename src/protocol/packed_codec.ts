/**
 * Compressed content, where both sides have named the capability "zstd". The
 * payload of a packed frame:
 *
 * | field  | layout | allowed values                                          |
 * | ------ | ------ | ------------------------------------------------------- |
 * | length | varint | 1 to 1,048,576: bytes of the payload that is packed     |
 * | bytes  | rest   | one zstd frame (RFC 8878) of just these, without a      |
 * |        |        | dictionary, with a window of at most 1 MiB              |
 *
 * What is packed is the payload of a content frame, see `content_codec.ts`. How
 * hard a side compresses is its own affair; it can't be asked for anything.
 */
import zlib from "node:zlib";
import { ProtocolError } from "../errors.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { MAX_UNPACKED_BYTES } from "./limits.ts";
import { isOneZstdFrame } from "./zstd_frame.ts";

/** Largest window of a zstd frame, as a power of two: that of the longest payload. */
const MAX_WINDOW_LOG = 20;
const MIN_WINDOW_LOG = 10;

/** The output comes in pieces of this size while it is packed. */
const PACK_CHUNK_BYTES = 256 * 1024;

/** Whether this runtime can pack; Deno before 2.9 has but the names of it. */
export function canPack(): boolean {
  return zlib.constants?.ZSTD_c_windowLog !== undefined;
}

/**
 * Writes `payload`, of 1 to {@link MAX_UNPACKED_BYTES} bytes, packed.
 * @param level 1 (fast) to 19 (small).
 */
export function writePacked(
  page: ByteWriter,
  payload: Uint8Array,
  level: number,
): void {
  const { ZSTD_c_compressionLevel, ZSTD_c_windowLog } = zlib.constants;
  const windowLog = Math.ceil(Math.log2(payload.length));
  page.varint(payload.length);
  page.raw(zlib.zstdCompressSync(payload, {
    chunkSize: PACK_CHUNK_BYTES,
    params: {
      [ZSTD_c_compressionLevel]: level,
      [ZSTD_c_windowLog]: Math.max(MIN_WINDOW_LOG, windowLog),
    },
  }));
}

/**
 * The payload that is packed, in memory of its own. No more than its announced
 * length is ever unpacked.
 * @throws {ProtocolError} If the length is not allowed, or not what comes out; if
 *   the rest is damaged, cut off, wants too large a window, or has more behind it.
 */
export function readPacked(reader: ByteReader): Uint8Array {
  const length = reader.varint(
    MAX_UNPACKED_BYTES,
    "the length of what is packed",
  );
  const packed = reader.raw(reader.left, "what is packed");
  if (length === 0 || !isOneZstdFrame(packed)) {
    throw new ProtocolError("A packed frame does not hold one zstd frame");
  }
  let payload: Uint8Array;
  try {
    const { buffer, byteOffset, length: size } = zlib.zstdDecompressSync(
      packed,
      {
        // What is as long as announced leaves a byte free, and so needs one call.
        chunkSize: Math.max(length + 1, zlib.constants.Z_MIN_CHUNK),
        maxOutputLength: length,
        params: { [zlib.constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG },
      },
    );
    // A Buffer is another thing when it is sliced.
    payload = new Uint8Array(buffer, byteOffset, size);
  } catch (cause) {
    throw new ProtocolError(
      `A packed frame can't be unpacked to ${length} bytes`,
      "protocol",
      { cause },
    );
  }
  if (payload.length === length) return payload;
  throw new ProtocolError(
    `A packed frame holds ${payload.length} bytes instead of ${length}`,
  );
}
