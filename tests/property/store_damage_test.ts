/**
 * Wrong bits in what a hub keeps: it refuses to start, or says so of the content
 * that is hit when somebody reads it. It never serves anything that is not what
 * was stored. LOCKSTEP_DAMAGES says how many.
 */
import { assert, assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import type { Digest } from "../../src/core/entry.ts";
import { IntegrityError, SyncError } from "../../src/errors.ts";
import { openStore } from "../../src/hub/data_directory.ts";
import type { HubStore } from "../../src/hub/store.ts";
import { put } from "../contract/hub_store_contract.ts";
import { note } from "../support/proof.ts";
import { Random, seedOr } from "../support/random.ts";
import { TempDir } from "../support/temp.ts";

const DAMAGES = Number(Deno.env.get("LOCKSTEP_DAMAGES") ?? 600);
const SEED = seedOr(16);

/** What became of one look at everything. */
interface Look {
  /** Files that were read whole. */
  read: number;
  /** Files, or the whole store, that were said to be damaged. */
  found: number;
}

/** Reads all that is there, by digest; what is given out has it. */
async function readAll(directory: string, digests: Digest[]): Promise<Look> {
  const look: Look = { read: 0, found: 0 };
  let store: HubStore;
  try {
    store = await openStore(directory);
  } catch (error) {
    if (!(error instanceof SyncError)) throw error;
    return { read: 0, found: 1 };
  }
  try {
    for (const digest of digests) {
      try {
        const bytes = await new Response(store.read(digest)).bytes();
        const got = createHash("sha256").update(bytes).digest("hex");
        assertEquals(got, digest, "damage was served");
        look.read++;
      } catch (error) {
        if (!(error instanceof SyncError)) throw error;
        look.found++;
      }
    }
  } finally {
    await store.close().catch((error: unknown) => {
      if (!(error instanceof SyncError)) throw error;
    });
  }
  return look;
}

/** A hub's directory with some files: their digests. */
async function fill(directory: string): Promise<Digest[]> {
  const store = await openStore(directory);
  const random = new Random(SEED);
  try {
    const digests = new Set<Digest>();
    for (let i = 0; i < 12; i++) {
      const content = random.bytes(random.pick([10, 900, 5_000, 70_000]));
      await put(store, `d/f${i}`, content);
      const hash = createHash("sha256").update(content).digest("hex");
      digests.add(hash as Digest);
    }
    return [...digests];
  } finally {
    await store.close();
  }
}

Deno.test(`N16, K02: ${DAMAGES} wrong bits in packs and database are found, or hit nothing, and are never served`, async () => {
  await using temp = new TempDir();
  const sound = temp.at("sound");
  const digests = await fill(sound);
  assertEquals(await readAll(sound, digests), {
    read: digests.length,
    found: 0,
  });
  const files = ["packs/1.pack", "hub.db"];
  const contents = files.map((file) => Deno.readFileSync(`${sound}/${file}`));
  const random = new Random(SEED);
  const found = [0, 0];
  for (let i = 0; i < DAMAGES; i++) {
    const which = i % 2;
    const bytes = contents[which]!.slice();
    const at = random.below(bytes.length);
    bytes[at]! ^= 1 << random.below(8);
    for (const [n, file] of files.entries()) {
      const path = `${sound}/${file}`;
      Deno.writeFileSync(path, n === which ? bytes : contents[n]!);
    }
    for (const behind of ["-wal", "-shm"]) {
      await Deno.remove(`${sound}/hub.db${behind}`).catch(() => {});
    }
    const where = `LOCKSTEP_SEED=${SEED}, ${i}: ${files[which]} at ${at}`;
    const look = await readAll(sound, digests).catch((error) => {
      throw new Error(where, { cause: error });
    });
    if (look.found > 0) found[which]!++;
    else assertEquals(look.read, digests.length, where);
    note("N16", "damages", 1);
  }
  // Nearly all of a pack is content; much of a database is free space.
  assert(found[0]! > DAMAGES / 2 * 0.9, `${found[0]} found in packs`);
  assert(found[1]! > 0, `${found[1]} found in the database`);
  assert(IntegrityError.prototype instanceof SyncError);
});
