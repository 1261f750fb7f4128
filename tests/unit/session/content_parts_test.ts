import { assert, assertEquals } from "@std/assert";
import type { ContentBatch, Piece } from "../../../src/core/piece.ts";
import { partsOf } from "../../../src/session/content_parts.ts";
import { Random } from "../../support/random.ts";

function data(index: number, bytes: Uint8Array, last = true): Piece {
  return { kind: "data", index, offset: 1_000 * index, bytes, last };
}

function batchOf(pieces: readonly Piece[]): ContentBatch {
  return { pieces, byteLength: contentOf(pieces).length };
}

/** All content, one piece after the other. */
function contentOf(pieces: readonly Piece[]): number[] {
  return pieces.flatMap((piece) =>
    piece.kind === "data" ? [...piece.bytes] : []
  );
}

Deno.test("partsOf() cuts pieces so that each part is short, and they follow each other", () => {
  const random = new Random(3);
  const pieces: Piece[] = [
    data(0, random.bytes(5)),
    { kind: "hole", index: 1, offset: 0, length: 9_999, last: true },
    data(2, random.bytes(700), false),
    data(3, new Uint8Array(0)),
    { kind: "unavailable", index: 4, code: "stale", message: "gone" },
    data(5, random.bytes(100)),
  ];
  for (const most of [1, 10, 64, 150, 10_000]) {
    const parts = [...partsOf(batchOf(pieces), () => most)];
    const all = parts.flatMap((part) => part.pieces);
    assertEquals(contentOf(all), contentOf(pieces));
    for (const part of parts) {
      assertEquals(part.byteLength, contentOf(part.pieces).length);
      assert(part.byteLength <= most, `${part.byteLength} of ${most}`);
    }
    const next = new Map<number, number>();
    for (const piece of all) {
      const original = pieces.find(({ index }) => index === piece.index)!;
      if (piece.kind !== "data" || original.kind !== "data") {
        assertEquals(piece, original);
        continue;
      }
      const offset = next.get(piece.index) ?? original.offset;
      assertEquals(piece.offset, offset);
      const end = offset + piece.bytes.length;
      next.set(piece.index, end);
      const isEnd = end === original.offset + original.bytes.length;
      assertEquals(piece.last, original.last && isEnd);
    }
    assertEquals(all.length > pieces.length, most < 700);
  }
});

Deno.test("partsOf() asks anew for each part how long it may be", () => {
  const lengths = [20.7, 40, 80.2, 1_000];
  const parts = [
    ...partsOf(batchOf([data(0, new Uint8Array(300))]), () => lengths.shift()!),
  ];
  assertEquals(parts.map(({ byteLength }) => byteLength), [12, 32, 72, 184]);
});

Deno.test("partsOf() makes nothing of nothing", () => {
  assertEquals([...partsOf(batchOf([]), () => 10)], []);
});
