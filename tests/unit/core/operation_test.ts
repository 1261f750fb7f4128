import { assertEquals } from "@std/assert";
import { diff } from "../../../src/core/diff.ts";
import type { DirectoryEntry } from "../../../src/core/entry.ts";
import {
  type EarlierRound,
  operationsOf,
} from "../../../src/core/operation.ts";
import type { RelPath } from "../../../src/core/path.ts";
import { directory, file, path, symlink } from "../../support/trees.ts";

/** What makes `target` equal to `source`, as "operation path". */
function operations(
  target: DirectoryEntry,
  source: DirectoryEntry,
  earlier?: EarlierRound,
): string[] {
  const { changes } = diff(target, source, { deletes: true, modes: true });
  return [...operationsOf(changes, { modes: true, earlier })]
    .map(({ name, path }) => `${name} ${path}`);
}

function round(
  root: DirectoryEntry,
  ...leftOut: readonly string[]
): EarlierRound {
  return { root, leftOut: new Set<RelPath>(leftOut.map(path)) };
}

const SOURCE = directory({
  a: file({ size: 3 }),
  d: directory({ b: file(), link: symlink("x") }),
});

Deno.test("operationsOf() names one operation for each path", () => {
  const target = directory({
    a: file({ size: 4 }),
    d: directory({ b: file({ mode: 0o600 }), link: symlink("y") }),
    e: directory({ c: file() }),
  });
  assertEquals(operations(target, SOURCE), [
    "modify a",
    "touch d/b",
    "modify d/link",
    "delete e",
    "delete e/c",
  ]);
  assertEquals(operations(directory(), SOURCE), [
    "create a",
    "create d",
    "create d/b",
    "create d/link",
  ]);
});

Deno.test("operationsOf() tells a restoration from a change at the source", () => {
  const earlier = round(SOURCE);
  const damaged = directory({ a: file({ size: 9 }), d: directory() });
  assertEquals(operations(damaged, SOURCE, earlier), [
    "restore a",
    "restore d/b",
    "restore d/link",
  ]);
  const gone = directory({ a: file({ size: 3 }) });
  assertEquals(operations(gone, SOURCE, earlier), [
    "restore d",
    "restore d/b",
    "restore d/link",
  ]);
  const closed = directory({
    ...Object.fromEntries(SOURCE.children),
    a: file({ size: 3, mode: 0 }),
  });
  assertEquals(operations(closed, SOURCE, earlier), ["restore a"]);
  const saved = directory({
    a: file({ size: 4 }),
    d: directory({ b: file(), link: symlink("z"), new: file() }),
  });
  assertEquals(operations(SOURCE, saved, earlier), [
    "modify a",
    "modify d/link",
    "create d/new",
  ]);
});

Deno.test("operationsOf() calls nothing restored that had been left out before", () => {
  const target = directory({ a: file({ size: 3 }) });
  for (const at of ["", "d", "d/b"]) {
    const [dir, b] = operations(target, SOURCE, round(SOURCE, at));
    assertEquals(b, "create d/b", at);
    assertEquals(dir, at === "d/b" ? "restore d" : "create d", at);
  }
});

Deno.test("operationsOf() calls the time of a directory a touch at either side", () => {
  const source = directory({ d: directory({}, { mtime: 5 }) });
  const target = directory({ d: directory({}, { mtime: 6 }) });
  assertEquals(operations(target, source, round(source)), ["touch d"]);
});

Deno.test("operationsOf() says what became of what a file takes the place of", () => {
  const source = directory({ d: file() });
  const target = directory({ d: directory({ c: file() }) });
  assertEquals(operations(target, source), ["modify d", "delete d/c"]);
  assertEquals(operations(target, source, round(source)), [
    "restore d",
    "delete d/c",
  ]);
});

Deno.test("operationsOf() gives the digest where it is known", () => {
  const digest = "5".repeat(64);
  const source = directory({ a: file({ digest }), d: directory() });
  const target = directory({ x: file({ digest: "6".repeat(64) }) });
  const { changes } = diff(target, source, { deletes: true, modes: true });
  const found = [...operationsOf(changes, { modes: true })];
  assertEquals(found.map((it) => [it.path, it.digest, it.carried]), [
    [path("a"), digest, true],
    [path("d"), undefined, false],
    [path("x"), "6".repeat(64), false],
  ]);
});

Deno.test("operationsOf() has one operation for a move, however much moved along", () => {
  const moved = file({ size: 5 });
  const moves = [
    { from: path("e"), to: path("d"), entry: directory({ b: file() }) },
    { from: path("x"), to: path("d/y"), entry: moved },
  ];
  const found = [...operationsOf([], { modes: true, moves })];
  assertEquals(
    found.map(({ name, path, from, kind, file }) => [
      name,
      from,
      path,
      kind,
      file,
    ]),
    [
      ["move", path("e"), path("d"), "directory", undefined],
      ["move", path("x"), path("d/y"), "file", moved],
    ],
  );
});
