/** Frames of an exchange to content batches. */
import type { ContentBatch } from "../core/piece.ts";
import { ByteReader } from "../protocol/bytes.ts";
import { readPieces } from "../protocol/content_codec.ts";
import { type Frame, FrameType } from "../protocol/frame.ts";
import { PAGE_HEADER_BYTES } from "../protocol/limits.ts";
import { readPacked } from "../protocol/packed_codec.ts";
import type { ContentOrder } from "./content_order.ts";

/** The frames that content comes in. */
export const CONTENT_FRAMES = [FrameType.content, FrameType.packed] as const;

/**
 * The content of one frame; undefined for the empty one at the end.
 * @throws {ProtocolError} If it is malformed, or not what comes next.
 */
export function readBatch(
  frame: Frame,
  order: ContentOrder,
): ContentBatch | undefined {
  if (frame.end && frame.payload.length === 0) return undefined;
  const payload = frame.type === FrameType.packed
    ? readPacked(new ByteReader(frame.payload))
    : frame.payload;
  const pieces = readPieces(new ByteReader(payload));
  let byteLength = 0;
  for (const piece of pieces) {
    order.check(piece);
    if ("bytes" in piece) byteLength += piece.bytes.length;
  }
  return { pieces, byteLength, release: () => free(payload) };
}

/**
 * Gives the memory of a message back at once, if `payload` is nearly all of it,
 * and so the only frame in it. It would be collected later, too; but until then
 * each message takes new memory, which is slower, and far more of it.
 */
function free({ buffer, byteLength }: Uint8Array): void {
  const isAlone = byteLength + PAGE_HEADER_BYTES >= buffer.byteLength;
  if (isAlone && buffer instanceof ArrayBuffer) buffer.transfer(0);
}
