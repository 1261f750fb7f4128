import { assert, assertEquals } from "@std/assert";
import { hash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { digestOfRecipe } from "../../../src/content/pages.ts";
import { encodeRecipe } from "../../../src/content/recipe_codec.ts";
import { parseRelPath, type RelPath } from "../../../src/core/path.ts";
import { RecipeFile, type RecipeLimits } from "../../../src/fs/recipe_file.ts";
import { RecipeIndex } from "../../../src/fs/recipe_index.ts";
import { SCHEMA_VERSION } from "../../../src/fs/recipe_schema.ts";
import type { RecipeStore } from "../../../src/fs/recipe_store.ts";
import { namesIn } from "../../support/disk_tree.ts";
import { mounted } from "../../support/mounted.ts";
import { test } from "../../support/needs.ts";
import { TempDir } from "../../support/temp.ts";
import { recipeOfWords } from "../content/recipes.ts";

const A = parseRelPath("a");
const V = { size: 5, mtime: 100, ctime: 200, inode: 12 };
const RECIPE = recipeOfWords([1, 2, 3]);

/** One run that works with the index in `directory`: what it warned of. */
function run(
  directory: string,
  work: (store: RecipeStore) => void,
  limits?: RecipeLimits,
): string[] {
  const warnings: string[] = [];
  using file = new RecipeFile(
    directory,
    (message) => void warnings.push(message),
    limits,
  );
  const store = new RecipeIndex(file, () => "root");
  work(store);
  store.close();
  return warnings;
}

/** Makes use of every call, as a run would. */
function useAll(store: RecipeStore): void {
  store.recipeOf(A, V);
  store.movedFrom(V);
  store.remember(A, V, RECIPE);
  store.holders(digestOfRecipe(RECIPE));
  store.filesWith(RECIPE.ids);
}

function remember(directory: string): void {
  assertEquals(run(directory, (store) => store.remember(A, V, RECIPE)), []);
}

function assertRemembers(directory: string): void {
  const warnings = run(directory, (store) => {
    assertEquals(store.recipeOf(A, V), RECIPE);
    assertEquals(store.filesWith(RECIPE.ids).length, 1);
  });
  assertEquals(warnings, []);
}

Deno.test("the index is not opened before somebody asks for it", async () => {
  await using temp = new TempDir();
  const directory = temp.at("state");
  assertEquals(run(directory, () => {}), []);
  assertEquals(namesIn(temp.path), []);
});

test(
  "the index is for its owner alone, whatever the mask and whoever made it",
  ["modes"],
  async () => {
    await using temp = new TempDir();
    const directory = temp.at("new", "state");
    const mask = Deno.umask(0);
    try {
      remember(directory);
    } finally {
      Deno.umask(mask);
    }
    const path = `${directory}/recipes.db`;
    assertEquals(Deno.statSync(path).mode! & 0o777, 0o600);
    assertEquals(Deno.statSync(directory).mode! & 0o777, 0o700);
    Deno.chmodSync(path, 0o644);
    assertRemembers(directory);
    assertEquals(Deno.statSync(path).mode! & 0o777, 0o600);
  },
);

/** Makes `path`, where an index is, into something else. */
const DAMAGES: Readonly<Record<string, (path: string) => void>> = {
  "text": (path) => Deno.writeTextFileSync(path, "shopping list\n".repeat(99)),
  "cut off in the middle": (path) =>
    Deno.truncateSync(path, Deno.statSync(path).size / 2),
  "cut off in its head": (path) => Deno.truncateSync(path, 50),
  "full of zeros behind its head": (path) => {
    const bytes = Deno.readFileSync(path);
    Deno.writeFileSync(path, bytes.fill(0, 100));
  },
  "of another digest": (path) => {
    using db = open(path);
    db.exec("UPDATE files SET digest = zeroblob(32)");
  },
  "holding no recipes": (path) => {
    using db = open(path);
    db.exec("UPDATE files SET recipe = x'0102'");
  },
  "holding no paths": (path) => {
    using db = open(path);
    db.exec("UPDATE files SET path = '../a', inode = 13");
  },
};

for (const [how, damage] of Object.entries(DAMAGES)) {
  Deno.test(`K02: an index that is ${how} is begun anew, and that is said once`, async () => {
    await using temp = new TempDir();
    remember(temp.path);
    damage(temp.at("recipes.db"));
    const warnings = run(temp.path, (store) => {
      store.movedFrom({ ...V, inode: 13 });
      useAll(store);
    });
    assertEquals(warnings.length, 1, warnings.join("\n"));
    assert(warnings[0]!.includes("is damaged"), warnings[0]);
    run(temp.path, (store) => store.remember(A, V, RECIPE));
    assertRemembers(temp.path);
    assert(namesIn(temp.path).includes("recipes.db.damaged"));
  });
}

Deno.test("an index that is cut off to nothing is a new one", async () => {
  await using temp = new TempDir();
  remember(temp.path);
  Deno.truncateSync(temp.at("recipes.db"), 0);
  assertEquals(run(temp.path, useAll), []);
  assertRemembers(temp.path);
});

/** Makes sure that no index can be had in `directory`; returns what undoes it. */
const OBSTACLES: Readonly<
  Record<string, (directory: string) => (() => void) | void>
> = {
  "is a directory": (directory) => Deno.mkdirSync(`${directory}/recipes.db`),
  "is of another program": (directory) => {
    using db = open(`${directory}/recipes.db`);
    db.exec("CREATE TABLE dishes (name TEXT); INSERT INTO dishes VALUES ('x')");
  },
  "is of a newer version": (directory) => {
    remember(directory);
    using db = open(`${directory}/recipes.db`);
    db.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
  },
  "lies below a file": (directory) => {
    Deno.removeSync(directory);
    Deno.writeTextFileSync(directory, "");
  },
};

for (const [why, prepare] of Object.entries(OBSTACLES)) {
  const row = why.includes("version") ? "K04, K12: " : "";
  Deno.test(`${row}a run goes without an index that ${why}, and says so once`, async () => {
    await using temp = new TempDir();
    const directory = temp.directory("state");
    prepare(directory);
    const before = contentOf(directory);
    const warnings = run(directory, (store) => {
      useAll(store);
      assertEquals(store.recipeOf(A, V), undefined);
      useAll(store);
    });
    assertEquals(warnings.length, 1, warnings.join("\n"));
    assert(warnings[0]!.startsWith("Nothing is remembered"), warnings[0]);
    assertEquals(contentOf(directory), before);
  });
}

Deno.test("K01: a run goes without an index that somebody else keeps locked", async () => {
  await using temp = new TempDir();
  remember(temp.path);
  using other = open(temp.at("recipes.db"));
  other.exec("BEGIN EXCLUSIVE");
  const warnings = run(temp.path, (store) => {
    useAll(store);
    useAll(store);
  });
  assertEquals(warnings.length, 1, warnings.join("\n"));
  assert(warnings[0]!.includes("locked"), warnings[0]);
  other.exec("ROLLBACK");
  assertRemembers(temp.path);
});

test(
  "a run goes without an index on a disk that is read-only, or full",
  ["mount"],
  async () => {
    await using temp = new TempDir();
    for (const options of ["ro", "size=8k"]) {
      const place = temp.directory("disk");
      await mounted(place, { options }, () => {
        const warnings = run(place, useAll);
        assertEquals(warnings.length, 1, warnings.join("\n"));
        assert(warnings[0]!.startsWith("Nothing is remembered"), warnings[0]);
      });
    }
  },
);

Deno.test("two runs at once share an index", async () => {
  await using temp = new TempDir();
  const B = parseRelPath("b");
  const warnings = run(temp.path, (one) => {
    one.remember(A, V, RECIPE);
    const inner = run(temp.path, (other) => {
      assertEquals(other.recipeOf(A, V), undefined);
      one.close();
      assertEquals(other.recipeOf(A, V), RECIPE);
      other.remember(B, V, RECIPE);
    });
    assertEquals(inner, []);
    assertEquals(one.recipeOf(B, V), RECIPE);
  });
  assertEquals(warnings, []);
});

Deno.test("K04, K12: an index of an older version is brought up to date", async () => {
  await using temp = new TempDir();
  {
    using db = open(temp.at("recipes.db"));
    db.exec(SCHEMA_1);
    db.exec("INSERT INTO roots VALUES (7, 'root', 1)");
    db.prepare("INSERT INTO files VALUES (3, 7, 'a', 5, 100, 200, 12, ?, ?)")
      .run(
        Uint8Array.fromHex(digestOfRecipe(RECIPE)),
        encodeRecipe(RECIPE),
      );
    const view = new DataView(RECIPE.ids.buffer);
    const insert = db.prepare("INSERT INTO chunks VALUES (7, ?, 3)");
    for (let i = 0; i < 3; i++) insert.run(view.getBigInt64(32 * i));
  }
  assertRemembers(temp.path);
  using db = open(temp.at("recipes.db"));
  const { user_version } = db.prepare("PRAGMA user_version").get()!;
  assertEquals(user_version, SCHEMA_VERSION);
});

Deno.test("recipes of another version of recipes are not known", async () => {
  await using temp = new TempDir();
  remember(temp.path);
  {
    using db = open(temp.at("recipes.db"));
    db.exec("UPDATE roots SET recipe_version = recipe_version + 1");
  }
  const warnings = run(temp.path, (store) => {
    assertEquals(store.recipeOf(A, V), undefined);
    assertEquals(store.filesWith(RECIPE.ids), []);
    store.remember(A, V, RECIPE);
  });
  assertEquals(warnings, []);
  assertRemembers(temp.path);
});

Deno.test("a full index forgets what was used longest ago, with its chunks", async () => {
  await using temp = new TempDir();
  const limits = { files: 10, bytes: 1e9 };
  const paths = Array.from({ length: 10 }, (_, i) => parseRelPath(`f${i}`));
  const remembering = (from: readonly RelPath[], more = 0) => {
    return (store: RecipeStore): void => {
      for (const [i, path] of from.entries()) {
        store.remember(path, V, recipeOfWords([more + i]));
      }
    };
  };
  run(temp.path, remembering(paths), limits);
  // Only asked for.
  run(temp.path, (store) => void store.recipeOf(paths[0]!, V), limits);
  const newer = ["n1", "n2", "n3"].map(parseRelPath);
  run(temp.path, remembering(newer, 100), limits);
  run(temp.path, (store) => {
    const known = [...paths, ...newer].filter((path) =>
      store.recipeOf(path, V) !== undefined
    );
    assertEquals(known, [paths[0]!, ...paths.slice(4), ...newer]);
    assertEquals(store.filesWith(recipeOfWords([1]).ids), []);
    assertEquals(store.filesWith(recipeOfWords([0]).ids).length, 1);
  }, limits);
  using db = open(temp.at("recipes.db"));
  assertEquals(db.prepare("SELECT count(*) AS n FROM chunks").get()!.n, 10);
});

Deno.test("an index does not outgrow its size in bytes", async () => {
  await using temp = new TempDir();
  const limits = { files: 1e6, bytes: 2_000_000 };
  const last = parseRelPath("f49");
  run(temp.path, (store) => {
    for (let i = 0; i < 50; i++) {
      const words = Array.from({ length: 5_000 }, (_, k) => i * 1_000 + k);
      store.remember(parseRelPath(`f${i}`), V, recipeOfWords(words));
    }
  }, limits);
  const { size } = Deno.statSync(temp.at("recipes.db"));
  assert(size < 2 * limits.bytes + 8_000_000, `${size} bytes`);
  run(temp.path, (store) => {
    assert(store.recipeOf(last, V) !== undefined);
    assertEquals(store.recipeOf(parseRelPath("f0"), V), undefined);
  }, limits);
});

function open(path: string): DatabaseSync {
  return new DatabaseSync(path);
}

function contentOf(directory: string): unknown {
  if (!Deno.statSync(directory).isDirectory) return "a file";
  const path = `${directory}/recipes.db`;
  const isFile = Deno.statSync(path).isFile;
  const bytes = isFile ? Deno.readFileSync(path) : new Uint8Array();
  return [namesIn(directory), hash("sha256", bytes)];
}

/** As the first version of the schema was. */
const SCHEMA_1 = `
  CREATE TABLE roots (id INTEGER PRIMARY KEY, name TEXT NOT NULL,
    recipe_version INTEGER NOT NULL, UNIQUE (name, recipe_version)) STRICT;
  CREATE TABLE files (id INTEGER PRIMARY KEY,
    root INTEGER NOT NULL REFERENCES roots (id), path TEXT NOT NULL,
    size INTEGER NOT NULL, mtime INTEGER NOT NULL, ctime INTEGER NOT NULL,
    inode REAL NOT NULL, digest BLOB NOT NULL, recipe BLOB NOT NULL,
    UNIQUE (root, path)) STRICT;
  CREATE INDEX files_by_inode ON files (root, inode);
  CREATE INDEX files_by_digest ON files (root, digest);
  CREATE TABLE chunks (root INTEGER NOT NULL, head INTEGER NOT NULL,
    file INTEGER NOT NULL, PRIMARY KEY (root, head, file)) STRICT, WITHOUT ROWID;
  PRAGMA application_id = ${0x6c6f636b};
  PRAGMA user_version = 1;`;
