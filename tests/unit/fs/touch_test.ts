import { assertEquals } from "@std/assert";
import type { Change } from "../../../src/core/change.ts";
import type { Name, RelPath } from "../../../src/core/path.ts";
import { FileSystemError } from "../../../src/errors.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import { scan } from "../../../src/fs/scan.ts";
import { areTouches, touch } from "../../../src/fs/touch.ts";
import { diff } from "../../../src/core/diff.ts";
import type { Directory } from "../../../src/fs/file_system.ts";

const OPTIONS = {
  checksum: true,
  symlinks: "copy",
  modes: true,
  ignore: { rules: [], files: [] },
} as const;

const HOW = { durable: true, signal: undefined };

Deno.test("touch() sets modes and times with one call each", async () => {
  const { fs, root, changes } = await touched();
  const { done, problems } = await touch(root, changes, HOW);
  assertEquals([[...done], problems], [[1, 1], []]);
  const { setMetadata, setOwnMetadata } = fs.counters.mutations;
  assertEquals([setMetadata, setOwnMetadata], [1, 1]);
  assertEquals(fs.counters.flushes, 1);
  const { entries } = await root.list();
  assertEquals(
    entries.map(({ stat: { mode, mtime } }) => [mode, mtime]),
    [[0o700, 6_000], [0o600, 5_000]],
  );
});

Deno.test("touch() leaves alone what is not as the scan saw it, or fails", async () => {
  const { fs, root, changes } = await touched();
  await root.removeFile("f" as Name);
  await root.createFile("f" as Name, new Uint8Array(9), {
    mode: 0o644,
    mtime: 1,
  });
  const denied = new FileSystemError("denied", "Cannot set: no permission");
  fs.failNext("setOwnMetadata", undefined, denied);
  const { done, problems } = await touch(root, changes, HOW);
  assertEquals([...done], [0, 0]);
  assertEquals(problems.map(({ path, code }) => `${path} ${code}`).sort(), [
    "d failed",
    "f stale",
  ]);
  assertEquals((await root.lookup("f" as Name))?.mode, 0o644);
});

Deno.test("areTouches() is false for all else, and where somebody is at work", async () => {
  const { root, changes } = await touched();
  assertEquals(await areTouches(root, changes), true);
  const [first] = changes;
  for (
    const other of [
      { path: "n" as RelPath, old: undefined, new: first!.new },
      { path: "f" as RelPath, old: first!.old, new: undefined },
    ]
  ) assertEquals(await areTouches(root, [...changes, other]), false);
  await root.createDirectory(".lockstep" as Name);
  assertEquals(await areTouches(root, changes), false);
});

/** A tree, and changes of the mode and mtime of a directory and a file in it. */
async function touched(): Promise<
  { fs: MemoryFileSystem; root: Directory; changes: readonly Change[] }
> {
  const tree = { "d/": null, f: "text" };
  const fs = MemoryFileSystem.from(tree);
  const root = await fs.openRoot("");
  const wanted = await MemoryFileSystem.from(tree).openRoot("");
  const { mode, mtime } = await root.stat();
  await wanted.setOwnMetadata({ mode, mtime });
  await wanted.setMetadata("f" as Name, { mode: 0o600, mtime: 5_000 });
  await wanted.setMetadata("d" as Name, { mode: 0o700, mtime: 6_000 });
  const before = await scan(root, OPTIONS);
  const after = await scan(wanted, OPTIONS);
  const options = { deletes: true, modes: true };
  const { changes } = diff(before.root, after.root, options);
  assertEquals(changes.length, 2);
  return { fs, root, changes };
}
