/** What is damaged in a hub's packs is not believed, and is repaired by what comes. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import {
  chunkId,
  offsetsOf,
  type Recipe,
  RecipeBuilder,
  recipeOf,
} from "../../../src/content/recipe.ts";
import { IntegrityError } from "../../../src/errors.ts";
import { openStore } from "../../../src/hub/data_directory.ts";
import { HubStage } from "../../../src/hub/hub_stage.ts";
import { SameFile } from "../../../src/hub/incoming_file.ts";
import type { HubStore } from "../../../src/hub/store.ts";
import {
  ANY,
  at,
  bytesOf,
  fileChange,
  put,
} from "../../contract/hub_store_contract.ts";
import { Random } from "../../support/random.ts";
import { TempDir } from "../../support/temp.ts";
import { file } from "../../support/trees.ts";

const CONTENT = new Random(1).bytes(300_000);
const RECIPE = recipeOf(CONTENT);

/** A store with {@link CONTENT} at `f`, whose first chunk is damaged. */
async function damagedStore(data: string): Promise<HubStore> {
  const store = await openStore(data);
  await put(store, "f", CONTENT);
  const path = `${data}/packs/1.pack`;
  const pack = Deno.readFileSync(path);
  pack[100]! ^= 1;
  Deno.writeFileSync(path, pack);
  return store;
}

/** {@link CONTENT}, cut every `length` bytes. */
function cutEvery(length: number): Recipe {
  const builder = new RecipeBuilder();
  for (let start = 0; start < CONTENT.length; start += length) {
    const chunk = CONTENT.subarray(start, start + length);
    builder.add(Uint8Array.fromHex(chunkId(chunk)), chunk.length);
  }
  return builder.finish();
}

/** Brings {@link CONTENT}, cut as `recipe` says, to `path`. */
async function bring(
  store: HubStore,
  path: string,
  recipe: Recipe,
): Promise<void> {
  const writer = await store.writeRecipe(recipe, "a");
  const offsets = offsetsOf(recipe);
  for (const [i, length] of recipe.lengths.entries()) {
    const start = offsets[i]!;
    writer.put(CONTENT.subarray(start, start + length));
  }
  const held = writer.finish();
  const change = fileChange(path, held, ANY);
  const { refused } = await store.commit([change], {
    client: "a",
    operation: "sync",
  });
  assertEquals(refused, []);
  held.release();
}

Deno.test("F13: a damaged chunk is not made part of another version, and is asked for", async () => {
  await using temp = new TempDir();
  const data = temp.at("data");
  const store = await damagedStore(data);
  const believed = await store.writeRecipe(RECIPE, "a");
  assertEquals(believed.here.includes(0), false);
  assertThrows(() => believed.copy(), IntegrityError);
  believed.abort();
  const writer = await store.writeRecipe(RECIPE, "a");
  assertEquals([...writer.here].indexOf(0), 0);
  assertEquals(writer.here.filter((is) => is === 0).length, 1);
  writer.put(CONTENT.subarray(0, RECIPE.lengths[0]));
  while (writer.next < RECIPE.lengths.length) writer.copy();
  const held = writer.finish();
  const change = fileChange("g", held, ANY);
  await store.commit([change], { client: "a", operation: "sync" });
  held.release();
  assertEquals(await bytesOf(store.read(held.digest)), CONTENT);
  await store.collect({ versions: 1, ageMs: 1e12 });
  await store.close();
  const again = await openStore(data);
  assertEquals(await bytesOf(again.read(held.digest)), CONTENT);
  await again.close();
});

Deno.test("F13: whoever uploads a damaged file again repairs it", async () => {
  await using temp = new TempDir();
  const store = await damagedStore(temp.at("data"));
  const { digest } = (await store.record(1))!;
  await assertRejects(() => bytesOf(store.read(digest!)), IntegrityError);
  await put(store, "g", CONTENT);
  assertEquals(await bytesOf(store.read(digest!)), CONTENT);
  const reader = store.open(digest!)!;
  const bytes = new Uint8Array(10);
  reader.read(bytes, offsetsOf(RECIPE)[1]! - 5);
  const at = RECIPE.lengths[0]! - 5;
  assertEquals(bytes, CONTENT.subarray(at, at + 10));
  reader.close();
  await store.close();
});

Deno.test("F13: content that is known to be damaged is asked for, and whole again when it came", async () => {
  await using temp = new TempDir();
  const data = temp.at("data");
  const store = await damagedStore(data);
  const digest = (await store.record(1))!.digest!;
  const wanted = async (): Promise<number> => {
    const entry = file({ size: CONTENT.length, digest });
    const files = [{ index: 0, path: at("g"), entry }];
    const stage = new HubStage(store, { client: "a", files });
    const wants = await stage.prepare();
    await stage.close({ isOver: true });
    return wants.length;
  };
  // Nobody has seen it yet.
  assertEquals(await wanted(), 0);
  await assertRejects(() => bytesOf(store.read(digest)), IntegrityError);
  assertEquals(store.hold(digest), undefined);
  assertEquals(await wanted(), 1);
  await bring(store, "g", RECIPE);
  assertEquals(await wanted(), 0);
  await store.close();
  const again = await openStore(data);
  assertEquals(await bytesOf(again.read(digest)), CONTENT);
  await again.close();
});

