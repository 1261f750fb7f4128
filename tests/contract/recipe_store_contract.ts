/** What every {@link RecipeStore} does. */
import { assertEquals } from "@std/assert";
import { digestOfRecipe } from "../../src/content/pages.ts";
import {
  EMPTY_RECIPE,
  ID_BYTES,
  type Recipe,
  recipeOf,
} from "../../src/content/recipe.ts";
import { parseRelPath } from "../../src/core/path.ts";
import type { FileVersion, RecipeStore } from "../../src/fs/recipe_store.ts";
import { Random } from "../support/random.ts";
import { recipeOfWords } from "../unit/content/recipes.ts";

const A = parseRelPath("a");
const B = parseRelPath("b/ä b\n.txt");
const C = parseRelPath("c");

/** Versions as file systems have them, also odd ones. */
const VERSIONS: readonly FileVersion[] = [
  { size: 5, mtime: 1_700_000_000_123, ctime: 1_700_000_001_000, inode: 12 },
  { size: 0, mtime: -1, ctime: 0, inode: 0 },
  { size: 2 ** 50, mtime: -8.64e15, ctime: 8.64e15, inode: 2 ** 64 },
];
const V = VERSIONS[0]!;

/** A store that is open while `test` runs; each call of `make` has an empty one. */
export type MakeStore = (
  test: (store: RecipeStore) => void | Promise<void>,
) => Promise<void>;

