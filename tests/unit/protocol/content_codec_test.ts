import { assertEquals, assertThrows } from "@std/assert";
import type { Piece } from "../../../src/core/piece.ts";
import { ProtocolError } from "../../../src/errors.ts";
import { ByteReader, ByteWriter } from "../../../src/protocol/bytes.ts";
import {
  readPieces,
  writePieces,
} from "../../../src/protocol/content_codec.ts";
import {
  MAX_BATCH_PIECES,
  MAX_PAYLOAD_BYTES,
} from "../../../src/protocol/limits.ts";

const PIECES: readonly Piece[] = [
  {
    kind: "data",
    index: 3,
    offset: 0,
    bytes: Uint8Array.of(1, 2),
    last: false,
  },
  { kind: "hole", index: 3, offset: 2, length: 2 ** 40, last: false },
  {
    kind: "data",
    index: 3,
    offset: 2 ** 40 + 2,
    bytes: Uint8Array.of(3),
    last: true,
  },
  { kind: "data", index: 4, offset: 0, bytes: new Uint8Array(), last: true },
  { kind: "unavailable", index: 9, code: "stale", message: "it has changed" },
  { kind: "unavailable", index: 10, code: "unreadable", message: "" },
];

Deno.test("Pieces come back as they were; their bytes are views", () => {
  const page = new ByteWriter();
  assertEquals(writePieces(page, PIECES, 0), PIECES.length);
  const payload = page.bytes;
  const pieces = readPieces(new ByteReader(payload));
  assertEquals(pieces, PIECES);
  const [first] = pieces;
  assertEquals(first?.kind === "data" && first.bytes.buffer, payload.buffer);
});

Deno.test("Pieces that do not fit one frame go into several", () => {
  const message = "x".repeat(1024);
  const many: Piece[] = Array.from(
    { length: 3 * MAX_BATCH_PIECES },
    (_, index) => ({ kind: "unavailable", index, code: "stale", message }),
  );
  const read: Piece[] = [];
  let frames = 0;
  for (let at = 0; at < many.length; frames++) {
    const page = new ByteWriter();
    at = writePieces(page, many, at);
    assertEquals(page.length <= MAX_PAYLOAD_BYTES, true);
    read.push(...readPieces(new ByteReader(page.bytes)));
  }
  assertEquals(frames > 20, true);
  assertEquals(read, many);
});

Deno.test("A piece that fits no frame is refused", () => {
  const bytes = new Uint8Array(MAX_PAYLOAD_BYTES);
  const piece: Piece = { kind: "data", index: 0, offset: 0, bytes, last: true };
  assertThrows(() => writePieces(new ByteWriter(), [piece], 0), RangeError);
});

Deno.test("readPieces() refuses what can't be pieces", () => {
  const table: [string, number[]][] = [
    ["none", []],
    ["unknown flags", [0, 16]],
    ["hole and unavailable at once", [0, 6, 1, 0]],
    ["an unavailable that is the last", [0, 5, 1, 0]],
    ["an unavailable with an offset", [0, 12, 1, 0]],
    ["an unknown reason", [0, 4, 3, 0]],
    ["an offset of 0", [0, 9, 0, 0]],
    ["an empty hole", [0, 3, 0]],
    ["bytes beyond the end", [0, 1, 2, 7]],
    ["an index beyond all files", [255, 255, 255, 255, 127, 1, 0]],
    ["too many pieces", new Array(3 * (MAX_BATCH_PIECES + 1)).fill(0)],
  ];
  for (const [what, bytes] of table) {
    assertThrows(
      () => readPieces(new ByteReader(Uint8Array.from(bytes))),
      ProtocolError,
      undefined,
      what,
    );
  }
});