Deno.test("F13: damaged content that comes cut otherwise is made of what came, and readers keep what they count on", async () => {
  await using temp = new TempDir();
  const data = temp.at("data");
  const store = await damagedStore(data);
  const digest = (await store.record(1))!.digest!;
  await put(store, "other", "content");
  await assertRejects(() => bytesOf(store.read(digest)), IntegrityError);
  const reader = store.open(digest)!;
  await bring(store, "g", cutEvery(100_000));
  assertEquals(store.recipe(digest), cutEvery(100_000));
  assertEquals(await bytesOf(store.read(digest)), CONTENT);
  // A collection goes by the order of rows: it has yet to see what was replaced.
  const database = new DatabaseSync(`${data}/hub.db`);
  const last = database.prepare(
    "SELECT digest FROM contents ORDER BY rowid DESC LIMIT 1",
  ).get()!;
  database.close();
  assertEquals((last["digest"] as Uint8Array).toHex(), digest);
  await store.collect({ versions: 1, ageMs: 1e12 });
  const rest = new Uint8Array(CONTENT.length - RECIPE.lengths[0]!);
  reader.read(rest, RECIPE.lengths[0]!);
  assertEquals(rest, CONTENT.subarray(RECIPE.lengths[0]));
  reader.close();
  // Now nobody needs what is damaged.
  await store.collect({ versions: 1, ageMs: 1e12 });
  assertEquals((await store.totals()).chunks, 4);
  await store.close();
  const again = await openStore(data);
  assertEquals(await bytesOf(again.read(digest)), CONTENT);
  await again.close();
});

Deno.test("F13: of two that bring damaged content, cut each in its way, either may give up first", async () => {
  for (const first of [0, 1]) {
    await using temp = new TempDir();
    const store = await damagedStore(temp.at("data"));
    const digest = (await store.record(1))!.digest!;
    await assertRejects(() => bytesOf(store.read(digest)), IntegrityError);
    const held = [];
    for (const recipe of [cutEvery(100_000), RECIPE]) {
      const writer = await store.writeRecipe(recipe, "a");
      const offsets = offsetsOf(recipe);
      for (const [i, length] of recipe.lengths.entries()) {
        writer.put(CONTENT.subarray(offsets[i]!, offsets[i]! + length));
      }
      held.push(writer.finish());
    }
    held[first]!.release();
    const left = held[1 - first]!;
    const change = fileChange("g", left, ANY);
    await store.commit([change], { client: "a", operation: "sync" });
    left.release();
    assertEquals(await bytesOf(store.read(digest)), CONTENT);
    await store.close();
  }
});

Deno.test("F13: a chunk that is missing from the index is repaired like a damaged one", async () => {
  await using temp = new TempDir();
  const data = temp.at("data");
  const store = await openStore(data);
  const digest = (await put(store, "f", CONTENT)).digest!;
  const database = new DatabaseSync(`${data}/hub.db`);
  database.prepare("DELETE FROM chunks WHERE id = ?")
    .run(RECIPE.ids.subarray(0, 32));
  database.close();
  await assertRejects(() => bytesOf(store.read(digest)), IntegrityError);
  assertEquals(store.hold(digest), undefined);
  await bring(store, "g", RECIPE);
  assertEquals(await bytesOf(store.read(digest)), CONTENT);
  store.hold(digest)!.release();
  await store.close();
});

Deno.test("F13: what is damaged while it is held since it came is repaired, too", async () => {
  await using temp = new TempDir();
  const data = temp.at("data");
  const store = await openStore(data);
  const writer = store.write();
  writer.append(CONTENT);
  const held = writer.finish();
  const change = fileChange("f", held, ANY);
  await store.commit([change], { client: "a", operation: "sync" });
  const path = `${data}/packs/1.pack`;
  const pack = Deno.readFileSync(path);
  pack[100]! ^= 1;
  Deno.writeFileSync(path, pack);
  await assertRejects(() => bytesOf(store.read(held.digest)), IntegrityError);
  await bring(store, "g", RECIPE);
  held.release();
  await store.close();
  const again = await openStore(data);
  assertEquals(await bytesOf(again.read(held.digest)), CONTENT);
  await again.close();
});

Deno.test("F13: a file that was here, and turns out to be damaged before its end, has failed", async () => {
  await using temp = new TempDir();
  const store = await damagedStore(temp.at("data"));
  const digest = (await store.record(1))!.digest!;
  const content = store.hold(digest)!;
  await assertRejects(() => bytesOf(store.read(digest)), IntegrityError);
  const bytes = new Uint8Array(0);
  const end = {
    ...{ kind: "data", index: 0, bytes } as const,
    ...{ offset: CONTENT.length, last: true },
  };
  const same = new SameFile(0, store, content);
  await assertRejects(() => same.put(end), IntegrityError);
  content.release();
  await store.close();
});
