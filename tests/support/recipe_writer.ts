/**
 * Writes to the index of recipes in a directory until it is killed, and a line to
 * standard output after each time: `deno run -A recipe_writer.ts DIRECTORY`.
 */
import { recipeOf } from "../../src/content/recipe.ts";
import { parseRelPath } from "../../src/core/path.ts";
import { RecipeFile } from "../../src/fs/recipe_file.ts";
import { RecipeIndex } from "../../src/fs/recipe_index.ts";
import { Random } from "./random.ts";

const random = new Random(Deno.pid);
using file = new RecipeFile(Deno.args[0]!, (message) => {
  throw new Error(message);
});
const store = new RecipeIndex(file, () => "root");
const line = new TextEncoder().encode("written\n");
for (;;) {
  for (let i = 0; i < 50; i++) {
    const path = parseRelPath(`w/${random.below(500)}`);
    const size = random.below(100_000);
    const version = { size, mtime: random.below(1e12), ctime: 1, inode: 1 };
    store.remember(path, version, recipeOf(random.bytes(size)));
  }
  store.close();
  Deno.stdout.writeSync(line);
}
