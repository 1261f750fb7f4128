import { assertEquals } from "@std/assert";
import type { Name } from "../../../src/core/path.ts";
import { DigestCache } from "../../../src/fs/digest_cache.ts";
import type { Stat } from "../../../src/fs/file_system.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import { scan } from "../../../src/fs/scan.ts";

const NOW = 10_000_000;
const READ = { readAt: NOW };

const STAT: Stat = {
  kind: "file",
  size: 4,
  mtime: 1_000,
  ctime: 2_000,
  mode: 0o644,
  inode: 7,
  device: 1,
  links: 1,
  uid: 0,
  gid: 0,
};

Deno.test("DigestCache knows a file by all that a change of it would move", () => {
  const cache = new DigestCache(() => NOW);
  cache.set(STAT, "d1", READ);
  assertEquals(cache.get(STAT), "d1");
  assertEquals(cache.get({ ...STAT, mode: 0o600, links: 2 }), "d1");
  for (const field of ["size", "mtime", "ctime", "inode", "device"] as const) {
    assertEquals(cache.get({ ...STAT, [field]: 99 }), undefined, field);
  }
});

Deno.test("DigestCache trusts no file that was changed just now, or has no number", () => {
  const cache = new DigestCache(() => NOW);
  for (const [mtime, ctime] of [[NOW - 1_999, 0], [0, NOW], [NOW + 9, 0]]) {
    const stat = { ...STAT, mtime: mtime!, ctime: ctime! };
    cache.set(stat, "d1", READ);
    assertEquals(cache.get(stat), undefined, `${mtime} ${ctime}`);
  }
  const unnumbered = { ...STAT, inode: 0 };
  cache.set(unnumbered, "d1", READ);
  assertEquals(cache.get(unnumbered), undefined);
  const settled = { ...STAT, mtime: NOW - 2_000, ctime: NOW - 2_000 };
  cache.set(settled, "d1", READ);
  assertEquals(cache.get(settled), "d1");
});

Deno.test("DigestCache forgets what a whole scan did not see", () => {
  const cache = new DigestCache(() => NOW);
  cache.set(STAT, "d1", READ);
  cache.begin();
  assertEquals(cache.get(STAT), "d1");
  cache.begin();
  cache.begin();
  assertEquals(cache.get(STAT), undefined);
});

Deno.test("scan() reads a file again only when it has changed", async () => {
  const fs = MemoryFileSystem.from({ a: "1", "d/b": "22", "d/c": "333" });
  const root = await fs.openRoot("");
  const digests = new DigestCache();
  const options = {
    checksum: true,
    symlinks: "copy",
    modes: true,
    ignore: { rules: [], files: [] },
  } as const;
  const first = await scan(root, options, { digests });
  assertEquals(fs.counters.bytesRead, 6);
  const second = await scan(root, options, { digests });
  assertEquals(fs.counters.bytesRead, 6);
  assertEquals(second.root.digest, first.root.digest);
  const file = await root.openWritable("a" as Name);
  await file.write(new TextEncoder().encode("x"), 0);
  file.close();
  const third = await scan(root, options, { digests });
  assertEquals(fs.counters.bytesRead, 7);
  assertEquals(
    third.root.digest,
    (await scan(root, options)).root.digest,
  );
});
