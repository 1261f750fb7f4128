import { assertEquals } from "@std/assert";
import type { Name } from "../../../src/core/path.ts";
import { NO_IGNORE } from "../../../src/core/snapshot.ts";
import { isRacy } from "../../../src/fs/known_digests.ts";
import { DigestStore } from "../../../src/fs/digest_store.ts";
import type { Stat } from "../../../src/fs/file_system.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import { scan } from "../../../src/fs/scan.ts";
import { TempDir } from "../../support/temp.ts";
import { directory, path } from "../../support/trees.ts";

const NOW = 1_700_000_000_000;
const DIGEST = "ab".repeat(32);
const STAT: Stat = {
  kind: "file",
  size: 1,
  mtime: NOW - 60_000,
  ctime: NOW - 60_000,
  mode: 0o644,
  inode: 7,
  device: 1,
  links: 1,
  uid: 0,
  gid: 0,
};

function open(
  temp: TempDir,
  warnings: string[] = [],
  now: () => number = () => NOW,
): DigestStore {
  return new DigestStore({
    path: temp.at("digests"),
    now,
    warn: (message) => warnings.push(message),
  });
}

Deno.test("isRacy() trusts no file that was read within 2 s of its last change", () => {
  const at = (mtime: number, ctime: number): boolean =>
    isRacy({ ...STAT, mtime: NOW + mtime, ctime: NOW + ctime }, NOW);
  assertEquals(at(-60_000, -60_000), false);
  assertEquals(at(-1_999, -60_000), true);
  assertEquals(at(-60_000, -1_999), true);
  assertEquals(at(-2_000, -2_000), false);
  // A clock that went back, and a time that somebody has set.
  assertEquals(at(-60_000, 5_000), true);
  assertEquals(at(3_600_000, -60_000), false);
});

Deno.test("DigestStore remembers a file for as long as it is the same", async () => {
  await using temp = new TempDir();
  const file = path("d/a");
  const one = open(temp);
  one.set(STAT, DIGEST, { path: file, readAt: NOW });
  assertEquals(one.get(STAT, file), DIGEST);
  one.close();
  const two = open(temp);
  assertEquals(two.get(STAT, file), DIGEST);
  assertEquals(two.get(STAT, path("d/b")), undefined);
  const changes: Partial<Stat>[] = [
    { size: 2 },
    { mtime: STAT.mtime + 1 },
    { ctime: STAT.ctime + 1 },
    { inode: 8 },
  ];
  for (const change of changes) {
    assertEquals(two.get({ ...STAT, ...change }, file), undefined);
  }
  two.close();
});

Deno.test("DigestStore forgets files that are gone", async () => {
  await using temp = new TempDir();
  const store = open(temp);
  for (let i = 0; i < 500; i++) {
    store.set(STAT, DIGEST, { path: path(`f${i}`), readAt: NOW });
  }
  store.finish(directory());
  assertEquals(store.get(STAT, path("f1")), DIGEST);
  store.begin();
  store.finish(directory());
  assertEquals(store.get(STAT, path("f1")), undefined);
  store.close();
});

Deno.test("K02: DigestStore begins anew where its file is damaged, with one warning", async () => {
  for (const harm of ["header", "page", "row", "empty", "directory"] as const) {
    await using temp = new TempDir();
    const store = open(temp);
    for (let i = 0; i < 2_500; i++) {
      store.set(STAT, DIGEST, { path: path(`f${i}`), readAt: NOW });
    }
    store.close();
    const at = temp.at("digests");
    if (harm === "directory") {
      Deno.removeSync(at);
      Deno.mkdirSync(`${at}/inner`, { recursive: true });
    } else damage(at, harm);
    const warnings: string[] = [];
    const again = open(temp, warnings);
    for (let i = 0; i < 2_500; i++) {
      const found = again.get(STAT, path(`f${i}`));
      if (found !== undefined) assertEquals(found, DIGEST, harm);
    }
    again.set(STAT, DIGEST, { path: path("new"), readAt: NOW });
    again.finish(directory());
    again.close();
    const isLoud = harm !== "row" && harm !== "empty";
    assertEquals(warnings.length, isLoud ? 1 : 0, harm);
    const last = open(temp, []);
    if (harm !== "directory") {
      last.set(STAT, DIGEST, { path: path("last"), readAt: NOW });
      assertEquals(last.get(STAT, path("last")), DIGEST, harm);
    }
    last.close();
  }
});

function damage(at: string, harm: "header" | "page" | "row" | "empty"): void {
  const bytes = Deno.readFileSync(at);
  switch (harm) {
    case "header":
      bytes.fill(0x55, 0, 40);
      break;
    case "page":
      for (let page = 4096; page < bytes.length; page += 4096) {
        bytes.fill(0xff, page, page + 64);
      }
      break;
    case "row": {
      // A digest that is another one.
      const text = new TextDecoder("latin1").decode(bytes);
      const found = text.indexOf(DIGEST);
      bytes[found + 3] = "0".charCodeAt(0);
      break;
    }
    case "empty":
      return Deno.writeFileSync(at, new Uint8Array());
    default:
      harm satisfies never;
  }
  Deno.writeFileSync(at, bytes);
}

Deno.test("a scan with a DigestStore reads no file twice, and sees each change", async () => {
  await using temp = new TempDir();
  let time = NOW;
  const fileSystem = MemoryFileSystem.from(
    { a: "a", "d/b": "b", "d/large": "l".repeat(300_000) },
    { now: () => time },
  );
  const root = await fileSystem.openRoot("/");
  const options = {
    checksum: true,
    symlinks: "copy",
    modes: true,
    ignore: NO_IGNORE,
  } as const;
  const digests = open(temp, [], () => time);
  const reads = async (): Promise<number> => {
    const before = fileSystem.counters.reads;
    await scan(root, options, { digests });
    return fileSystem.counters.reads - before;
  };
  // Read so soon after they were made, they are not trusted.
  assertEquals(await reads() > 0, true);
  time += 10_000;
  assertEquals(await reads() > 0, true);
  assertEquals(await reads(), 0);
  // The same size and mtime: ctime and inode tell.
  const { mtime } = (await root.lookup("a" as Name))!;
  await root.removeFile("a" as Name);
  await root.createFile("a" as Name, new TextEncoder().encode("x"), {
    mode: 0o644,
    mtime,
  });
  const before = fileSystem.counters.bytesRead;
  const snapshot = await scan(root, options, { digests });
  assertEquals(fileSystem.counters.bytesRead - before, 1);
  const plain = await scan(root, options);
  assertEquals(snapshot.root.digest, plain.root.digest);
  digests.close();
  root.close();
});
