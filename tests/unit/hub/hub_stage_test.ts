/** What a hub lacks of the content that changes need. */
import { assert, assertEquals } from "@std/assert";
import type { PlannedFile } from "../../../src/core/change.ts";
import { HubStage } from "../../../src/hub/hub_stage.ts";
import { openMemoryStore } from "../../../src/hub/sqlite_store.ts";
import { at } from "../../contract/hub_store_contract.ts";
import { file } from "../../support/trees.ts";

Deno.test("I9: others have their turn while a hub looks for many files", async () => {
  const store = openMemoryStore();
  const files = Array.from({ length: 20_000 }, (_, index): PlannedFile => {
    const digest = index.toString(16).padStart(64, "0");
    return { index, path: at(`f${index}`), entry: file({ digest }) };
  });
  const stage = new HubStage(store, { client: "a", files });
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const wants = await stage.prepare();
  clearInterval(timer);
  assertEquals(wants, [{ first: 0, count: files.length, resume: undefined }]);
  assert(turns > 0);
  await stage.close({ isOver: true });
  await store.close();
});
