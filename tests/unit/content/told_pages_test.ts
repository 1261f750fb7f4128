import { assert, assertEquals, assertThrows } from "@std/assert";
import { digestOfRecipe, pagesOf } from "../../../src/content/pages.ts";
import type { Recipe } from "../../../src/content/recipe.ts";
import { encodePage } from "../../../src/content/recipe_assembly.ts";
import { ToldPages } from "../../../src/content/told_pages.ts";
import { ProtocolError } from "../../../src/errors.ts";
import { joined } from "../../support/wire_message.ts";
import { recipeOfWords } from "./recipes.ts";

// What begins with a number below 1,365 ends a page.
const words = Array.from(
  { length: 400 },
  (_, i) => i % 50 === 49 ? i : 9_000 + i,
);
const OLD = recipeOfWords(words);
const NEW = recipeOfWords(words.map((word, i) => i === 200 ? 60_000 : word));

function told(recipe: Recipe, size = recipe.size): ToldPages {
  return new ToldPages(digestOfRecipe(recipe), pagesOf(recipe), size);
}

/** The chunks of the pages that are missing. */
function records(recipe: Recipe, { missing }: ToldPages): Uint8Array {
  const paged = { recipe, pages: pagesOf(recipe) };
  return joined(...Array.from(missing, (page) => encodePage(paged, page)));
}

Deno.test("ToldPages asks for all pages that no known file has, and proves what it is told", () => {
  const pages = told(NEW);
  assertEquals(pages.hasKnown, false);
  assertEquals(pages.missingShare, 1);
  assertEquals(pages.chunks, 400);
  pages.add(OLD);
  assert(pages.hasKnown && pages.missing.length === 1);
  const answer = records(NEW, pages);
  assertEquals(pages.missingBytes, answer.length);
  assertEquals(pages.recipe(answer), NEW);
  const same = told(OLD);
  same.add(OLD);
  assertEquals(same.missing.length, 0);
  assertEquals(same.recipe(new Uint8Array(0)), OLD);
});

Deno.test("ToldPages refuses what is not what the pages say", () => {
  const pages = told(NEW);
  pages.add(OLD);
  const answer = records(NEW, pages);
  const flipped = answer.slice();
  flipped[0]! ^= 1;
  for (const wrong of [flipped, answer.subarray(1), joined(answer, answer)]) {
    assertThrows(() => pages.recipe(wrong), ProtocolError);
  }
  const lied = new ToldPages("ab".repeat(32), pagesOf(OLD), OLD.size);
  lied.add(OLD);
  assertThrows(() => lied.recipe(new Uint8Array(0)), ProtocolError);
  const other = told(OLD, OLD.size + 1);
  other.add(OLD);
  assertThrows(() => other.recipe(new Uint8Array(0)), ProtocolError);
});

Deno.test("ToldPages refuses a file that can't have so many chunks", () => {
  for (const size of [0, 1_000, 400 * 256 * 1024 + 1]) {
    assertThrows(() => told(OLD, size), ProtocolError);
  }
  const none = { digests: new Uint8Array(0), ends: new Uint32Array(0) };
  assertThrows(() => new ToldPages("ab".repeat(32), none, 1), ProtocolError);
});
