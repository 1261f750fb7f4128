import { assert, assertEquals } from "@std/assert";
import { applyChanges } from "../../../src/core/apply_changes.ts";
import { diff } from "../../../src/core/diff.ts";
import type { DirectoryEntry } from "../../../src/core/entry.ts";
import { parseRelPath } from "../../../src/core/path.ts";
import { suspectsBetween } from "../../../src/core/suspects.ts";
import { entryAt } from "../../../src/core/snapshot.ts";
import {
  MemoryFileSystem,
  type MemoryFileSystemOptions,
} from "../../../src/fs/memory_fs.ts";
import type { PlainTree } from "../../../src/fs/memory_tree.ts";
import { scan } from "../../../src/fs/scan.ts";
import { PLAIN_SCAN } from "../../support/plain_scan.ts";

async function treeOf(
  tree: PlainTree,
  options?: MemoryFileSystemOptions,
): Promise<DirectoryEntry> {
  const root = await MemoryFileSystem.from(tree, options).openRoot("");
  return (await scan(root, PLAIN_SCAN)).root;
}

const TREES: readonly PlainTree[] = [
  {},
  { "a": "1", "b/c": "2", "b/d/e": "3" },
  { "b": "a file now", "z/y/x/w": "deep", "l": { symlink: "a" } },
  { "a/b": "a directory now", "b/c": "other content", "b/d/e": "3", "b/f": "" },
];

Deno.test("applyChanges() of all that diff() finds makes the goal, digests included", async () => {
  for (const [i, from] of TREES.entries()) {
    for (const [j, to] of TREES.entries()) {
      const base = await treeOf(from);
      const goal = await treeOf(to, { now: () => 1e12 + 1000 * i + j });
      const { changes } = diff(base, goal, { deletes: true, modes: true });
      const made = applyChanges(base, changes, true);
      assertEquals(made.digest, goal.digest, `${i} to ${j}`);
      assertEquals([...made.children.keys()], [...goal.children.keys()]);
      const after = diff(made, goal, { deletes: true, modes: true });
      assertEquals(after.changes, [], `${i} to ${j}`);
    }
  }
});

Deno.test("applyChanges() leaves what it does not touch the same object", async () => {
  const base = await treeOf(TREES[1]!);
  const path = parseRelPath("a");
  const made = applyChanges(base, [
    { path, old: entryAt(base, path) as never, new: undefined },
  ], true);
  assert(made.children.get("b" as never) === base.children.get("b" as never));
  assertEquals(entryAt(made, path), undefined);
  assert(applyChanges(base, [], true) === base);
});

Deno.test("suspectsBetween() names files that look the same and are others", async () => {
  const now = (): number => 1e12;
  const fs = MemoryFileSystem.from(
    { "a": "1", "b": "2", "c": "3", "d/e": "4" },
    { now },
  );
  const root = await fs.openRoot("");
  const before = (await scan(root, PLAIN_SCAN)).root;
  await root.rename("a" as never, root, "b" as never);
  await root.setMetadata("c" as never, { mode: 0o600, mtime: 1e12 });
  const after = (await scan(root, PLAIN_SCAN)).root;
  assertEquals<string[]>(suspectsBetween(before, after), ["b"]);
  assertEquals(suspectsBetween(after, after), []);
});