export function testRecipeStore(name: string, make: MakeStore): void {
  Deno.test(`${name}: knows nothing at first`, () =>
    make((store) => {
      const recipe = recipeOfWords([1, 2]);
      assertEquals(store.recipeOf(A, V), undefined);
      assertEquals(store.movedFrom(V), undefined);
      assertEquals(store.holders(digestOfRecipe(recipe)), []);
      assertEquals(store.filesWith(recipe.ids), []);
      assertEquals(store.filesWith(new Uint8Array(0)), []);
    }));

  Deno.test(`${name}: gives back the recipe of that version and no other`, () =>
    make((store) => {
      for (const version of VERSIONS) {
        const recipe = recipeOfWords([3, 4, 3]);
        store.remember(B, version, recipe);
        assertEquals(store.recipeOf(B, version), recipe);
        assertEquals(store.recipeOf(A, version), undefined);
        for (const field of ["size", "mtime", "ctime", "inode"] as const) {
          const other = { ...version, [field]: 77 };
          assertEquals(store.recipeOf(B, other), undefined, field);
        }
      }
    }));

  Deno.test(`${name}: gives back recipes of real content, and of none`, () =>
    make((store) => {
      const real = recipeOf(new Random(5).bytes(1_000_000));
      store.remember(A, V, real);
      store.remember(B, V, EMPTY_RECIPE);
      assertEquals(store.recipeOf(A, V), real);
      assertEquals(store.recipeOf(B, V), EMPTY_RECIPE);
      assertEquals(
        store.holders(digestOfRecipe(real)),
        [{ path: A, version: V }],
      );
    }));

  Deno.test(`${name}: the last version of a path takes the place of the one before`, () =>
    make((store) => {
      const [old, now] = [recipeOfWords([1, 2]), recipeOfWords([2, 3])];
      store.remember(A, V, old);
      const version = { ...V, mtime: V.mtime + 1 };
      store.remember(A, version, now);
      assertEquals(store.recipeOf(A, V), undefined);
      assertEquals(store.recipeOf(A, version), now);
      assertEquals(store.holders(digestOfRecipe(old)), []);
      assertEquals(store.filesWith(idsOf(old, 0)), []);
      assertEquals(
        store.filesWith(now.ids),
        [{ path: A, version, chunks: 2 }],
      );
    }));

  Deno.test(`${name}: lastOf() tells the recipe of a path, whatever its version`, () =>
    make((store) => {
      const [old, now] = [recipeOfWords([1, 2]), recipeOfWords([2, 3])];
      assertEquals(store.lastOf(A), undefined);
      store.remember(A, V, old);
      assertEquals(store.lastOf(A), old);
      store.remember(A, { ...V, mtime: V.mtime + 1 }, now);
      assertEquals(store.lastOf(A), now);
      assertEquals(store.lastOf(B), undefined);
    }));

  Deno.test(`${name}: a touched file keeps its recipe, in its new version`, () =>
    make((store) => {
      const recipe = recipeOfWords([1, 2]);
      store.remember(A, V, recipe);
      store.recipeOf(A, V);
      const version = { ...V, mtime: V.mtime + 1 };
      store.remember(A, version, recipe);
      assertEquals(
        store.holders(digestOfRecipe(recipe)),
        [{ path: A, version }],
      );
      assertEquals(store.recipeOf(A, V), undefined);
    }));

  Deno.test(`${name}: movedFrom() goes by inode, size and mtime, not by ctime`, () =>
    make((store) => {
      const recipe = recipeOfWords([9]);
      store.remember(A, V, recipe);
      const found = store.movedFrom({ ...V, ctime: V.ctime + 5 });
      assertEquals(found?.path, A);
      assertEquals(found?.recipe, recipe);
      for (const field of ["size", "mtime", "inode"] as const) {
        assertEquals(store.movedFrom({ ...V, [field]: 77 }), undefined, field);
      }
    }));

  Deno.test(`${name}: holders() names every file of that content`, () =>
    make((store) => {
      const recipe = recipeOfWords([1, 2]);
      const other = { ...V, inode: 13 };
      store.remember(A, V, recipe);
      store.remember(C, V, recipeOfWords([2, 1]));
      store.remember(B, other, recipe);
      const found = store.holders(digestOfRecipe(recipe));
      assertEquals(
        found.toSorted((a, b) => a.path < b.path ? -1 : 1),
        [{ path: A, version: V }, { path: B, version: other }],
      );
    }));

  Deno.test(`${name}: filesWith() names the file with most chunks first, and all that are needed`, () =>
    make((store) => {
      store.remember(A, V, recipeOfWords([1, 2]));
      store.remember(B, V, recipeOfWords([2, 3, 4, 5]));
      store.remember(C, V, recipeOfWords([4, 5]));
      const asked = recipeOfWords([1, 2, 3, 4, 1, 99]);
      assertEquals(
        store.filesWith(asked.ids),
        [
          { path: B, version: V, chunks: 3 },
          { path: A, version: V, chunks: 1 },
        ],
      );
    }));

  Deno.test(`${name}: filesWith() is not deceived by ids that begin alike`, () =>
    make((store) => {
      const recipe = recipeOfWords([1, 2]);
      store.remember(A, V, recipe);
      const asked = recipe.ids.slice();
      asked[ID_BYTES - 1]! ^= 1;
      assertEquals(
        store.filesWith(asked),
        [{ path: A, version: V, chunks: 1 }],
      );
      assertEquals(store.filesWith(asked.subarray(0, ID_BYTES)), []);
    }));

  Deno.test(`${name}: keeps thousands of files, and may be closed twice`, () =>
    make((store) => {
      const recipes = Array.from(
        { length: 3_000 },
        (_, i) => recipeOfWords([i, i + 1]),
      );
      for (const [i, recipe] of recipes.entries()) {
        store.remember(parseRelPath(`d/${i}`), { ...V, inode: i }, recipe);
      }
      for (const i of [0, 1_234, 2_999]) {
        assertEquals(
          store.recipeOf(parseRelPath(`d/${i}`), { ...V, inode: i }),
          recipes[i],
        );
      }
      assertEquals(
        store.filesWith(idsOf(recipeOfWords([1_500]), 0)).length,
        1,
      );
      store.close();
      store.close();
    }));
}

/** The id of chunk number `i`. */
function idsOf(recipe: Recipe, i: number): Uint8Array {
  return recipe.ids.subarray(i * ID_BYTES, (i + 1) * ID_BYTES);
}
