import { assertEquals } from "@std/assert";
import { isMassRewrite } from "../../../src/hub/rewrites.ts";
import { openMemoryStore } from "../../../src/hub/sqlite_store.ts";
import type { HubStore, Rewrite } from "../../../src/hub/store.ts";
import {
  ANY,
  at,
  fileChange,
  put,
  sizeOf,
  store as stored,
} from "../../contract/hub_store_contract.ts";

const DAY_MS = 24 * 3_600_000;
const NOTHING = { versions: 0, ageMs: 0 };

/** Replaces `count` files, each with content of its own, in one change set. */
async function rewrite(
  store: HubStore,
  count: number,
  content: string,
): Promise<void> {
  const held = Array.from(
    { length: count },
    (_, i) => stored(store, `${content} ${i}`),
  );
  const changes = held.map((one, i) => fileChange(`f${i}`, one, ANY));
  await store.commit(changes, { client: "laptop", operation: "sync" });
  for (const one of held) one.release();
}

Deno.test("more than 100 files, and more than half of all, are most of them", () => {
  assertEquals(isMassRewrite(100, 100), false);
  assertEquals(isMassRewrite(101, 202), false);
  assertEquals(isMassRewrite(101, 201), true);
});

Deno.test("J11: what was there before most files were replaced at once stays for 30 days", async () => {
  const time = { now: 0 };
  const store = openMemoryStore(() => time.now);
  const told: Rewrite[] = [];
  store.onRewritten((rewrite) => told.push(rewrite));
  await rewrite(store, 120, "good");
  assertEquals(told, []);
  time.now += 1;
  await put(store, "f0", "an ordinary edit");
  time.now += 1;
  await rewrite(store, 120, "encrypted");
  assertEquals(told, [
    { client: "laptop", changeSet: 122, files: 120, total: 120 },
  ]);
  time.now += 29 * DAY_MS;
  // What had been replaced before that goes; and so it would with a limit.
  const first = await store.collect({ ...NOTHING, most: 0 });
  assertEquals(first.versions, 1);
  for (const i of [0, 60, 119]) {
    const before = await store.at(at(`f${i}`), 121);
    assertEquals(sizeOf(store, before!.digest!), before!.size);
  }
  time.now += 2 * DAY_MS;
  assertEquals((await store.collect(NOTHING)).versions, 120);
  await store.close();
});
