/**
 * Signatures as bytes. Big-endian.
 *
 * | offset | size  | field    | allowed values                                  |
 * | ------ | ----- | -------- | ----------------------------------------------- |
 * | 0      | 1     | version  | 1                                               |
 * | 1      | 1     | k        | bytes of a strong sum, 1 to 6                   |
 * | 2      | 2     | reserved | 0                                               |
 * | 4      | 4     | block    | length of a block, 16 to 65,536 bytes           |
 * | 8      | 4     | region   | length of the region, 0 to 4,194,304 bytes      |
 * | 12     | 3 * n | weak     | for each of the n = region / block blocks,      |
 * |        |       |          | rounded up                                      |
 * | ...    | k * n | strong   | likewise; no more bytes follow                  |
 */
import { ProtocolError } from "../errors.ts";
import {
  MAX_BLOCK_BYTES,
  MAX_REGION_BYTES,
  MAX_STRONG_BYTES,
  MIN_BLOCK_BYTES,
} from "./limits.ts";
import { blockCount, type Signature } from "./signature.ts";
import { WEAK_BITS } from "./rolling.ts";

const SIGNATURE_VERSION = 1;
const HEADER_BYTES = 12;
const WEAK_BYTES = WEAK_BITS / 8;

export function encodeSignature(signature: Signature): Uint8Array<ArrayBuffer> {
  const { strongBytes, blockBytes, regionBytes, weak, strong } = signature;
  const bytes = new Uint8Array(
    HEADER_BYTES + weak.length * (WEAK_BYTES + strongBytes),
  );
  const view = new DataView(bytes.buffer);
  bytes[0] = SIGNATURE_VERSION;
  bytes[1] = strongBytes;
  view.setUint32(4, blockBytes);
  view.setUint32(8, regionBytes);
  let at = HEADER_BYTES;
  for (const sum of weak) at = putNumber(bytes, at, sum, WEAK_BYTES);
  for (const sum of strong) at = putNumber(bytes, at, sum, strongBytes);
  return bytes;
}

/** @throws {ProtocolError} If `bytes` are not what the table says. */
export function decodeSignature(bytes: Uint8Array): Signature {
  if (bytes.length < HEADER_BYTES) {
    throw new ProtocolError(
      `Cannot read a signature: ${bytes.length} bytes came`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint8(0);
  const strongBytes = view.getUint8(1);
  const reserved = view.getUint16(2);
  const blockBytes = view.getUint32(4);
  const regionBytes = view.getUint32(8);
  if (version !== SIGNATURE_VERSION || reserved !== 0) {
    throw new ProtocolError(
      `Cannot read a signature: version ${version}, reserved bits ${reserved}`,
    );
  }
  if (
    strongBytes < 1 || strongBytes > MAX_STRONG_BYTES ||
    blockBytes < MIN_BLOCK_BYTES || blockBytes > MAX_BLOCK_BYTES ||
    regionBytes > MAX_REGION_BYTES
  ) {
    throw new ProtocolError(
      `Cannot read a signature: ${regionBytes} bytes in blocks of ${blockBytes} with sums of ${strongBytes} are not allowed`,
    );
  }
  const count = blockCount(regionBytes, blockBytes);
  const expected = HEADER_BYTES + count * (WEAK_BYTES + strongBytes);
  if (bytes.length !== expected) {
    throw new ProtocolError(
      `Cannot read a signature: ${expected} bytes needed, ${bytes.length} came`,
    );
  }
  const weak = new Uint32Array(count);
  const strong = new Float64Array(count);
  let at = HEADER_BYTES;
  for (let i = 0; i < count; i++, at += WEAK_BYTES) {
    weak[i] = numberAt(bytes, at, WEAK_BYTES);
  }
  for (let i = 0; i < count; i++, at += strongBytes) {
    strong[i] = numberAt(bytes, at, strongBytes);
  }
  return { strongBytes, blockBytes, regionBytes, weak, strong };
}

/** Writes `value` in `size` bytes: where the next field begins. */
function putNumber(
  bytes: Uint8Array,
  at: number,
  value: number,
  size: number,
): number {
  let rest = value;
  for (let i = at + size - 1; i >= at; i--) {
    bytes[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return at + size;
}

function numberAt(bytes: Uint8Array, at: number, size: number): number {
  let value = 0;
  for (let i = at; i < at + size; i++) value = value * 256 + bytes[i]!;
  return value;
}
