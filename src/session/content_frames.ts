/** Content batches to frames of an exchange, and back. */
import type { ContentBatch } from "../core/piece.ts";
import { ByteReader } from "../protocol/bytes.ts";
import { readPieces, writePieces } from "../protocol/content_codec.ts";
import { type Frame, FrameType } from "../protocol/frame.ts";
import { PAGE_HEADER_BYTES } from "../protocol/limits.ts";
import type { ContentOrder } from "./content_order.ts";
import type { Exchange } from "./exchange.ts";

/** Sends `batch` in as many frames as it needs: one, unless it has long messages. */
export async function sendBatch(
  exchange: Exchange,
  batch: ContentBatch,
): Promise<void> {
  for (let at = 0; at < batch.pieces.length;) {
    at = writePieces(exchange.page, batch.pieces, at);
    await exchange.send(FrameType.content, { end: false });
  }
  batch.release?.();
}

/** Says that all content was sent. */
export function sendContentEnd(exchange: Exchange): Promise<void> {
  return exchange.send(FrameType.content, { end: true });
}

/**
 * The content of one frame; undefined for the empty one at the end.
 * @throws {ProtocolError} If it is malformed, or not what comes next.
 */
export function readBatch(
  frame: Frame,
  order: ContentOrder,
): ContentBatch | undefined {
  if (frame.end && frame.payload.length === 0) return undefined;
  const pieces = readPieces(new ByteReader(frame.payload));
  let byteLength = 0;
  for (const piece of pieces) {
    order.check(piece);
    if (piece.kind === "data") byteLength += piece.bytes.length;
  }
  return { pieces, byteLength, release: () => free(frame.payload) };
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
