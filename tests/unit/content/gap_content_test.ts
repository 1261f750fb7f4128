import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Gap } from "../../../src/content/gap.ts";
import { GapContent } from "../../../src/content/gap_content.ts";
import type { ContentPiece } from "../../../src/core/piece.ts";
import { ProtocolError } from "../../../src/errors.ts";

const SIZE = 10;

function gap(offset: number, length: number, isSigned = false): Gap {
  const region = isSigned ? [{ base: 0, offset: 0, length: 4 }] : [];
  return { first: 0, count: 1, offset, length, region };
}

function data(offset: number, text: string, last = false): ContentPiece {
  const bytes = new TextEncoder().encode(text);
  return { kind: "data", index: 0, offset, bytes, last };
}

function hole(offset: number, length: number, last = false): ContentPiece {
  return { kind: "hole", index: 0, offset, length, last };
}

Deno.test("GapContent puts gaps together, whatever their pieces are", () => {
  const gaps = new GapContent([gap(1, 5), gap(8, 2)], SIZE);
  const whole: string[] = [];
  const pieces = [data(1, "ab"), hole(3, 2), data(5, "c"), data(8, "de", true)];
  for (const piece of pieces) {
    const content = gaps.add(gaps.gapFor(piece)!, piece);
    if (content !== undefined) whole.push(new TextDecoder().decode(content));
    assertEquals(gaps.isLast(piece), piece.last);
  }
  assertEquals(whole, ["ab\0\0c", "de"]);
  assert(gaps.isFull);
});

Deno.test("GapContent takes only what comes next", () => {
  const wrong: [title: string, before: ContentPiece[], piece: ContentPiece][] =
    [
      ["before the gap", [], data(0, "a")],
      ["nothing", [], data(1, "")],
      ["more than the gap", [], data(1, "abcdef")],
      ["a step too far", [data(1, "a")], data(3, "b")],
      ["the same once more", [data(1, "a")], data(1, "a")],
      ["more when all is there", [data(1, "abcde", true)], data(6, "f")],
      ["an end elsewhere", [data(1, "abcde", true)], data(SIZE - 1, "", true)],
    ];
  for (const [title, before, piece] of wrong) {
    const gaps = new GapContent([gap(1, 5)], SIZE);
    for (const one of before) gaps.add(gaps.gapFor(one)!, one);
    assertThrows(() => gaps.gapFor(piece), ProtocolError, undefined, title);
  }
  const early = new GapContent([gap(1, 5)], SIZE);
  const piece = data(1, "a", true);
  early.add(early.gapFor(piece)!, piece);
  assertThrows(() => early.isLast(piece), ProtocolError);
  const end = new GapContent([], SIZE);
  assertEquals(end.gapFor(data(SIZE, "", true)), undefined);
  assert(end.isLast(data(SIZE, "", true)));
});

Deno.test("GapContent asks for a region once, and only where something was signed", () => {
  const bytes = new Uint8Array(0);
  const delta: ContentPiece = {
    ...{ kind: "delta", index: 0, offset: 0, length: 2, bytes, last: false },
  };
  const plain = new GapContent([gap(0, 4)], SIZE);
  assertThrows(() => plain.needsRegion(gap(0, 4), delta), ProtocolError);
  const signed = gap(0, 4, true);
  const gaps = new GapContent([signed], SIZE);
  assertEquals(gaps.needsRegion(signed, data(0, "ab")), false);
  assertEquals(gaps.needsRegion(signed, delta), true);
  assertEquals(gaps.usedDelta, false);
});
