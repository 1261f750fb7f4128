/** What is damaged in a hub's packs is not believed, and is repaired by what comes. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { offsetsOf, recipeOf } from "../../../src/content/recipe.ts";
import { IntegrityError } from "../../../src/errors.ts";
import { openStore } from "../../../src/hub/data_directory.ts";
import type { HubStore } from "../../../src/hub/store.ts";
import {
  ANY,
  bytesOf,
  fileChange,
  put,
} from "../../contract/hub_store_contract.ts";
import { Random } from "../../support/random.ts";
import { TempDir } from "../../support/temp.ts";

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
