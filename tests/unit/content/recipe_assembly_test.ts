import { assertEquals, assertThrows } from "@std/assert";
import { digestOfRecipe, pagesOf } from "../../../src/content/pages.ts";
import type { Recipe } from "../../../src/content/recipe.ts";
import {
  assembleRecipe,
  encodePage,
  type PagedRecipe,
} from "../../../src/content/recipe_assembly.ts";
import { missingPages } from "../../../src/content/recipe_diff.ts";
import { IntegrityError, ProtocolError } from "../../../src/errors.ts";
import { Random } from "../../support/random.ts";
import { recipeOfWords } from "./recipes.ts";

const random = new Random(1);
const words = Array.from({ length: 2_000 }, () => random.below(65_536));
const old = paged(recipeOfWords(words));
const wanted = paged(
  recipeOfWords(words.with(700, 5).toSpliced(1_200, 0, 6, 7, 8)),
);
const digest = digestOfRecipe(wanted.recipe);
const missing = [...missingPages(wanted.pages, [old.pages])];
const sent = missing.map((page) => encodePage(wanted, page));

Deno.test("assembleRecipe() joins known pages and those that came", () => {
  assertEquals(missing.length > 0 && missing.length < 10, true);
  const recipe = assembleRecipe(wanted.pages, digest, [old], sent);
  assertEquals(recipe, wanted.recipe);
});

Deno.test("assembleRecipe() takes a recipe that is known as a whole, or comes as a whole", () => {
  const all = [...wanted.pages.ends.keys()].map((i) => encodePage(wanted, i));
  for (const [bases, received] of [[[old, wanted], []], [[], all]] as const) {
    const recipe = assembleRecipe(wanted.pages, digest, bases, received);
    assertEquals(recipe, wanted.recipe);
  }
  const empty = paged(recipeOfWords([]));
  const recipe = assembleRecipe(
    empty.pages,
    digestOfRecipe(empty.recipe),
    [old],
    [],
  );
  assertEquals(recipe, empty.recipe);
});

Deno.test("assembleRecipe() believes no page, and no list of pages", () => {
  const other = sent[0]!.slice();
  other[5]! ^= 1;
  const ends = wanted.pages.ends.slice();
  ends[0]! -= 1;
  const swapped = wanted.pages.digests.slice();
  swapped.copyWithin(0, 32, 64);
  const table: [string, () => Recipe, typeof ProtocolError][] = [
    ["a page with a wrong bit", () => assemble(sent.with(0, other)), Integrity],
    ["pages in wrong order", () => assemble(sent.toReversed()), Integrity],
    ["a page too few", () => assemble(sent.slice(1)), Integrity],
    ["no pages", () => assemble([]), ProtocolError],
    ["a page too many", () => assemble([...sent, sent[0]!]), ProtocolError],
    [
      "a page that is said to be shorter",
      () => assemble(sent, { ...wanted.pages, ends }),
      ProtocolError,
    ],
    [
      "a list of other pages",
      () => assemble(sent, { ...wanted.pages, digests: swapped }),
      ProtocolError,
    ],
  ];
  for (const [name, make, error] of table) assertThrows(make, error, "", name);
});

Deno.test("assembleRecipe() goes by the digest of the file, however pages were cut", () => {
  // By the rules these 40 chunks are one page.
  const recipe = recipeOfWords(Array(40).fill(65_535));
  const parts = [16, 24].map((count) =>
    paged(recipeOfWords(Array(count).fill(65_535)))
  );
  const pages = {
    digests: new Uint8Array(parts.flatMap((it) => [...it.pages.digests])),
    ends: Uint32Array.of(16, 40),
  };
  const received = parts.map((part) => encodePage(part, 0));
  const digest = digestOfRecipe(recipe);
  assertEquals(assembleRecipe(pages, digest, [], received), recipe);
  const other = digestOfRecipe(parts[0]!.recipe);
  assertThrows(
    () => assembleRecipe(pages, other, [], received),
    IntegrityError,
    "not that of a file",
  );
});

const Integrity = IntegrityError as unknown as typeof ProtocolError;

function assemble(
  received: readonly Uint8Array[],
  pages = wanted.pages,
): Recipe {
  return assembleRecipe(pages, digest, [old], received);
}

function paged(recipe: Recipe): PagedRecipe {
  return { recipe, pages: pagesOf(recipe) };
}
