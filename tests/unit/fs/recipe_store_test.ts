import { assertEquals } from "@std/assert";
import { digestOfRecipe } from "../../../src/content/pages.ts";
import { ID_BYTES, recipeOf } from "../../../src/content/recipe.ts";
import { parseRelPath } from "../../../src/core/path.ts";
import {
  type FileVersion,
  MemoryRecipeStore,
} from "../../../src/fs/recipe_store.ts";
import { Random } from "../../support/random.ts";

const random = new Random(8);
const A = recipeOf(random.bytes(300_000));
const B = recipeOf(random.bytes(200_000));
const path = parseRelPath;

function version(
  inode: number,
  fields: Partial<FileVersion> = {},
): FileVersion {
  return { size: 300_000, mtime: 5, ctime: 6, inode, ...fields };
}

Deno.test("a recipe is known in exactly the version that was read", () => {
  const store = new MemoryRecipeStore();
  store.remember(path("a"), version(1), A);
  assertEquals(store.recipeOf(path("a"), version(1)), A);
  for (const field of ["size", "mtime", "ctime", "inode"] as const) {
    const other = version(1, { [field]: 99 });
    assertEquals(store.recipeOf(path("a"), other), undefined, field);
  }
  assertEquals(store.recipeOf(path("b"), version(1)), undefined);
});

Deno.test("after a rename it is known by inode, size and mtime", () => {
  const store = new MemoryRecipeStore();
  store.remember(path("a"), version(1), A);
  const moved = store.movedFrom(version(1, { ctime: 99 }));
  assertEquals(moved, { path: path("a"), recipe: A });
  assertEquals(store.movedFrom(version(1, { mtime: 99 })), undefined);
  assertEquals(store.movedFrom(version(2)), undefined);
});

Deno.test("files are found by their digest, and by chunks, the best one first", () => {
  const store = new MemoryRecipeStore();
  store.remember(path("a"), version(1), A);
  store.remember(path("b"), version(2), B);
  assertEquals(store.holders(digestOfRecipe(A)), [
    { path: path("a"), version: version(1) },
  ]);
  const ids = new Uint8Array(A.ids.length + 2 * ID_BYTES);
  ids.set(B.ids.subarray(0, ID_BYTES));
  ids.set(A.ids, ID_BYTES);
  assertEquals(store.filesWith(ids), [
    { path: path("a"), version: version(1), chunks: A.lengths.length },
    { path: path("b"), version: version(2), chunks: 1 },
  ]);
});

Deno.test("what is remembered anew takes the place of what was, and the oldest goes", () => {
  const store = new MemoryRecipeStore({
    maxChunks: A.lengths.length + B.lengths.length,
  });
  store.remember(path("a"), version(1), A);
  store.remember(path("a"), version(1, { mtime: 9 }), B);
  assertEquals(store.holders(digestOfRecipe(A)), []);
  assertEquals(store.recipeOf(path("a"), version(1)), undefined);
  store.remember(path("c"), version(3), A);
  store.remember(path("d"), version(4), A);
  assertEquals(store.recipeOf(path("a"), version(1, { mtime: 9 })), undefined);
  assertEquals(store.recipeOf(path("d"), version(4)), A);
  store.close();
  assertEquals(store.holders(digestOfRecipe(A)), []);
});
