import { assertEquals, assertThrows } from "@std/assert";
import { recipeOf } from "../../../src/content/recipe.ts";
import { IntegrityError } from "../../../src/errors.ts";
import { decodeRecipe, encodeRecipe } from "../../../src/hub/recipe_blob.ts";
import { Random } from "../../support/random.ts";

Deno.test("a recipe survives the database, and a damaged one is found", () => {
  const recipe = recipeOf(new Random(1).bytes(700_000));
  const bytes = encodeRecipe(recipe);
  assertEquals(decodeRecipe(bytes, recipe.size), recipe);
  const empty = recipeOf(new Uint8Array(0));
  assertEquals(decodeRecipe(encodeRecipe(empty), 0), empty);
  const fails = (bytes: Uint8Array, size: number): unknown =>
    assertThrows(() => decodeRecipe(bytes, size), IntegrityError);
  fails(bytes.subarray(1), recipe.size);
  fails(bytes, recipe.size + 1);
  fails(bytes.subarray(0, 0), recipe.size);
  const long = bytes.slice();
  long[32] = 0xff;
  fails(long, recipe.size);
});
