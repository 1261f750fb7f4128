/** Cuts batches of content into parts, for links on which a whole one takes long. */
import type { ContentBatch, Piece } from "../core/piece.ts";

/** Most bytes of a piece beside its content, or the words of a failure. */
const PIECE_BYTES = 8;

/**
 * The pieces of `batch`, some of them cut, in its order, in parts of about as many
 * bytes as `mostBytes` says when each begins. They have no `release` of their
 * own: `batch` is used up after the last one.
 */
export function* partsOf(
  batch: ContentBatch,
  mostBytes: () => number,
): Generator<ContentBatch> {
  let pieces: Piece[] = [];
  let byteLength = 0;
  let room = Math.floor(mostBytes());
  for (const piece of batch.pieces) {
    const length = piece.kind === "data" ? piece.bytes.length : 0;
    for (let at = 0;;) {
      const taken = Math.min(length - at, Math.max(1, room - PIECE_BYTES));
      pieces.push(
        piece.kind === "data" ? cutFrom(piece, at, at + taken) : piece,
      );
      byteLength += taken;
      at += taken;
      room -= taken + PIECE_BYTES;
      if (room <= PIECE_BYTES) {
        yield { pieces, byteLength };
        pieces = [];
        byteLength = 0;
        room = Math.floor(mostBytes());
      }
      if (at >= length) break;
    }
  }
  if (pieces.length > 0) yield { pieces, byteLength };
}

/** The bytes of `piece` from `start` to before `end`. */
function cutFrom(
  piece: Piece & { readonly kind: "data" },
  start: number,
  end: number,
): Piece {
  const { offset, bytes, last } = piece;
  if (start === 0 && end === bytes.length) return piece;
  return {
    ...piece,
    offset: offset + start,
    bytes: bytes.subarray(start, end),
    last: last && end === bytes.length,
  };
}
