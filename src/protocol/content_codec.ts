/**
 * Content of files: the payload of a content frame is 1 to 2,048 pieces; the
 * last frame may be empty. A piece:
 *
 * | field  | layout | in            | allowed values                           |
 * | ------ | ------ | ------------- | ---------------------------------------- |
 * | index  | varint | all           | less that of the piece before it in the  |
 * |        |        |               | frame                                    |
 * | flags  | u8     | all           | bit 0: the file ends here; bits 1-2:     |
 * |        |        |               | 0 data, 1 hole, 2 unavailable (bits 0    |
 * |        |        |               | and 3 are 0), 3 delta; bit 3: an offset  |
 * |        |        |               | follows; others 0                        |
 * | offset | varint | with bit 3    | 1 to 2^53 - 1                            |
 * | length | varint | data, hole,   | of a hole or a delta at least 1          |
 * |        |        | delta         |                                          |
 * | size   | varint | delta         | at least 1: bytes that follow            |
 * | bytes  | length | data          |                                          |
 * |        | or     | delta         | a delta (`content/delta_codec.ts`), with |
 * |        | size   |               | the capability "recipes" only            |
 * | code   | u8     | unavailable   | 1 stale, 2 unreadable                    |
 * | remark | remark | unavailable   |                                          |
 */
import type { Piece } from "../core/piece.ts";
import { ProtocolError } from "../errors.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { readRemark, writeRemark } from "./fields.ts";
import {
  MAX_BATCH_PIECES,
  MAX_PAYLOAD_BYTES,
  MAX_RECORDS,
  MAX_TEXT_LENGTH,
} from "./limits.ts";

const LAST = 1;
const HOLE = 2;
const UNAVAILABLE = 4;
const DELTA = 6;
const HAS_OFFSET = 8;

/** Most bytes of a piece beside its content. */
const MAX_PIECE_HEADER_BYTES = 32;

/**
 * Writes pieces from number `from` on, as many as fit a payload of `maxBytes`
 * (that of a frame, unless said) of which `page.length` are used: the number of
 * the first that did not.
 * @throws {RangeError} If a piece is too long for any frame.
 */
export function writePieces(
  page: ByteWriter,
  pieces: readonly Piece[],
  from: number,
  maxBytes: number = MAX_PAYLOAD_BYTES,
): number {
  let previous = 0;
  let at = from;
  const end = Math.min(pieces.length, from + MAX_BATCH_PIECES);
  for (; at < end; at++) {
    const piece = pieces[at]!;
    const size = MAX_PIECE_HEADER_BYTES +
      (piece.kind === "data" || piece.kind === "delta"
        ? piece.bytes.length
        : piece.kind === "unavailable"
        ? 3 * Math.min(piece.message.length, MAX_TEXT_LENGTH)
        : 0);
    if (page.length + size > maxBytes) {
      if (at === from) throw new RangeError(`A piece has ${size} bytes`);
      break;
    }
    page.varint(piece.index - previous);
    previous = piece.index;
    writePiece(page, piece);
  }
  return at;
}

function writePiece(page: ByteWriter, piece: Piece): void {
  if (piece.kind === "unavailable") {
    page.u8(UNAVAILABLE);
    page.u8(piece.code === "stale" ? 1 : 2);
    writeRemark(page, piece.message);
    return;
  }
  const { offset } = piece;
  page.u8(
    (piece.last ? LAST : 0) | (offset === 0 ? 0 : HAS_OFFSET) |
      (piece.kind === "hole" ? HOLE : piece.kind === "delta" ? DELTA : 0),
  );
  if (offset !== 0) page.varint(offset);
  if (piece.kind !== "data") page.varint(piece.length);
  if (piece.kind !== "hole") {
    page.varint(piece.bytes.length);
    page.raw(piece.bytes);
  }
}

/** Reads all pieces; their bytes are views onto the message. */
export function readPieces(reader: ByteReader): Piece[] {
  const pieces: Piece[] = [];
  let index = 0;
  while (reader.left > 0) {
    if (pieces.length === MAX_BATCH_PIECES) {
      throw new ProtocolError("A frame has too many pieces");
    }
    index += reader.varint(MAX_RECORDS, "the index of a piece");
    pieces.push(readPiece(reader, index));
  }
  if (pieces.length > 0) return pieces;
  throw new ProtocolError("A content frame has no pieces");
}

function readPiece(reader: ByteReader, index: number): Piece {
  const flags = reader.u8("the flags of a piece");
  if (flags === UNAVAILABLE) {
    const code = reader.u8("the reason of a piece");
    if (code !== 1 && code !== 2) {
      throw new ProtocolError(`A piece has the unknown reason ${code}`);
    }
    return {
      kind: "unavailable",
      index,
      code: code === 1 ? "stale" : "unreadable",
      message: readRemark(reader),
    };
  }
  const kind = flags & DELTA;
  if ((flags & ~(LAST | DELTA | HAS_OFFSET)) !== 0 || kind === UNAVAILABLE) {
    throw new ProtocolError(`A piece has the unknown flags ${flags}`);
  }
  const last = (flags & LAST) !== 0;
  const most = Number.MAX_SAFE_INTEGER;
  const offset = (flags & HAS_OFFSET) === 0
    ? 0
    : reader.varint(most, "the offset of a piece");
  if (offset === 0 && (flags & HAS_OFFSET) !== 0) {
    throw new ProtocolError("A piece names the offset 0");
  }
  const length = reader.varint(most - offset, "the length of a piece");
  if (kind === 0) {
    const bytes = reader.raw(length, "the bytes of a piece");
    return { kind: "data", index, offset, bytes, last };
  }
  if (length === 0) throw new ProtocolError("A hole or a delta is empty");
  if (kind === HOLE) return { kind: "hole", index, offset, length, last };
  const size = reader.varint(MAX_PAYLOAD_BYTES, "the size of a delta");
  if (size === 0) throw new ProtocolError("A delta has no bytes");
  const bytes = reader.raw(size, "the bytes of a delta");
  return { kind: "delta", index, offset, length, bytes, last };
}
