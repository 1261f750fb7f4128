/**
 * Operations of a delta as bytes. Big-endian.
 *
 * | offset | size | field      | allowed values                                |
 * | ------ | ---- | ---------- | --------------------------------------------- |
 * | 0      | 1    | version    | 1                                             |
 * | 1      | 3    | reserved   | 0                                             |
 * | 4      | n    | operations | they make all of the target, and end with it  |
 *
 * An operation:
 *
 * | offset | size | field  | in      | allowed values                            |
 * | ------ | ---- | ------ | ------- | ----------------------------------------- |
 * | 0      | 4    | length | all     | bit 31: 1 copy, 0 literal; others: 1 to   |
 * |        |      |        |         | what the target still lacks               |
 * | 4      | 4    | offset | copy    | 0 to the length of the region - length    |
 * | 4      | n    | bytes  | literal | as many as the length says                |
 */
import { ProtocolError } from "../errors.ts";
import type { DeltaOperation } from "./delta.ts";

const DELTA_VERSION = 1;
const HEADER_BYTES = 4;
const LENGTH_BYTES = 4;
const COPY_BYTES = 8;
const COPY = 2 ** 31;

/** What a delta has to fit, in bytes. */
export interface DeltaBounds {
  readonly regionBytes: number;
  /** Below 2^31. */
  readonly targetBytes: number;
}

/**
 * Most bytes that the delta for a target of that length takes: a header, and all of
 * it in literals before a copied tail. A copied block saves more than it costs.
 */
export function maxDeltaBytes(targetBytes: number): number {
  return HEADER_BYTES + 2 * LENGTH_BYTES + COPY_BYTES + targetBytes;
}

export function encodeDelta(
  operations: readonly DeltaOperation[],
): Uint8Array<ArrayBuffer> {
  let size = HEADER_BYTES;
  for (const operation of operations) {
    size += operation.kind === "copy"
      ? COPY_BYTES
      : LENGTH_BYTES + operation.bytes.length;
  }
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  bytes[0] = DELTA_VERSION;
  let at = HEADER_BYTES;
  for (const operation of operations) {
    if (operation.kind === "copy") {
      view.setUint32(at, COPY + operation.length);
      view.setUint32(at + 4, operation.offset);
      at += COPY_BYTES;
    } else {
      view.setUint32(at, operation.bytes.length);
      bytes.set(operation.bytes, at + LENGTH_BYTES);
      at += LENGTH_BYTES + operation.bytes.length;
    }
  }
  return bytes;
}

/**
 * The operations; literals are views onto `bytes`. What comes out fits `bounds`:
 * it copies from inside the region and makes exactly the target.
 * @throws {ProtocolError} If `bytes` are not what the tables say, or so many that
 * sending the target would have been shorter.
 */
export function decodeDelta(
  bytes: Uint8Array,
  { regionBytes, targetBytes }: DeltaBounds,
): DeltaOperation[] {
  if (
    bytes.length < HEADER_BYTES || bytes.length > maxDeltaBytes(targetBytes)
  ) {
    throw new ProtocolError(
      `Cannot read a delta for ${targetBytes} bytes: ${bytes.length} bytes came`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) !== DELTA_VERSION * 2 ** 24) {
    throw new ProtocolError(
      `Cannot read a delta: the header ${view.getUint32(0)} is unknown`,
    );
  }
  const operations: DeltaOperation[] = [];
  let lacking = targetBytes;
  for (let at = HEADER_BYTES; at < bytes.length;) {
    const left = bytes.length - at;
    if (left < LENGTH_BYTES) throw tooShort(LENGTH_BYTES, left);
    const word = view.getUint32(at);
    const isCopy = word >= COPY;
    const length = isCopy ? word - COPY : word;
    if (length === 0 || length > lacking) {
      throw new ProtocolError(
        `Cannot read operation ${operations.length} of a delta: it makes ${length} bytes, and ${lacking} are lacking`,
      );
    }
    const size = isCopy ? COPY_BYTES : LENGTH_BYTES + length;
    if (left < size) throw tooShort(size, left);
    if (isCopy) {
      const offset = view.getUint32(at + 4);
      if (offset + length > regionBytes) {
        throw new ProtocolError(
          `Cannot copy ${length} bytes from ${offset}: the region has ${regionBytes}`,
        );
      }
      operations.push({ kind: "copy", offset, length });
    } else {
      const literal = bytes.subarray(at + LENGTH_BYTES, at + size);
      operations.push({ kind: "literal", bytes: literal });
    }
    lacking -= length;
    at += size;
  }
  if (lacking === 0) return operations;
  throw new ProtocolError(
    `Cannot read a delta: the last ${lacking} bytes of the target are lacking`,
  );
}

function tooShort(needed: number, left: number): ProtocolError {
  return new ProtocolError(
    `Cannot read a delta: ${needed} bytes needed, ${left} left`,
  );
}
