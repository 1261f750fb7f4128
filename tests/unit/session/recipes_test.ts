/** Files that are made of others, where somebody interferes. */
import { assert, assertEquals } from "@std/assert";
import { parseName, parseRelPath } from "../../../src/core/path.ts";
import { MemoryRecipeStore } from "../../../src/fs/recipe_store.ts";
import { recipeOf } from "../../../src/content/recipe.ts";
import { MAX_CHUNK_BYTES } from "../../../src/content/limits.ts";
import { LocalEndpoint } from "../../../src/session/local_endpoint.ts";
import { mirror } from "../../../src/session/mirror.ts";
import { hooked } from "../../../src/fs/hooked_fs.ts";
import { Random } from "../../support/random.ts";
import { concat, RecipeWorld } from "../../support/recipe_world.ts";

const OLD = new Random(1).bytes(600_000);
const NEW = concat([
  OLD.subarray(0, 300_000),
  new Uint8Array([1, 2, 3]),
  OLD.subarray(300_000),
]);

async function write(
  world: RecipeWorld,
  side: "source" | "target",
  name: string,
  bytes: Uint8Array,
): Promise<void> {
  const root = await world[side].openRoot("/");
  const file = await root.openWritable(parseName(name));
  await file.write(bytes, 0);
  await file.truncate(bytes.length);
  file.close();
  root.close();
}

Deno.test("a base that is changed after it was compared is not believed: the file comes whole", async () => {
  const world = new RecipeWorld({ new: NEW }, { other: OLD, new: OLD });
  let opened = 0;
  const { summary, sent } = await world.run({
    wrap: (fileSystem) =>
      hooked(fileSystem, async (method, path) => {
        // It is opened to be read, to be signed, and to be copied from.
        if (method !== "openFile" || !path.endsWith("/new")) return;
        if (++opened !== 3) return;
        await write(world, "target", "new", OLD.slice().fill(7, 0, 10));
      }),
  });
  assert(opened >= 3);
  assertEquals(summary.problems, []);
  assertEquals(summary.rounds, 2);
  assertEquals(world.target.dump("/"), world.source.dump("/"));
  assert(sent > NEW.length);
});

Deno.test("a source that is changed after it was described is looked at again", async () => {
  const world = new RecipeWorld({ f: NEW }, { f: OLD });
  let opened = 0;
  const { summary } = await world.run({
    wrapSource: (fileSystem) =>
      hooked(fileSystem, async (method) => {
        if (method === "openFile" && ++opened === 2) {
          await write(world, "source", "f", NEW.subarray(5));
        }
      }),
  });
  assertEquals(summary.problems, []);
  assertEquals(summary.rounds, 2);
  assertEquals(world.target.dump("/"), world.source.dump("/"));
  assertEquals(world.target.dump("/").f, NEW.subarray(5));
});

Deno.test("with stores, what is known is not read again to be described or compared", async () => {
  const read: number[] = [];
  for (const isKnown of [false, true]) {
    const stores = isKnown
      ? {
        sourceStore: new MemoryRecipeStore(),
        targetStore: new MemoryRecipeStore(),
      }
      : {};
    const world = new RecipeWorld({ f: NEW }, { f: OLD });
    await world.run(stores);
    if (isKnown) {
      // What was made is known under the version that it has in its place.
      const root = await world.target.openRoot("/");
      const stat = await root.lookup(parseName("f"));
      const known = stores.targetStore!.recipeOf(parseRelPath("f"), stat!);
      assertEquals(known, recipeOf(NEW));
      root.close();
    }
    await write(world, "source", "f", OLD);
    const before = world.target.counters.bytesRead;
    await world.run(stores);
    assertEquals(world.target.dump("/"), world.source.dump("/"));
    read.push(world.target.counters.bytesRead - before);
  }
  // Without: to be compared, and to be copied.
  const [unknown, known] = read as [number, number];
  assert(known <= unknown - NEW.length, `${read}`);
});

Deno.test("the store finds content under any name", async () => {
  const wanted = concat([OLD, new Random(6).bytes(100_000)]);
  const sent: number[] = [];
  for (const isKnown of [false, true]) {
    const world = new RecipeWorld(
      { f: wanted, q: OLD },
      { f: new Random(7).bytes(90_000), q: OLD },
    );
    const store = new MemoryRecipeStore();
    const root = await world.target.openRoot("/");
    const stat = await root.lookup(parseName("q"));
    store.remember(parseRelPath("q"), stat!, recipeOf(OLD));
    root.close();
    const run = await world.run(isKnown ? { targetStore: store } : {});
    assertEquals(world.target.dump("/"), world.source.dump("/"));
    sent.push(run.sent);
  }
  const [without, withStore] = sent as [number, number];
  assert(without >= wanted.length, `${sent}`);
  assert(withStore < 100_000 + MAX_CHUNK_BYTES, `${sent}`);
});

Deno.test("between two sides that are here, nothing is described", async () => {
  const world = new RecipeWorld({ f: NEW }, { f: OLD });
  const source = await LocalEndpoint.open(world.source, "/");
  const target = await LocalEndpoint.open(world.target, "/");
  source.recipes.describe = () => Promise.reject(new Error("asked"));
  target.recipes.lacking = () => Promise.reject(new Error("asked"));
  const summary = await mirror(source, target, {
    checksum: false,
    symlinks: "copy",
    deletes: true,
  });
  assertEquals(summary.problems, []);
  assertEquals(world.target.dump("/"), world.source.dump("/"));
  const done = { kind: "done", message: "" } as const;
  await source.close(done);
  await target.close(done);
});
