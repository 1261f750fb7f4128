import { assertEquals } from "@std/assert";
import { visitReplaced } from "../../../src/core/replaced_entries.ts";
import { suspectsBetween } from "../../../src/core/suspects.ts";
import { newDirectories } from "../../../src/fs/rescan.ts";
import { directory, file } from "../../support/trees.ts";

const KEPT = directory({ inner: file() });
const SAME = file({ size: 3, mtime: 7_000 });

const BEFORE = directory({
  becomes: file(),
  edited: directory({ a: SAME, b: file({ size: 1 }) }),
  gone: file(),
  kept: KEPT,
});
const NOW = directory({
  becomes: directory({ inner: directory({}) }),
  edited: directory({ a: { ...SAME, inode: 9 }, b: file({ size: 2 }) }),
  kept: KEPT,
  made: directory({ deep: directory({}) }),
});

Deno.test("visitReplaced() names what is not shared, and goes into what is a directory in both", () => {
  const visited: string[] = [];
  visitReplaced(BEFORE, NOW, (path, old, entry) => {
    visited.push(`${path}: ${old?.kind ?? "nothing"}, ${entry.kind}`);
  });
  assertEquals(visited, [
    "becomes: file, directory",
    "edited/a: file, file",
    "edited/b: file, file",
    "made: nothing, directory",
  ]);
});

Deno.test("suspectsBetween() names files that look the same and are not the same", () => {
  assertEquals(suspectsBetween(BEFORE, NOW).map(String), ["edited/a"]);
});

Deno.test("newDirectories() names the topmost ones alone", () => {
  assertEquals(newDirectories(BEFORE, NOW).map(String), ["becomes", "made"]);
});
