import { parseRelPath } from "../../src/core/path.ts";
import { RecipeFile } from "../../src/fs/recipe_file.ts";
import { RecipeIndex } from "../../src/fs/recipe_index.ts";
import type { RecipeStore } from "../../src/fs/recipe_store.ts";
import { TempDir } from "../support/temp.ts";
import { recipeOfWords } from "../unit/content/recipes.ts";
import { testRecipeStore } from "./recipe_store_contract.ts";

testRecipeStore("RecipeIndex", async (test) => {
  await using temp = new TempDir();
  using file = openFile(temp.path);
  const store = new RecipeIndex(file, () => "root");
  await test(store);
  store.close();
});

testRecipeStore("RecipeIndex, opened for each call", async (test) => {
  await using temp = new TempDir();
  await test(
    new Proxy({} as RecipeStore, {
      get: (_, property) => (...args: unknown[]): unknown => {
        using file = openFile(temp.path);
        const store = new RecipeIndex(file, () => "root");
        try {
          const method = Reflect.get(store, property) as typeof store.recipeOf;
          return method.apply(store, args as Parameters<typeof method>);
        } finally {
          store.close();
        }
      },
    }),
  );
});

testRecipeStore("RecipeIndex beside another root", async (test) => {
  await using temp = new TempDir();
  using file = openFile(temp.path);
  const [store, other] = ["one", "two"].map((name) =>
    new RecipeIndex(file, () => name)
  );
  // Names, versions and chunks as in the tests, known of the other tree only.
  const version = { size: 5, mtime: 1, ctime: 2, inode: 12 };
  for (const name of ["a", "c"]) {
    other!.remember(parseRelPath(name), version, recipeOfWords([1, 2, 3, 4]));
  }
  await test(store!);
  store!.close();
  other!.close();
});

function openFile(directory: string): RecipeFile {
  return new RecipeFile(directory, (message) => {
    throw new Error(message);
  });
}
