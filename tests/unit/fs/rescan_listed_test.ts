import { assertEquals } from "@std/assert";
import type { Name, RelPath } from "../../../src/core/path.ts";
import type { ScanOptions } from "../../../src/core/snapshot.ts";
import { FileSystemError } from "../../../src/errors.ts";
import { DirtyPaths } from "../../../src/fs/dirty_paths.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import { rescan } from "../../../src/fs/rescan.ts";
import { scan } from "../../../src/fs/scan.ts";
import { PLAIN_SCAN } from "../../support/plain_scan.ts";
import { plainTree } from "../../support/plain_tree.ts";

const OPTIONS: ScanOptions = PLAIN_SCAN;

Deno.test("a name that is not valid, and was not before, does not make rescan() look at all beside it", async () => {
  const fs = MemoryFileSystem.from({
    "d/a": "1",
    "d/\ufffd": "2",
    "d/e/b": "3",
  });
  const listed: string[] = [];
  fs.fault = (method, path): FileSystemError | undefined => {
    if (method === "list") listed.push(path);
    return method === "listed" && path.endsWith("\ufffd")
      ? new FileSystemError("unsafe-path", "its name is not valid UTF-8")
      : undefined;
  };
  const root = await fs.openRoot("");
  const before = await scan(root, OPTIONS);
  const d = await root.openDirectory("d" as Name);
  await d.createSymlink("l" as Name, "anywhere", 1e12);
  const dirty = DirtyPaths.of(["d/l" as RelPath]);
  dirty.widen();
  listed.length = 0;
  const { snapshot } = await rescan(root, before, dirty, OPTIONS);
  assertEquals(listed, ["d"]);
  const whole = await scan(root, OPTIONS);
  assertEquals(plainTree(snapshot.root), plainTree(whole.root));
  assertEquals(snapshot.problems, whole.problems);

  // Once it has another name, it is looked for, and found to be gone.
  fs.fault = undefined;
  await d.rename("\ufffd" as Name, d, "valid" as Name);
  const more = DirtyPaths.of(["d/valid" as RelPath]);
  more.widen();
  const next = await rescan(root, snapshot, more, OPTIONS);
  assertEquals(
    plainTree(next.snapshot.root),
    plainTree((await scan(root, OPTIONS)).root),
  );
  assertEquals(next.snapshot.problems, []);
  d.close();
  root.close();
});
