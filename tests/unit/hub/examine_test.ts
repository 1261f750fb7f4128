/** Damage in a hub's data is found, named, and left as it is. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { openStore } from "../../../src/hub/data_directory.ts";
import { examineStore, type StoreFinding } from "../../../src/hub/examine.ts";
import { put } from "../../contract/hub_store_contract.ts";
import { assertUntouched, listTree } from "../../support/oracle.ts";
import { Random } from "../../support/random.ts";
import { TempDir } from "../../support/temp.ts";

/** A store with some versions, closed. */
async function makeStore(data: string): Promise<void> {
  const store = await openStore(data, { maxPackBytes: 100_000 });
  const random = new Random(3);
  await put(store, "small", "first version");
  await put(store, "small", "second version");
  for (let i = 0; i < 4; i++) await put(store, `big${i}`, random.bytes(90_000));
  await store.close();
}

/** All findings; nothing may be written meanwhile. */
async function examined(data: string): Promise<Map<string, StoreFinding>> {
  const before = listTree(data);
  const found = new Map<string, StoreFinding>();
  for await (const finding of examineStore(data)) {
    found.set(finding.check, finding);
  }
  assertUntouched(data, before);
  return found;
}

function states(found: ReadonlyMap<string, StoreFinding>): string[] {
  return [...found.values()].map(({ check, state }) => `${check} ${state}`);
}

Deno.test("the data of a hub is whole, and a running one is left alone", async () => {
  await using temp = new TempDir();
  const data = temp.at("data");
  await makeStore(data);
  assertEquals(states(await examined(data)), [
    "database good",
    "packs good",
    "chunks good",
    "versions good",
  ]);
  const store = await openStore(data);
  const found: StoreFinding[] = [];
  for await (const finding of examineStore(data)) found.push(finding);
  assertEquals(found.map(({ check, state }) => `${check} ${state}`), [
    "lock poor",
  ]);
  await store.close();
});

Deno.test("K02, F13: damaged content is found, and the versions that it takes are named", async () => {
  await using temp = new TempDir();
  const data = temp.at("data");
  await makeStore(data);
  const path = temp.at("data", "packs", "1.pack");
  const pack = Deno.readFileSync(path);
  const damaged = pack.slice();
  // Somewhere in the first chunk, that of the first version.
  damaged[60]! ^= 1;
  Deno.writeFileSync(path, damaged);
  const flipped = await examined(data);
  assertEquals(states(flipped), [
    "database good",
    "packs good",
    "chunks bad",
    "versions bad",
  ]);
  assertEquals(flipped.get("chunks")!.facts!["damaged"], 1);
  assertStringIncludes(flipped.get("versions")!.message, "small, version 1");
  Deno.writeFileSync(path, pack.subarray(0, 50));
  const cut = await examined(data);
  assertEquals(cut.get("packs")!.state, "bad");
  assertStringIncludes(
    cut.get("versions")!.message,
    "small, version 2, current",
  );
  Deno.removeSync(path);
  const gone = await examined(data);
  const { total, damaged: lost } = gone.get("versions")!.facts!;
  assert(Number(lost) >= 3 && Number(lost) < Number(total));
});

Deno.test("K02: a damaged database is found at whatever place", async () => {
  await using temp = new TempDir();
  const data = temp.at("data");
  await makeStore(data);
  const path = temp.at("data", "hub.db");
  const whole = Deno.readFileSync(path);
  for (const at of [0, 4_096, 8_192, 20_480]) {
    const noisy = whole.slice();
    noisy.set(new Random(at).bytes(2_000), at);
    Deno.writeFileSync(path, noisy);
    const found = await examined(data);
    const bad = [...found.values()].filter(({ state }) => state === "bad");
    assert(bad.length > 0, `noise at ${at}: ${states(found)}`);
  }
  Deno.removeSync(path);
  assertEquals(states(await examined(data)), ["database bad"]);
});
