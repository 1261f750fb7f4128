import { openStore } from "../../src/hub/data_directory.ts";
import { openMemoryStore } from "../../src/hub/sqlite_store.ts";
import { TempDir } from "../support/temp.ts";
import { hubStoreContract, type StoreFixture } from "./hub_store_contract.ts";

hubStoreContract("The store in memory", () => {
  const time = { now: 1 };
  const store = openMemoryStore(() => time.now);
  return Promise.resolve({ store, time, close: () => store.close() });
});

hubStoreContract("The store on disk", () => onDisk());

// So that versions come and go with whole packs.
hubStoreContract("The store on disk, with small packs", () => onDisk(100_000));

async function onDisk(maxPackBytes?: number): Promise<StoreFixture> {
  const temp = new TempDir();
  const time = { now: 1 };
  const store = await openStore(temp.at("data"), {
    now: () => time.now,
    ...(maxPackBytes !== undefined && { maxPackBytes }),
  });
  return {
    store,
    time,
    async close(): Promise<void> {
      await store.close();
      await temp[Symbol.asyncDispose]();
    },
  };
}
