import { assertEquals, assertRejects } from "@std/assert";
import { type Recipe, recipeOf } from "../../../src/content/recipe.ts";
import type { FileEntry } from "../../../src/core/entry.ts";
import { parseRelPath } from "../../../src/core/path.ts";
import { SharedReadings } from "../../../src/fs/shared_readings.ts";

const PATH = parseRelPath("a");
const RECIPE = recipeOf(Uint8Array.of(1));

function entry(mtime: number): FileEntry {
  return {
    kind: "file",
    size: 1,
    mtime,
    mode: 0o644,
    digest: undefined,
    ctime: 1,
    inode: 1,
  };
}

Deno.test("A version that two ask for at a time is read once, another one by itself", async () => {
  const readings = new SharedReadings();
  const { promise, resolve } = Promise.withResolvers<Recipe>();
  let reads = 0;
  const read = () => {
    reads++;
    return promise;
  };
  const asked = [
    readings.once(PATH, entry(1), read),
    readings.once(PATH, entry(1), read),
    readings.once(PATH, entry(2), read),
  ];
  assertEquals(reads, 2);
  resolve(RECIPE);
  assertEquals(await Promise.all(asked), [RECIPE, RECIPE, RECIPE]);
  await readings.once(PATH, entry(1), read);
  assertEquals(reads, 3);
});

Deno.test("Who waits for a reader that is stopped reads by itself", async () => {
  const readings = new SharedReadings();
  const { promise, reject } = Promise.withResolvers<Recipe>();
  const stopped = readings.once(PATH, entry(1), () => promise);
  let reads = 0;
  const read = () => {
    reads++;
    return Promise.resolve(RECIPE);
  };
  const waiting = [
    readings.once(PATH, entry(1), read),
    readings.once(PATH, entry(1), read),
  ];
  reject(new Error("stopped"));
  await assertRejects(() => stopped, Error, "stopped");
  assertEquals(await Promise.all(waiting), [RECIPE, RECIPE]);
  assertEquals(reads, 1);
});
