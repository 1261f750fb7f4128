import { assertEquals } from "@std/assert";
import { pagesOf } from "../../../src/content/pages.ts";
import { offsetsOf, type Recipe } from "../../../src/content/recipe.ts";
import {
  diffRecipes,
  missingBytes,
  missingIds,
  missingPages,
  type Run,
} from "../../../src/content/recipe_diff.ts";
import { Random } from "../../support/random.ts";
import { recipeOfWords } from "./recipes.ts";

Deno.test("diffRecipes() finds runs as long as they can be", () => {
  // Chunks are numbers; runs are "from..to<base:first" or "from..to<".
  const table: [string, number[], number[][], string][] = [
    ["nothing is wanted", [], [[1, 2]], ""],
    ["nothing is there", [1, 2], [], "0..2<"],
    ["a base is empty", [1, 2], [[]], "0..2<"],
    ["all is there", [1, 2, 3], [[1, 2, 3]], "0..3<0:0"],
    ["one is new", [1, 9, 3], [[1, 2, 3]], "0..1<0:0 1..2< 2..3<0:2"],
    ["one was inserted", [1, 9, 2], [[1, 2]], "0..1<0:0 1..2< 2..3<0:1"],
    ["one was deleted", [1, 3], [[1, 2, 3]], "0..1<0:0 1..2<0:2"],
    ["they moved", [3, 4, 1, 2], [[1, 2, 3, 4]], "0..2<0:2 2..4<0:0"],
    ["several new ones", [8, 9, 1, 8], [[1]], "0..2< 2..3<0:0 3..4<"],
    ["one repeats", [1, 1, 1], [[1]], "0..1<0:0 1..2<0:0 2..3<0:0"],
    ["equal ones in order", [1, 1, 2], [[1, 1, 2]], "0..3<0:0"],
    ["equal ones, the later follows", [5, 1, 2], [[1, 5, 1, 2]], "0..3<0:1"],
    ["the first base goes first", [1], [[2, 1], [1]], "0..1<0:1"],
    ["two bases", [1, 2, 3], [[1], [2, 3]], "0..1<0:0 1..3<1:0"],
    ["a run ends with its base", [1, 2], [[1], [2]], "0..1<0:0 1..2<1:0"],
    ["from base to base", [2, 1, 9], [[1], [], [2]], "0..1<2:0 1..2<0:0 2..3<"],
  ];
  for (const [name, wanted, bases, expected] of table) {
    const recipes = bases.map(recipeOfWords);
    const target = recipeOfWords(wanted);
    const runs = diffRecipes(target, recipes);
    assertEquals(written(runs, recipes), expected, name);
    assertOffsets(runs, target);
  }
});

Deno.test("diffRecipes() compares ids to the last byte", () => {
  const base = recipeOfWords([1, 2, 3]);
  for (const byte of [0, 1, 4, 15, 31]) {
    const wanted = { ...base, ids: base.ids.slice() };
    wanted.ids[32 + byte]! ^= 1;
    const runs = diffRecipes(wanted, [base]);
    assertEquals(written(runs, [base]), "0..1<0:0 1..2< 2..3<0:2");
  }
});

Deno.test("diffRecipes() takes ids from any place in memory", () => {
  const base = recipeOfWords([1, 2, 3]);
  const larger = new Uint8Array(base.ids.length + 1);
  larger.set(base.ids, 1);
  const odd = { ...base, ids: larger.subarray(1) };
  for (const [a, b] of [[base, odd], [odd, base], [odd, odd]]) {
    assertEquals(written(diffRecipes(a!, [b!]), [b!]), "0..3<0:0");
  }
});

Deno.test("diffRecipes() stops searching where ids were chosen to collide", () => {
  // All ids begin with the same four bytes: the worst that a table can get.
  const base = recipeOfWords(Array(1_000).fill(0));
  const view = new DataView(base.ids.buffer);
  for (let i = 0; i < 1_000; i++) view.setUint32(32 * i + 4, i);
  assertEquals(written(diffRecipes(base, [base]), [base]), "0..1000<0:0");
  // In reverse nothing follows what was found before: each chunk is searched for.
  const reversed = { ...base, ids: base.ids.slice() };
  const reversedView = new DataView(reversed.ids.buffer);
  for (let i = 0; i < 1_000; i++) reversedView.setUint32(32 * i + 4, 999 - i);
  const copied = diffRecipes(reversed, [base])
    .filter(({ kind }) => kind === "copy");
  assertEquals(copied.length, 128);
});

Deno.test("missingBytes() and missingIds() tell what no base has", () => {
  const wanted = recipeOfWords([8, 1, 9, 10, 2]);
  const missing = recipeOfWords([8, 9, 10]);
  const runs = diffRecipes(wanted, [recipeOfWords([1, 2])]);
  assertEquals(missingBytes(runs), missing.size);
  assertEquals(missingIds(wanted, runs), missing.ids);
  const none = diffRecipes(wanted, [wanted]);
  assertEquals(missingBytes(none), 0);
  assertEquals(missingIds(wanted, none), new Uint8Array(0));
});

Deno.test("missingPages() names the pages around an edit, and no others", () => {
  const random = new Random(1);
  const words = Array.from({ length: 5_000 }, () => random.below(65_536));
  const base = pagesOf(recipeOfWords(words));
  assertEquals([...missingPages(base, [base])], []);
  assertEquals([...missingPages(base, [])], [...base.ends.keys()]);
  assertEquals([...missingPages(base, [pagesOf(recipeOfWords([]))])], [
    ...base.ends.keys(),
  ]);
  const edited = words.with(2_500, 70_000 % 65_536).toSpliced(2_600, 1);
  const missing = missingPages(pagesOf(recipeOfWords(edited)), [base]);
  assertEquals(missing.length >= 1 && missing.length <= 5, true);
});

/** The runs, in short. */
function written(runs: readonly Run[], bases: readonly Recipe[]): string {
  return runs.map((run) => {
    const range = `${run.first}..${run.first + run.count}<`;
    if (run.kind === "missing") return range;
    const first = offsetsOf(bases[run.base]!).indexOf(run.baseOffset);
    return `${range}${run.base}:${first}`;
  }).join(" ");
}

function assertOffsets(runs: readonly Run[], wanted: Recipe): void {
  const offsets = offsetsOf(wanted);
  for (const { first, count, offset, length } of runs) {
    assertEquals(offset, offsets[first]);
    assertEquals(length, offsets[first + count]! - offset);
  }
}
