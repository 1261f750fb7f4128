/** The hub's data on disk: torn, damaged, locked, of another version. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { chunkId } from "../../../src/content/recipe.ts";
import { IntegrityError, SyncError } from "../../../src/errors.ts";
import { openStore, withKeys } from "../../../src/hub/data_directory.ts";
import { PackFiles } from "../../../src/hub/pack_files.ts";
import {
  migrate,
  SCHEMA_VERSION,
  schemaVersionOf,
} from "../../../src/hub/schema.ts";
import { bytesOf, put } from "../../contract/hub_store_contract.ts";
import { assertUntouched, listTree } from "../../support/oracle.ts";
import { Random } from "../../support/random.ts";
import { TempDir } from "../../support/temp.ts";

function chunk(seed: number): { id: Uint8Array; bytes: Uint8Array } {
  const bytes = new Random(seed).bytes(1_000);
  return { id: Uint8Array.fromHex(chunkId(bytes)), bytes };
}

Deno.test("packs go on where they ended, and what nobody was told of goes", async () => {
  await using temp = new TempDir();
  const first = PackFiles.open(temp.path, new Map());
  const a = chunk(1);
  const placeA = first.append(a.id, a.bytes);
  const sizes = await first.flush();
  const b = chunk(2);
  first.append(b.id, b.bytes);
  first.close();
  const { size: torn } = Deno.statSync(temp.at("1.pack"));
  Deno.writeFileSync(temp.at("9.pack"), b.bytes);

  const second = PackFiles.open(temp.path, sizes);
  assert(Deno.statSync(temp.at("1.pack")).size < torn);
  assertEquals([...Deno.readDirSync(temp.path)].length, 1);
  assertEquals(second.read(a.id, placeA), a.bytes);
  const placeB = second.append(b.id, b.bytes);
  assertEquals(placeB.pack, 1);
  assertEquals(second.read(b.id, placeB), b.bytes);
  second.close();
});

Deno.test("each flipped bit of a chunk's record is found when it is read", async () => {
  await using temp = new TempDir();
  const packs = PackFiles.open(temp.path, new Map());
  const { id, bytes } = chunk(3);
  const place = packs.append(id, bytes);
  await packs.flush();
  packs.close();
  const path = temp.at("1.pack");
  const whole = Deno.readFileSync(path);
  for (let at = place.offset; at < whole.length; at += 37) {
    const damaged = whole.slice();
    damaged[at] = damaged[at]! ^ (1 << (at % 8));
    Deno.writeFileSync(path, damaged);
    const again = PackFiles.open(temp.path, new Map([[1, whole.length]]));
    assertThrows(() => again.read(id, place), IntegrityError, "damaged");
    again.close();
  }
});

Deno.test("a pack that is missing, too short or none is refused, and nothing is touched", async () => {
  await using temp = new TempDir();
  const packs = PackFiles.open(temp.path, new Map());
  const { id, bytes } = chunk(4);
  packs.append(id, bytes);
  const sizes = await packs.flush();
  packs.close();
  const path = temp.at("1.pack");
  const whole = Deno.readFileSync(path);
  // A tail to cut and a stray to remove, which must both stay.
  Deno.writeFileSync(temp.at("7.pack"), bytes);
  const cases: [string, () => void, RegExp][] = [
    [
      "too short",
      () => Deno.truncateSync(path, whole.length - 1),
      /belong to it/,
    ],
    [
      "no pack",
      () => Deno.writeFileSync(path, new Uint8Array(5_000)),
      /does not begin/,
    ],
    ["missing", () => Deno.removeSync(path), /missing/],
  ];
  for (const [title, damage, reason] of cases) {
    damage();
    const before = listTree(temp.path);
    const error = assertThrows(
      () => PackFiles.open(temp.path, sizes),
      SyncError,
      undefined,
      title,
    );
    assert(reason.test(error.message), error.message);
    assertUntouched(temp.path, before);
  }
});

Deno.test("K04: a database of an older schema is brought up to date, all or nothing", () => {
  const old = "CREATE TABLE things (a)";
  const database = new DatabaseSync(":memory:");
  migrate(database, [old]);
  assertEquals(schemaVersionOf(database), 1);
  database.exec("INSERT INTO things VALUES (7)");
  const step = "ALTER TABLE things ADD COLUMN b DEFAULT 8";
  assertThrows(() => migrate(database, [old, step, "no SQL"]));
  assertEquals(schemaVersionOf(database), 1);
  assertEquals(
    Object.keys(database.prepare("SELECT * FROM things").get()!),
    ["a"],
  );
  migrate(database, [old, step]);
  assertEquals({ ...database.prepare("SELECT * FROM things").get() }, {
    a: 7,
    b: 8,
  });
  migrate(database, [old, step]);
  assertThrows(() => migrate(database, [old]), SyncError, "newer");
  database.close();
});

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
