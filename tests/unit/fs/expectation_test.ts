import { assert, assertRejects, assertThrows } from "@std/assert";
import type { DirectoryEntry } from "../../../src/core/entry.ts";
import type { Name } from "../../../src/core/path.ts";
import { FileSystemError, StaleError } from "../../../src/errors.ts";
import { Expectation } from "../../../src/fs/expectation.ts";
import type { Directory, Stat } from "../../../src/fs/file_system.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import { scan } from "../../../src/fs/scan.ts";
import { file, path } from "../../support/trees.ts";
import { PLAIN_SCAN } from "../../support/plain_scan.ts";

const OLD = file({ size: 1, mtime: 2_000, inode: 3, ctime: 4_000 });
const STAT: Stat = {
  kind: "file",
  size: 1,
  mtime: 2_000,
  mode: 0o644,
  inode: 3,
  ctime: 4_000,
  device: 1,
  uid: 0,
  gid: 0,
  links: 1,
};

Deno.test("an entry that is gone, or another one, is not what was expected", () => {
  const expectation = new Expectation();
  expectation.check(path("a"), OLD, STAT);
  assertThrows(
    () => expectation.check(path("a"), OLD, undefined),
    StaleError,
    "was removed by somebody else",
  );
  assertThrows(
    () => expectation.check(path("a"), OLD, { ...STAT, mtime: 2_001 }),
    StaleError,
    "was changed by somebody else",
  );
});

Deno.test("the ctime of a file counts until we have changed it ourselves", () => {
  const expectation = new Expectation();
  const later = { ...STAT, ctime: 5_000 };
  assert(!expectation.isMet(OLD, later));
  expectation.handle(OLD);
  assert(expectation.isMet(OLD, later));
  assert(!expectation.isMet(OLD, { ...later, size: 2 }));
});

/** A tree on a disk, and what a scan sees of it. */
async function scanned(): Promise<
  { fs: MemoryFileSystem; root: Directory; tree: DirectoryEntry }
> {
  const fs = MemoryFileSystem.from({ "s/d/a": "1", "s/d/e/b": "2" });
  const root = await fs.openRoot("s");
  const { root: { children } } = await scan(root, PLAIN_SCAN);
  return { fs, root, tree: children.get(NAME) as DirectoryEntry };
}

const NAME = "d" as Name;

Deno.test("a tree is what was expected as long as nothing in it was changed", async () => {
  const { root, tree } = await scanned();
  const check = (): Promise<void> =>
    new Expectation().checkTree(root, NAME, path("d"), tree);
  await check();

  const directory = await root.openDirectory(NAME);
  const inner = await directory.openDirectory("e" as Name);
  const metadata = { mode: 0o644, mtime: 5_000 };
  const content = new Uint8Array(9);
  await inner.createFile("c" as Name, content, metadata);
  await assertRejects(check, StaleError, "d/e/c was created");
  await inner.removeFile("c" as Name);
  await check();
  await inner.setMetadata("b" as Name, metadata);
  await assertRejects(check, StaleError, "d/e/b was changed");
  inner.close();
  directory.close();
  root.close();
});

Deno.test("a tree in which something can't be looked at is not what was expected", async () => {
  const { fs, root, tree } = await scanned();
  fs.fault = (method, at) =>
    method === "list" && at === "s/d/e"
      ? new FileSystemError("io", "Cannot list it")
      : undefined;
  await assertRejects(
    () => new Expectation().checkTree(root, NAME, path("d"), tree),
    FileSystemError,
    "Cannot list it",
  );
  root.close();
});
