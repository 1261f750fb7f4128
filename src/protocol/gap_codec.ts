/**
 * Gaps of one file: stretches that are lacking, with what is told of what will
 * probably be in them. Capability "recipes".
 *
 * | field     | layout | allowed values                                        |
 * | --------- | ------ | ----------------------------------------------------- |
 * | count     | varint | gaps that follow                                      |
 *
 * and for each gap:
 *
 * | field     | layout | allowed values                                        |
 * | --------- | ------ | ----------------------------------------------------- |
 * | skipped   | varint | bytes between the end of the gap before and this one  |
 * | length    | varint | 1 to 1,048,576; within the size of the file           |
 * | size      | varint | 0, or bytes of the signature that follows             |
 * | signature | size   | `content/signature_codec.ts`                          |
 *
 * A list may be cut into pages anywhere between two gaps.
 */
import { ProtocolError } from "../errors.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import {
  MAX_GAPS,
  MAX_PAYLOAD_BYTES,
  MAX_SIGNATURES_BYTES,
  MAX_WIRE_GAP_BYTES,
  PAGE_BYTES,
} from "./limits.ts";

/** A gap as it travels. */
export interface WireGap {
  readonly offset: number;
  readonly length: number;
  /** Encoded, as a copy; empty where there is none. */
  readonly signature: Uint8Array;
}

/** Writes `gaps`; yields whenever the page is full. */
export function* writeGaps(
  page: ByteWriter,
  gaps: readonly WireGap[],
): Generator<void> {
  page.varint(gaps.length);
  let end = 0;
  for (const { offset, length, signature } of gaps) {
    if (page.length >= PAGE_BYTES) yield;
    page.varint(offset - end);
    page.varint(length);
    page.varint(signature.length);
    page.raw(signature);
    end = offset + length;
  }
}

/** Reads lists of gaps, one after the other; what they take counts together. */
export class GapReader {
  #gaps: WireGap[] = [];
  #size = 0;
  #end = 0;
  #left: number | undefined;
  #count = 0;
  #bytes = 0;

  /** A list follows, for a file of `size` bytes. */
  begin(size: number): void {
    this.#gaps = [];
    this.#size = size;
    this.#end = 0;
    this.#left = undefined;
  }

  /** The list, if it ends in this page. */
  read(reader: ByteReader): readonly WireGap[] | undefined {
    if (this.#left === undefined) {
      if (reader.left === 0) return undefined;
      this.#left = reader.varint(MAX_GAPS - this.#count, "a count of gaps");
      this.#count += this.#left;
    }
    while (this.#left > 0 && reader.left > 0) {
      this.#gaps.push(this.#readGap(reader));
      this.#left--;
    }
    return this.#left === 0 ? this.#gaps : undefined;
  }

  #readGap(reader: ByteReader): WireGap {
    const room = this.#size - this.#end;
    const offset = this.#end + reader.varint(room, "the offset of a gap");
    const most = Math.min(MAX_WIRE_GAP_BYTES, this.#size - offset);
    const length = reader.varint(most, "the length of a gap");
    if (length === 0) throw new ProtocolError("A gap is empty");
    this.#end = offset + length;
    const size = reader.varint(MAX_PAYLOAD_BYTES, "the size of a signature");
    this.#bytes += size;
    if (this.#bytes > MAX_SIGNATURES_BYTES) {
      throw new ProtocolError("There are too many bytes in the signatures");
    }
    const signature = reader.raw(size, "a signature").slice();
    return { offset, length, signature };
  }
}
