import { assertEquals } from "@std/assert";
import { recipesFor } from "../../../src/cli/commands/recipes.ts";
import type { CommandEvent } from "../../../src/cli/events.ts";
import { parseRelPath } from "../../../src/core/path.ts";
import type { RecipeStore } from "../../../src/fs/recipe_store.ts";
import { namesIn } from "../../support/disk_tree.ts";
import { TempDir } from "../../support/temp.ts";
import { recipeOfWords } from "../content/recipes.ts";

const A = parseRelPath("a");
const V = { size: 5, mtime: 100, ctime: 200, inode: 12 };
const RECIPE = recipeOfWords([1, 2, 3]);

/** Works with the recipes of `roots`, as one command would: what it reported. */
function command(
  stateDir: string,
  roots: readonly string[],
  work: (...stores: RecipeStore[]) => void,
): CommandEvent[] {
  const events: CommandEvent[] = [];
  const reporter = { report: (event: CommandEvent) => void events.push(event) };
  using recipes = recipesFor({ stateDir, noState: false }, reporter)!;
  work(...roots.map((root) => recipes.of(root)));
  return events;
}

Deno.test("recipes are known of the directory that they were seen in, by any path to it", async () => {
  await using temp = new TempDir();
  const state = temp.at("state");
  const [one, other] = [temp.directory("one"), temp.directory("other")];
  Deno.symlinkSync(one, temp.at("link"));
  command(state, [one, other], (store) => store.remember(A, V, RECIPE));
  command(state, [temp.at("link"), other], (link, store) => {
    assertEquals(link.recipeOf(A, V), RECIPE);
    assertEquals(store.recipeOf(A, V), undefined);
  });
  Deno.renameSync(one, temp.at("away"));
  Deno.mkdirSync(one);
  command(state, [one], (store) => {
    assertEquals(store.recipeOf(A, V), undefined);
  });
});

Deno.test("a damaged index is warned of once, whatever number of trees use it", async () => {
  await using temp = new TempDir();
  const state = temp.directory("state");
  Deno.writeTextFileSync(temp.at("state", "recipes.db"), "x".repeat(5_000));
  const roots = [temp.directory("one"), temp.directory("other")];
  const events = command(state, roots, (...stores) => {
    for (const store of stores) {
      store.recipeOf(A, V);
      store.remember(A, V, RECIPE);
      assertEquals(store.movedFrom(V)?.recipe, RECIPE);
    }
  });
  assertEquals(events.map(({ kind }) => kind), ["warning"]);
});

Deno.test("--no-state has no recipes, and whoever does not ask leaves nothing", async () => {
  await using temp = new TempDir();
  const stateDir = temp.directory("state");
  const reporter = { report(): void {} };
  assertEquals(recipesFor({ stateDir, noState: true }, reporter), undefined);
  command(stateDir, [temp.directory("one")], () => {});
  assertEquals(namesIn(stateDir), []);
});
