import { assertEquals } from "@std/assert";
import type { Change } from "../../../src/core/change.ts";
import type { TrackedEntry } from "../../../src/core/entry.ts";
import { parseRelPath, type RelPath } from "../../../src/core/path.ts";
import { findReusable } from "../../../src/fs/candidates.ts";
import {
  directoryOf,
  fileEntry,
  type Sketch,
} from "../../support/fake_endpoint.ts";

const KIB = 1024;
const file = (kib: number, mtime = 1000): TrackedEntry =>
  fileEntry(kib * KIB, { mtime });

function change(
  path: string,
  old: TrackedEntry | undefined,
  wanted: TrackedEntry | undefined,
): Change {
  return { path: parseRelPath(path), old, new: wanted };
}

/** For each reusable file its path and those of its candidates. */
function found(
  changes: readonly Change[],
  tree: Sketch,
): [RelPath | string, string[]][] {
  return findReusable(changes, directoryOf(tree)).map((
    { path, candidates },
  ) => [path, candidates.map((candidate) => candidate.path)]);
}

Deno.test("a file is made of its old version, and only where it is large", () => {
  const changes = [
    change("a", file(100), file(100, 2)),
    change("b", file(100), file(64, 2)),
    change("c", file(1), file(100, 2)),
    change("d", fileEntry(0), file(100, 2)),
    change("e", undefined, undefined),
  ];
  assertEquals(found(changes, { a: file(100), x: file(100) }), [
    ["a", ["a"]],
    ["c", ["c"]],
  ]);
});

Deno.test("files are numbered as filesOf() numbers them", () => {
  const tree = directoryOf({ p: "small", q: { r: file(70), s: "small" } });
  const changes = [
    change("t", undefined, tree),
    change("u", file(70), file(70, 9)),
  ];
  const reusables = findReusable(changes, directoryOf({ z: file(70) }));
  assertEquals(reusables.map(({ index, path }) => [index, path]), [
    [1, "t/q/r"],
    [3, "u"],
  ]);
});

Deno.test("a new file may be made of those of its size or its name", () => {
  const tree = {
    "same size": file(100, 7),
    "same size and time": file(100, 5),
    other: { new: file(200), big: file(300) },
    far: { new: file(900) },
    little: { new: file(50) },
  };
  assertEquals(found([change("new", undefined, file(100, 5))], tree), [
    ["new", ["same size and time", "same size", "other/new"]],
  ]);
  assertEquals(found([change("none", undefined, file(101))], tree), []);
});

Deno.test("what is deleted in the same run counts more, and may have another size", () => {
  const gone = directoryOf({ x: file(130), y: file(90), z: file(260) });
  const tree = { dir: gone, x: file(100) };
  const changes = [
    change("dir", gone, undefined),
    change("moved", undefined, file(100)),
  ];
  assertEquals(found(changes, tree), [["moved", ["x", "dir/y", "dir/x"]]]);
  const named = [
    change("dir", gone, undefined),
    change("b/z", undefined, file(300)),
  ];
  assertEquals(found(named, tree), [["b/z", ["dir/z"]]]);
});

Deno.test("there are four candidates at the most, however many look alike", () => {
  const alike = Object.fromEntries(
    Array.from({ length: 50 }, (_, i) => [`f${i}`, file(100)]),
  );
  const [[, candidates]] = found(
    [change("new", undefined, file(100, 3))],
    alike,
  ) as [[string, string[]]];
  assertEquals(candidates.length, 4);
});

Deno.test("an empty target has nothing that files could be made of", () => {
  const big = directoryOf({ a: file(100), b: { c: file(200) } });
  assertEquals(found([change("new", undefined, big)], {}), []);
});
