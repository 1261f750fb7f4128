/** Whatever happens to `recipes.db`, a run goes on, and hears nothing that is wrong. */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { digestOfRecipe } from "../../src/content/pages.ts";
import type { Recipe } from "../../src/content/recipe.ts";
import { parseRelPath, type RelPath } from "../../src/core/path.ts";
import { RecipeFile } from "../../src/fs/recipe_file.ts";
import { RecipeIndex } from "../../src/fs/recipe_index.ts";
import type { FileVersion } from "../../src/fs/recipe_store.ts";
import { test } from "../support/needs.ts";
import { note } from "../support/proof.ts";
import { Random, seedOr } from "../support/random.ts";
import { TempDir } from "../support/temp.ts";
import { recipeOfWords } from "../unit/content/recipes.ts";

const SEED = seedOr(17);
const PLACES = Number(Deno.env.get("LOCKSTEP_ROUNDS") ?? 200);
const KILLS = Number(Deno.env.get("LOCKSTEP_KILLS") ?? 6);
const FILES = 40;
const WRITER = fromFileUrl(
  new URL("../support/recipe_writer.ts", import.meta.url),
);

/** What is known of file number `i`. */
function known(
  i: number,
): { path: RelPath; version: FileVersion; recipe: Recipe } {
  return {
    path: parseRelPath(`d/file ${i}`),
    version: { size: 1_000 + i, mtime: 5_000 + i, ctime: 6_000 + i, inode: i },
    recipe: recipeOfWords(Array.from({ length: 1 + i % 9 }, (_, k) => i + k)),
  };
}

/** Asks for everything: how many files are known, and what was warned of. */
function askForAll(directory: string): { found: number; warnings: string[] } {
  const warnings: string[] = [];
  using file = new RecipeFile(
    directory,
    (message) => void warnings.push(message),
  );
  const store = new RecipeIndex(file, () => "root");
  let found = 0;
  for (let i = 0; i < FILES; i++) {
    const { path, version, recipe } = known(i);
    const answer = store.recipeOf(path, version);
    if (answer !== undefined) {
      assertEquals(answer, recipe);
      found++;
    }
    const moved = store.movedFrom(version);
    if (moved !== undefined) assertEquals(moved.recipe, recipe);
    store.holders(digestOfRecipe(recipe));
    store.filesWith(recipe.ids);
    store.remember(path, version, recipe);
  }
  store.close();
  return { found, warnings };
}

function copyIndex(from: string, to: string): void {
  for (const { name } of Deno.readDirSync(from)) {
    Deno.copyFileSync(`${from}/${name}`, `${to}/${name}`);
  }
}

Deno.test("K02: noise anywhere in the index is no reason to fail, nor to be believed", async () => {
  await using temp = new TempDir();
  const sound = temp.directory("sound");
  assertEquals(askForAll(sound), { found: 0, warnings: [] });
  assertEquals(askForAll(sound), { found: FILES, warnings: [] });
  const random = new Random(SEED);
  const size = Deno.statSync(`${sound}/recipes.db`).size;
  let noticed = 0;
  for (let i = 0; i < PLACES; i++) {
    const directory = temp.directory(`noise ${i}`);
    copyIndex(sound, directory);
    {
      using db = Deno.openSync(`${directory}/recipes.db`, { write: true });
      // Every fourth time in the head, which says what the rest means.
      db.seekSync(random.below(i % 4 === 0 ? 100 : size), Deno.SeekMode.Start);
      db.writeSync(random.bytes(1 + random.below(64)));
    }
    const what = `seed ${SEED}, noise ${i}`;
    const { warnings } = askForAll(directory);
    assert(warnings.length <= 1, `${what}: ${warnings}`);
    noticed += warnings.length;
    // What seems to be of somebody else, or closed, is left alone; all else heals.
    if (!/newer|another program|readonly/.test(`${warnings}`)) {
      for (let run = 0; run < 2; run++) askForAll(directory);
      assertEquals(askForAll(directory), { found: FILES, warnings: [] }, what);
    }
    await Deno.remove(directory, { recursive: true });
    note("N16", "damages", 1);
  }
  assert(noticed > PLACES / 10, `noticed ${noticed} times`);
});

Deno.test("K03: an index that lost its log is an older one, or begun anew", async () => {
  await using temp = new TempDir();
  const [sound, lost] = [temp.directory("sound"), temp.directory("lost")];
  using file = new RecipeFile(sound, (message) => {
    throw new Error(message);
  });
  const store = new RecipeIndex(file, () => "root");
  for (let i = 0; i < FILES; i++) {
    const { path, version, recipe } = known(i);
    store.remember(path, version, recipe);
    if (i === FILES / 2) store.close();
  }
  store.close();
  assert(Deno.statSync(`${sound}/recipes.db-wal`).size > 0);
  Deno.copyFileSync(`${sound}/recipes.db`, `${lost}/recipes.db`);
  const { found, warnings } = askForAll(lost);
  assert(found < FILES && warnings.length <= 1, `${found} ${warnings}`);
  assertEquals(askForAll(lost), { found: FILES, warnings: [] });
});

test(
  "E06: a run that is killed while it writes the index leaves a sound one",
  ["signals"],
  async () => {
    await using temp = new TempDir();
    const random = new Random(SEED);
    const directory = temp.at("state");
    for (let kill = 0; kill < KILLS; kill++) {
      await using child = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", WRITER, directory],
        stdout: "piped",
      }).spawn();
      const reader = child.stdout.getReader();
      // It says so whenever it has written something.
      for (let i = random.below(20); i >= 0; i--) await reader.read();
      child.kill("SIGKILL");
      await child.status;
      await reader.cancel();
      const { warnings } = askForAll(directory);
      assertEquals(warnings, [], `seed ${SEED}, kill ${kill}`);
      assertEquals(askForAll(directory), { found: FILES, warnings: [] });
      note("N4", "kills", 1);
    }
  },
);
