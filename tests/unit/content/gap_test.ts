import { assertEquals } from "@std/assert";
import {
  type BaseRange,
  type Gap,
  gapsOf,
  SLACK_BYTES,
} from "../../../src/content/gap.ts";
import { MAX_GAP_BYTES } from "../../../src/content/limits.ts";
import { offsetsOf, type Recipe } from "../../../src/content/recipe.ts";
import { diffRecipes } from "../../../src/content/recipe_diff.ts";
import { recipeOfWords } from "./recipes.ts";

Deno.test("gapsOf() takes what lies between the neighbours of the gap", () => {
  // Chunks are numbers; regions are "base:from..to" of the base's chunks.
  const table: [string, number[], number[][], string[]][] = [
    ["nothing is missing", [1, 2], [[1, 2]], []],
    ["no base", [1, 2], [], ["0..2"]],
    ["an empty base", [1], [[]], ["0..1"]],
    ["one changed", [1, 9, 3], [[1, 2, 3]], ["1..2 0:1..2"]],
    ["the first changed", [9, 2], [[1, 2]], ["0..1 0:0..1"]],
    ["the last changed", [1, 9], [[1, 2]], ["1..2 0:1..2"]],
    ["all changed", [9], [[1]], ["0..1 0:0..1"]],
    ["one was inserted", [1, 9, 2], [[1, 2]], ["1..2"]],
    ["one was added", [1, 9], [[1]], ["1..2"]],
    ["two became one", [1, 9, 4], [[1, 2, 3, 4]], ["1..2 0:1..3"]],
    ["one became two", [1, 8, 9, 3], [[1, 2, 3]], ["1..3 0:1..2"]],
    ["two gaps", [8, 2, 9], [[1, 2, 3]], ["0..1 0:0..1", "2..3 0:2..3"]],
    ["the second base", [9, 3], [[5], [2, 3]], ["0..1 1:0..1"]],
  ];
  for (const [name, wanted, bases, expected] of table) {
    const recipes = bases.map(recipeOfWords);
    const found = gapsFor(recipeOfWords(wanted), recipes)
      .map((gap) => written(gap, recipes));
    assertEquals(found, expected, name);
  }
});

Deno.test("gapsOf() looks at both ends of what is much longer than the gap", () => {
  const words = Array.from({ length: 100 }, (_, i) => i);
  const base = recipeOfWords(words);
  const wanted = recipeOfWords([0, 1_000, 99]);
  const [gap] = gapsFor(wanted, [base]);
  const { length } = gap!;
  const offsets = offsetsOf(base);
  assertEquals(gap!.region, [
    { base: 0, offset: offsets[1]!, length: length + SLACK_BYTES },
    {
      base: 0,
      offset: offsets[99]! - length - SLACK_BYTES,
      length: length + SLACK_BYTES,
    },
  ]);
});

Deno.test("gapsOf() looks behind the one and before the other of neighbours that moved", () => {
  const base = recipeOfWords(Array.from({ length: 40 }, (_, i) => i));
  const [gap] = gapsFor(recipeOfWords([30, 1_000, 10]), [base]);
  const offsets = offsetsOf(base);
  const wide = gap!.length + SLACK_BYTES;
  assertEquals(gap!.region, [
    { base: 0, offset: offsets[31]!, length: wide },
    { base: 0, offset: offsets[10]! - wide, length: wide },
  ]);
});

Deno.test("gapsOf() cuts long gaps, each with the part of the base beside it", () => {
  const words = Array.from({ length: 400 }, (_, i) => i);
  const base = recipeOfWords(words);
  const wanted = recipeOfWords(words.map((word) => word + 7_000));
  const gaps = gapsFor(wanted, [base]);
  assertEquals(base.size, wanted.size);
  let end = 0;
  for (const { offset, length, region } of gaps) {
    assertEquals(offset, end);
    end += length;
    assertEquals(length <= MAX_GAP_BYTES, true);
    const from = Math.max(offset - SLACK_BYTES, 0);
    const to = Math.min(end + SLACK_BYTES, base.size);
    assertEquals(region, [{ base: 0, offset: from, length: to - from }]);
  }
  assertEquals(end, wanted.size);
  assertEquals(gaps.length, Math.ceil(wanted.size / MAX_GAP_BYTES));
});

Deno.test("gapsOf() gives short gaps no region", () => {
  const base = recipeOfWords([1, 2]);
  const wanted = recipeOfWords([1, 9]);
  wanted.lengths[1] = 2_048;
  assertEquals(gapsFor(wanted, [base])[0]!.region, []);
  wanted.lengths[1] = 2_049;
  assertEquals(gapsFor(wanted, [base])[0]!.region.length, 1);
});

function gapsFor(wanted: Recipe, bases: readonly Recipe[]): Gap[] {
  return gapsOf(diffRecipes(wanted, bases), wanted, bases);
}

function written(gap: Gap, bases: readonly Recipe[]): string {
  const place = ({ base, offset, length }: BaseRange): string => {
    const offsets = offsetsOf(bases[base]!);
    return `${base}:${offsets.indexOf(offset)}..${
      offsets.indexOf(offset + length)
    }`;
  };
  return [`${gap.first}..${gap.first + gap.count}`, ...gap.region.map(place)]
    .join(" ");
}
