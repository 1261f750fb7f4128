import { assertEquals } from "@std/assert";
import { offsetsOf } from "../../../src/content/recipe.ts";
import { stayingChunks, withoutStaying } from "../../../src/content/staying.ts";
import { recipeOfWords } from "./recipes.ts";

// Chunks are numbers; those that are equal modulo 7 have equal lengths.

Deno.test("stayingChunks() finds the chunks that lie where they belong", () => {
  const table: [string, number[], number[], number[] | undefined][] = [
    ["nothing is wanted", [], [1, 2], undefined],
    ["nothing is there", [1, 2], [], undefined],
    ["all is there", [1, 2, 3], [1, 2, 3], [1, 1, 1]],
    ["the part ends early", [1, 2, 3], [1, 2], [1, 1, 0]],
    ["the part goes on", [1, 2], [1, 2, 3], [1, 1]],
    ["another one of its length", [1, 2, 3], [1, 9, 3], [1, 0, 1]],
    ["another one of another length", [1, 2, 3], [1, 3, 3], [1, 0, 0]],
    ["two lie where one belongs", [0, 21, 5], [0, 7, 14, 5], [1, 0, 0]],
    ["places meet again", [1, 3, 5], [3, 1, 5], [0, 0, 1]],
    ["all moved", [9, 1, 2, 3], [1, 2, 3], undefined],
  ];
  for (const [name, wanted, part, expected] of table) {
    const staying = stayingChunks(recipeOfWords(wanted), recipeOfWords(part));
    assertEquals(staying && [...staying], expected, name);
  }
});

Deno.test("stayingChunks() compares ids to the last byte, at any place in memory", () => {
  const wanted = recipeOfWords([1, 2, 3]);
  for (const byte of [0, 1, 4, 15, 31]) {
    const larger = new Uint8Array(wanted.ids.length + 1);
    larger.set(wanted.ids, 1);
    const ids = larger.subarray(1);
    ids[32 + byte]! ^= 1;
    assertEquals([...stayingChunks(wanted, { ...wanted, ids })!], [1, 0, 1]);
  }
});

Deno.test("withoutStaying() leaves what lies between the chunks that stay", () => {
  const offsets = offsetsOf(recipeOfWords([1, 2, 3, 4, 5, 6]));
  const region = [{ base: 0, offset: 7, length: 9 }];
  const range = (first: number, end: number) => ({
    first,
    count: end - first,
    offset: offsets[first]!,
    length: offsets[end]! - offsets[first]!,
    region,
  });
  const table: [string, number[] | undefined, [number, number][]][] = [
    ["none stays", undefined, [[1, 5]]],
    ["others stay", [1, 0, 0, 0, 0, 1], [[1, 5]]],
    ["the first stays", [0, 1, 0, 0, 0, 0], [[2, 5]]],
    ["the last stays", [0, 0, 0, 0, 1, 0], [[1, 4]]],
    ["one between", [0, 0, 1, 0, 0, 0], [[1, 2], [3, 5]]],
    ["two between", [0, 0, 1, 1, 0, 0], [[1, 2], [4, 5]]],
    ["all stay", [0, 1, 1, 1, 1, 0], []],
  ];
  for (const [name, staying, expected] of table) {
    const rest = withoutStaying(
      range(1, 5),
      offsets,
      staying && Uint8Array.from(staying),
    );
    const parts = expected.map(([first, end]) => range(first, end));
    assertEquals([...rest], parts, name);
  }
});
