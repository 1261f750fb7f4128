import { assertEquals } from "@std/assert";
import type { DirectoryEntry, Entry } from "../../../src/core/entry.ts";
import type { Name } from "../../../src/core/path.ts";
import { noteInodes, outdatedTwins } from "../../../src/core/twins.ts";

function directory(
  inode: number,
  children: Record<string, Entry> = {},
): DirectoryEntry {
  return {
    kind: "directory",
    mode: 0o755,
    mtime: 1e12,
    inode,
    generation: 1,
    digest: undefined,
    children: new Map(Object.entries(children) as [Name, Entry][]),
  };
}

Deno.test("outdatedTwins() names where a directory was before it was seen elsewhere", () => {
  const deep = directory(3, { below: directory(4) });
  const before = directory(1, {
    a: directory(2, { deep }),
    other: directory(5),
  });
  const here = directory(1, {
    a: directory(2, { deep }),
    new: directory(6, { deep }),
    other: directory(5),
  });
  const known = new Set<number>();
  noteInodes(before, known);
  assertEquals([...known].sort(), [1, 2, 3, 4, 5]);
  assertEquals<string[]>(outdatedTwins(before, here, known), ["a/deep"]);
  assertEquals(outdatedTwins(before, here, new Set()), []);
  // Once it has been looked for in its old place, there is one of it.
  const gone = directory(1, {
    a: directory(2),
    new: directory(6, { deep }),
    other: directory(5),
  });
  assertEquals(outdatedTwins(before, gone, known), []);
  assertEquals(outdatedTwins(before, before, known), []);
});

Deno.test("outdatedTwins() tells directories with the same number apart by their generation", () => {
  const before = directory(1, { a: directory(2) });
  const now = directory(1, {
    a: directory(2),
    b: { ...directory(2), generation: 7 },
  });
  assertEquals(outdatedTwins(before, now, new Set([1, 2])), []);
});
