import { assertEquals } from "@std/assert";
import type { Change } from "../../../src/core/change.ts";
import type { FileEntry } from "../../../src/core/entry.ts";
import { type Name, parseRelPath } from "../../../src/core/path.ts";
import { NO_IGNORE } from "../../../src/core/snapshot.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import { LocalEndpoint } from "../../../src/session/local_endpoint.ts";
import { Random } from "../../support/random.ts";
import { file } from "../../support/trees.ts";

const SCAN = {
  checksum: true,
  symlinks: "copy",
  modes: true,
  ignore: NO_IGNORE,
} as const;

const LARGE = new Random(1).bytes(3_000_000);
LARGE.fill(0, 1_000_000, 2_500_000);

/** Renames `f` to `new/place` at a target that has {@link LARGE} there: what it wants. */
async function renamed(
  fileSystem: MemoryFileSystem,
  recipes: boolean,
  meanwhile: () => Promise<void> = () => Promise.resolve(),
): Promise<number> {
  const target = await LocalEndpoint.open(fileSystem, "/", { create: true });
  const { root } = await target.scan(SCAN);
  const old = root.children.get("f" as Name) as FileEntry;
  await meanwhile();
  const { size, digest } = old;
  const entry = file({ size, digest, mtime: 77, mode: 0o640 });
  const changes: Change[] = [
    { path: parseRelPath("f"), old, new: undefined },
    { path: parseRelPath("g"), old: undefined, new: entry },
  ];
  const { wants, writable } = await target.stage(changes, undefined, {
    recipes,
  });
  if (wants.length === 0) {
    await writable.close();
    const { problems } = await target.transition(changes);
    assertEquals(problems, []);
  }
  await target.close({ kind: "done", message: "" });
  return wants.length;
}

Deno.test("what was renamed at the other side is copied here, whatever its size", async () => {
  for (const content of [LARGE, LARGE.subarray(0, 100)]) {
    const fileSystem = MemoryFileSystem.from({ f: content });
    assertEquals(await renamed(fileSystem, true), 0);
    const [path, ...others] = Object.keys(fileSystem.dump());
    assertEquals([path, others], ["g", []]);
    const there = await LocalEndpoint.open(fileSystem, "/");
    const { root } = await there.scan(SCAN);
    const { size, mtime, mode } = root.children.get("g" as Name) as FileEntry;
    assertEquals([size, mtime, mode], [content.length, 77, 0o640]);
    await there.close({ kind: "done", message: "" });
  }
});

Deno.test("a copy that is not what its digest says is not made", async () => {
  const edited = LARGE.slice();
  edited[17]! ^= 1;
  for (const content of [edited, LARGE.subarray(0, 10)]) {
    const fileSystem = MemoryFileSystem.from({ f: LARGE });
    const count = await renamed(fileSystem, true, async () => {
      const root = await fileSystem.openRoot("/");
      const open = await root.openWritable("f" as Name);
      await open.write(content, 0);
      await open.truncate(content.length);
      open.close();
      root.close();
    });
    assertEquals(count, 1);
  }
});

Deno.test("nothing is copied for a side that does without recipes", async () => {
  const fileSystem = MemoryFileSystem.from({ f: LARGE });
  assertEquals(await renamed(fileSystem, false), 1);
});
