/** The hub's data on disk: damaged, locked, of another version. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { nextTurn } from "../../../src/core/turn.ts";
import { SyncError } from "../../../src/errors.ts";
import { openStore, withKeys } from "../../../src/hub/data_directory.ts";
import { SCHEMA_VERSION, schemaVersionOf } from "../../../src/hub/schema.ts";
import { bytesOf, put } from "../../contract/hub_store_contract.ts";
import { assertUntouched, listTree } from "../../support/oracle.ts";
import { Random } from "../../support/random.ts";
import { TempDir } from "../../support/temp.ts";

Deno.test("K04: a database of a newer program is refused", async () => {
  await using temp = new TempDir();
  await (await openStore(temp.at("data"))).close();
  const database = new DatabaseSync(temp.at("data", "hub.db"));
  assertEquals(schemaVersionOf(database), SCHEMA_VERSION);
  database.exec("PRAGMA user_version = 99");
  database.close();
  await assertRejects(
    () => openStore(temp.at("data")),
    SyncError,
    "version 99",
  );
  assertThrows(() => withKeys(temp.at("data"), () => 0), SyncError, "99");
});

Deno.test("K02: a database whose tables have other names or columns is refused", async () => {
  for (
    const harm of ["chunks RENAME COLUMN id TO ie", "packs RENAME TO pacts"]
  ) {
    await using temp = new TempDir();
    await (await openStore(temp.at("data"))).close();
    const database = new DatabaseSync(temp.at("data", "hub.db"));
    database.exec(`ALTER TABLE ${harm}`);
    database.close();
    await assertRejects(
      () => openStore(temp.at("data")),
      SyncError,
      "its tables",
    );
  }
});

Deno.test("a data directory has one owner at a time", async () => {
  await using temp = new TempDir();
  const store = await openStore(temp.at("data"));
  const error = await assertRejects(
    () => openStore(temp.at("data")),
    SyncError,
  );
  assertEquals(error.code, "locked");
  await store.close();
  await (await openStore(temp.at("data"))).close();
});

Deno.test("K02: a damaged, empty or lost database is refused, and nothing is touched", async () => {
  await using temp = new TempDir();
  const data = temp.at("data");
  const store = await openStore(data);
  const content = new Random(5).bytes(50_000);
  for (let i = 0; i < 200; i++) await put(store, `f${i}`, content.slice(i));
  await store.close();
  const path = temp.at("data", "hub.db");
  const whole = Deno.readFileSync(path);
  const noise = (at: number, length: number): Uint8Array => {
    const bytes = whole.slice();
    bytes.set(new Random(6).bytes(length), at);
    return bytes;
  };
  const cases: [string, () => void][] = [
    ["header", () => Deno.writeFileSync(path, noise(0, 100))],
    ["pages", () => Deno.writeFileSync(path, noise(4_096, 20_000))],
    ["cut", () => Deno.writeFileSync(path, whole.subarray(0, 20_000))],
    ["empty", () => Deno.writeFileSync(path, new Uint8Array(0))],
    ["lost", () => Deno.removeSync(path)],
  ];
  for (const [title, damage] of cases) {
    damage();
    const packs = listTree(temp.at("data", "packs"));
    const damaged = title === "lost" ? undefined : Deno.readFileSync(path);
    const error = await assertRejects(
      () => openStore(data),
      SyncError,
      undefined,
      title,
    );
    assert(/damaged|gone or empty/.test(error.message), error.message);
    assertUntouched(temp.at("data", "packs"), packs);
    if (damaged !== undefined) assertEquals(Deno.readFileSync(path), damaged);
  }
  Deno.writeFileSync(path, whole);
  const again = await openStore(data);
  const { digest } = (await again.latest("f7" as never))!;
  assertEquals(await bytesOf(again.read(digest!)), content.slice(7));
  await again.close();
});

Deno.test("writers, deletions and collections at once lose nothing, and what is left opens again", async () => {
  await using temp = new TempDir();
  const data = temp.at("data");
  const small = { maxPackBytes: 60_000 };
  const random = new Random(8);
  const contents = Array.from({ length: 12 }, () => random.bytes(50_000));
  const now = new Map<string, number>();
  let store = await openStore(data, small);
  const write = async (lane: number): Promise<void> => {
    for (let i = 0; i < 40; i++) {
      // Lanes share contents, so that what one gives up another one needs.
      const [path, content] = [
        `${lane}/${i % 5}`,
        random.below(contents.length),
      ];
      await put(store, path, contents[content]!);
      now.set(path, content);
      // Else all of it may be over before the first collection is.
      await nextTurn();
    }
  };
  const lanes = [1, 2, 3].map(write);
  let isOver = false;
  const all = Promise.all(lanes).then(() => isOver = true);
  let collected = 0;
  while (!isOver) {
    const done = await store.collect({ versions: 0, ageMs: -1_000 });
    assertEquals(done.problems, []);
    collected += done.versions;
    await nextTurn();
  }
  await all;
  assert(collected > 0);
  for (let round = 0; round < 2; round++) {
    for (const [path, content] of now) {
      const { digest } = (await store.latest(path as never))!;
      assertEquals(await bytesOf(store.read(digest!)), contents[content], path);
    }
    await store.close();
    store = await openStore(data, small);
  }
  await store.collect({ versions: 0, ageMs: -1_000 });
  const { chunkBytes } = await store.totals();
  assert(chunkBytes <= 12 * 50_000, `${chunkBytes} bytes are left`);
  await store.close();
});
