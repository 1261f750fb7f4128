import { assertEquals, assertNotEquals } from "@std/assert";
import { openStore } from "../../../src/hub/data_directory.ts";
import { put } from "../../contract/hub_store_contract.ts";
import { command } from "../../support/command.ts";
import { TempDir } from "../../support/temp.ts";

Deno.test("C17: a restored hub knows up to where it knows what was heard before", async () => {
  await using temp = new TempDir();
  const data = temp.at("data");
  let store = await openStore(data);
  const first = store.epoch;
  await put(store, "f", "1");
  await put(store, "f", "2");
  assertEquals(store.knownUpTo("0".repeat(32)), -1);
  assertEquals(store.knownUpTo(first), Number.MAX_SAFE_INTEGER);
  await store.close();
  await command("cp", ["-a", data, temp.at("backup")]);

  store = await openStore(data);
  const second = store.epoch;
  assertNotEquals(second, first);
  // All that was heard in the first one is from before the second one.
  assertEquals(store.knownUpTo(first), 2);
  await put(store, "f", "3");
  await store.close();
  await command("rm", ["-rf", data]);
  await command("mv", [temp.at("backup"), data]);

  store = await openStore(data);
  await put(store, "f", "another 3");
  assertEquals(store.knownUpTo(first), 2);
  assertEquals(store.knownUpTo(second), -1);
  assertEquals(store.knownUpTo(store.epoch), Number.MAX_SAFE_INTEGER);
  await store.close();
});
