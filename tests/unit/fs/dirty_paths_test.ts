import { assert, assertEquals } from "@std/assert";
import type { RelPath } from "../../../src/core/path.ts";
import { type DirtyNode, DirtyPaths } from "../../../src/fs/dirty_paths.ts";
import { path } from "../../support/trees.ts";

Deno.test("What is below a dirty path is dirty with it", () => {
  const dirty = DirtyPaths.of([path("a/b/c"), path("d"), path("a/b")]);
  dirty.add(path("a/b/e"));
  assertEquals([...dirty.paths()].sort(), [path("a/b"), path("d")]);
});

Deno.test("The root is everything, and so are too many paths", () => {
  const root = DirtyPaths.of([path("a"), "" as RelPath]);
  assert(root.everything);
  assertEquals([...root.paths()], []);
  const many = new DirtyPaths();
  for (let i = 0; !many.everything; i++) {
    assert(i <= 20_000);
    many.add(path(`f${i}`));
  }
});

Deno.test("One entry may say again and again that it has changed", () => {
  const dirty = new DirtyPaths();
  for (let i = 0; i < 50_000; i++) dirty.addOwn(path("log"));
  assert(!dirty.everything && !dirty.isEmpty);
  dirty.addOwn("" as RelPath);
  assertEquals(shown(dirty), ["own ", "own log"]);
});

Deno.test("What is taken is gone, and can be put back beside what came since", () => {
  const dirty = DirtyPaths.of([path("a/b")]);
  dirty.addOwn("" as RelPath);
  dirty.addOwn(path("c"));
  const taken = dirty.take();
  assert(dirty.isEmpty);
  dirty.add(path("c"));
  dirty.addOwn(path("a"));
  dirty.addAll(taken);
  assertEquals(shown(dirty), ["own ", "own a", "self a/b", "self c"]);
});

Deno.test("widen() takes in what is beside a dirty entry, and in a directory that changed", () => {
  const dirty = DirtyPaths.of([path("a/b")]);
  dirty.addOwn(path("c/d"));
  dirty.widen();
  const widened = ["entries a", "self a/b", "entries c", "own entries c/d"];
  assertEquals(shown(dirty), widened);
  const other = new DirtyPaths();
  other.addAll(dirty);
  assertEquals(shown(other), widened);
});

Deno.test("widenCrowded() takes in what is beside the dirty entries of a crowded directory", () => {
  const dirty = DirtyPaths.of([
    path("a/b"),
    path("a/c"),
    path("d/e"),
    path("f"),
  ]);
  const asked: [string, number][] = [];
  dirty.widenCrowded((path, count) => {
    asked.push([path, count]);
    return count === 2;
  });
  assertEquals(shown(dirty), [
    "entries a",
    "self a/b",
    "self a/c",
    "self d/e",
    "self f",
  ]);
  assertEquals(asked.sort(), [["", 3], ["a", 2], ["d", 1]]);
});

/** The nodes that say anything, by path. */
function shown(dirty: DirtyPaths): string[] {
  const lines: [string, string][] = [];
  const visit = (at: string, node: DirtyNode): void => {
    const words = (["self", "own", "entries"] as const)
      .filter((word) => node[word]);
    if (words.length > 0) lines.push([at, `${words.join(" ")} ${at}`]);
    for (const [name, child] of node.below) {
      visit(at === "" ? name : `${at}/${name}`, child);
    }
  };
  visit("", dirty.root);
  return lines.sort(([a], [b]) => a < b ? -1 : 1).map(([, line]) => line);
}
