import { assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { openStore } from "../../../src/hub/data_directory.ts";
import { migrate, SCHEMA_STEPS } from "../../../src/hub/schema.ts";
import { openMemoryStore } from "../../../src/hub/sqlite_store.ts";
import { TempDir } from "../../support/temp.ts";

const PEER = "a".repeat(32);

Deno.test("a hub remembers the last run with each other side", async () => {
  const store = openMemoryStore();
  const { pairings } = store;
  assertEquals((await pairings.look(PEER)).tokens, undefined);
  const first = { current: "1".repeat(32), previous: undefined };
  await pairings.commit(PEER, first);
  await pairings.commit("b".repeat(32), first);
  const second = { current: "2".repeat(32), previous: first.current };
  await pairings.commit(PEER, second);
  assertEquals(await pairings.look(PEER), {
    rootId: store.id,
    isReplaced: false,
    tokens: second,
  });
  assertEquals((await pairings.look("b".repeat(32))).tokens, first);
  await store.close();
});

Deno.test("a hub forgets of too many sides the one that was away for longest", async () => {
  const time = { now: 0 };
  const store = openMemoryStore(() => time.now);
  const { pairings } = store;
  const tokens = { current: "1".repeat(32), previous: undefined };
  const idOf = (i: number): string => String(i).padStart(32, "0");
  for (let i = 0; i < 10_000; i++, time.now++) {
    await pairings.commit(idOf(i), tokens);
  }
  // It is the first of all, and comes again.
  await pairings.commit(idOf(0), tokens);
  time.now++;
  await pairings.commit(PEER, tokens);
  const known = await Promise.all(
    [idOf(0), idOf(1), idOf(2), PEER].map((id) => pairings.look(id)),
  );
  assertEquals(
    known.map(({ tokens }) => tokens !== undefined),
    [true, false, true, true],
  );
  await store.close();
});

Deno.test("K12: a hub of the first schema is brought up to date, and keeps what it has", async () => {
  await using temp = new TempDir();
  const data = temp.directory("data");
  const database = new DatabaseSync(`${data}/hub.db`);
  migrate(database, SCHEMA_STEPS.slice(0, 1));
  database.exec(
    "INSERT INTO keys VALUES ('id', 'old', x'00', 'read', '', 1, NULL, NULL)",
  );
  database.close();
  const store = await openStore(data);
  assertEquals(store.keys.list().map(({ name }) => name), ["old"]);
  assertEquals((await store.pairings.look(PEER)).tokens, undefined);
  await store.close();
});
