import { assertEquals, assertRejects } from "@std/assert";
import { FileSystemError } from "../../../src/errors.ts";
import { openStore } from "../../../src/hub/data_directory.ts";
import { ANY, at, put } from "../../contract/hub_store_contract.ts";
import { Random } from "../../support/random.ts";
import { TempDir } from "../../support/temp.ts";

Deno.test("C15: a hub takes no more entries than it may, and can always be emptied", async () => {
  await using temp = new TempDir();
  const data = temp.at("data");
  const store = await openStore(data, { quota: { maxFiles: 3 } });
  await put(store, "d/a", "a");
  await put(store, "b", "b");
  const error = await assertRejects(
    () => put(store, "c", "c"),
    FileSystemError,
    "4 entries, 3 are allowed",
  );
  assertEquals(error.code, "no-space");
  assertEquals(await store.latest(at("c")), undefined);
  // What is there may change.
  await put(store, "b", "another b");
  await store.close();
  const smaller = await openStore(data, { quota: { maxFiles: 1 } });
  await smaller.commit([{
    path: at("d"),
    state: { kind: "deleted" },
    expected: ANY,
    subtree: true,
  }], { client: "x", operation: "delete" });
  await put(smaller, "b", "a third b");
  await smaller.close();
});

Deno.test("C15: a hub whose content has its size takes nothing more until some is gone", async () => {
  await using temp = new TempDir();
  let now = 0;
  const store = await openStore(temp.at("data"), {
    quota: { maxBytes: 200_000 },
    now: () => now,
  });
  const random = new Random(1);
  await put(store, "a", random.bytes(190_000));
  await put(store, "b", random.bytes(20_000));
  await assertRejects(
    () => put(store, "c", "c"),
    FileSystemError,
    "The hub is full",
  );
  await store.commit([{
    path: at("a"),
    state: { kind: "deleted" },
    expected: ANY,
  }], { client: "x", operation: "delete" });
  now += 1;
  await store.collect({ versions: 0, ageMs: 0 });
  await put(store, "c", "c");
  await store.close();
});
