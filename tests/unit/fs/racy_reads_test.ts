import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import type { FileEntry } from "../../../src/core/entry.ts";
import type { Name, RelPath } from "../../../src/core/path.ts";
import { NO_IGNORE } from "../../../src/core/snapshot.ts";
import { DenoFileSystem } from "../../../src/fs/deno_fs.ts";
import type { Directory } from "../../../src/fs/file_system.ts";
import { RacyReads } from "../../../src/fs/racy_reads.ts";
import { scan } from "../../../src/fs/scan.ts";
import { supply } from "../../../src/fs/supply.ts";
import { TempDir } from "../../support/temp.ts";

const PATH = "file" as RelPath;

/** The content of the file, as it is supplied at once; undefined if it was changed. */
async function supplyOnce(
  root: Directory,
  entry: FileEntry,
  racy: RacyReads,
): Promise<string | undefined> {
  const requests = [{ index: 0, path: PATH, entry, resume: undefined }];
  for await (const batch of supply(root, requests, { follow: false, racy })) {
    const [piece] = batch.pieces;
    if (piece?.kind === "data") return new TextDecoder().decode(piece.bytes);
  }
  return undefined;
}

async function look(root: Directory): Promise<FileEntry> {
  const { root: { children } } = await scan(root, {
    checksum: false,
    symlinks: "copy",
    modes: true,
    ignore: NO_IGNORE,
  });
  const entry = children.get("file" as Name);
  assert(entry?.kind === "file");
  return entry;
}

Deno.test("RacyReads finds a write on a disk that left size and times as they were", async () => {
  await using temp = new TempDir();
  const path = join(temp.path, "file");
  const root = await new DenoFileSystem().openRoot(temp.path);
  let now = 0;
  for (let tries = 0;; tries++) {
    assert(tries < 10_000, "no two writes fell into the same tick");
    const racy = new RacyReads(() => now);
    Deno.writeTextFileSync(path, "first!");
    const entry = await look(root);
    now = entry.mtime;
    const read = await supplyOnce(root, entry, racy);
    Deno.writeTextFileSync(path, "second");
    const after = await look(root);
    const isHidden = after.mtime === entry.mtime && after.ctime === entry.ctime;
    if (!isHidden) continue;
    assertEquals(read, "first!");
    assertEquals(racy.wait, 25);
    assertEquals(await racy.check(root), []);
    now += 25;
    assertEquals(await racy.check(root), [PATH]);
    assertEquals(racy.wait, undefined);
    break;
  }
  root.close();
});

Deno.test("RacyReads forgets what is as it was, what went, and what shows its change", async () => {
  await using temp = new TempDir();
  const path = join(temp.path, "file");
  const root = await new DenoFileSystem().openRoot(temp.path);
  const ways = [
    (): void => {},
    (): void => Deno.removeSync(path),
    (): void => Deno.writeTextFileSync(path, "longer than before"),
  ];
  for (const change of ways) {
    Deno.writeTextFileSync(path, "as it was");
    const entry = await look(root);
    let now = entry.mtime;
    const racy = new RacyReads(() => now);
    assertEquals(await supplyOnce(root, entry, racy), "as it was");
    change();
    now += 25;
    assertEquals(await racy.check(root), []);
    assertEquals(racy.wait, undefined);
  }
  root.close();
});

Deno.test("supply() waits for the tick to be over where too many would have to be read again", async () => {
  await using temp = new TempDir();
  const path = join(temp.path, "file");
  const root = await new DenoFileSystem().openRoot(temp.path);
  const full = new RacyReads();
  Deno.writeTextFileSync(path, "content");
  const old = await look(root);
  for (let i = 0; full.hasRoom; i++) {
    full.add(`${i}` as RelPath, old, new Uint8Array(1));
  }
  const before = full.wait!;
  assert(before > 0);
  Deno.writeTextFileSync(path, "content again");
  const entry = await look(root);
  assertEquals(await supplyOnce(root, entry, full), "content again");
  assert(Date.now() - entry.mtime >= 24, "it was read too early");
  root.close();
});
