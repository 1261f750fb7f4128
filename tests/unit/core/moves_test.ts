import { assertEquals } from "@std/assert";
import type { DirectoryEntry } from "../../../src/core/entry.ts";
import { applyMoves, findMoves, madeBy } from "../../../src/core/moves.ts";
import type { RelPath } from "../../../src/core/path.ts";
import {
  directory,
  file,
  path,
  problem,
  untracked,
} from "../../support/trees.ts";

const FILE = file();
const TREE = directory({ x: file({ size: 2 }) });

type Table = [
  what: string,
  there: DirectoryEntry,
  here: DirectoryEntry,
  origins: Record<string, string>,
  moves: string[],
][];

const TABLE: Table = [
  ["a file", directory({ a: FILE }), directory({ b: FILE }), { b: "a" }, [
    "a -> b",
  ]],
  [
    "a file that the target has otherwise",
    directory({ a: file({ size: 2 }) }),
    directory({ b: FILE }),
    { b: "a" },
    [],
  ],
  [
    "a file with another digest",
    directory({ a: file({ digest: "1" }) }),
    directory({ b: file({ digest: "2" }) }),
    { b: "a" },
    [],
  ],
  [
    "what the target does not have",
    directory(),
    directory({ b: FILE }),
    { b: "a" },
    [],
  ],
  [
    "what is of another kind there",
    directory({ a: FILE, d: TREE }),
    directory({ b: TREE, f: FILE }),
    { b: "a", f: "d" },
    [],
  ],
  [
    "a new path that is taken",
    directory({ a: FILE, b: file({ size: 2 }) }),
    directory({ b: FILE }),
    { b: "a" },
    [],
  ],
  [
    "a new path in what is no directory",
    directory({ a: FILE, d: file({ size: 2 }) }),
    directory({ d: directory({ b: FILE }) }),
    { "d/b": "a" },
    [],
  ],
  [
    "an old path that stays",
    directory({ a: FILE }),
    directory({ a: file({ size: 2 }), b: FILE }),
    { b: "a" },
    [],
  ],
  [
    "an old path that the source could not look at",
    directory({ d: directory({ a: FILE }) }),
    directory({ d: problem(), b: FILE }),
    { b: "d/a" },
    [],
  ],
  [
    "an old path that the source ignores",
    directory({ d: directory({ a: FILE }) }),
    directory({ d: untracked("ignored"), b: FILE }),
    { b: "d/a" },
    [],
  ],
  [
    "an old path below what is a file now",
    directory({ d: directory({ a: FILE }) }),
    directory({ d: file({ size: 3 }), b: FILE }),
    { b: "d/a" },
    ["d/a -> b"],
  ],
  [
    "missing directories",
    directory({ a: FILE, b: file({ size: 2 }) }),
    directory({
      n: directory({ m: directory({ a: FILE, b: file({ size: 2 }) }) }),
    }),
    { "n/m/a": "a", "n/m/b": "b" },
    ["a -> n/m/a (2)", "b -> n/m/b"],
  ],
  [
    "directories first, and files from where they are then",
    directory({ d: directory({ x: FILE, y: FILE }), z: FILE }),
    directory({ a: FILE, n: directory({ y: FILE, z: FILE }) }),
    { a: "d/x", n: "d", "n/z": "z" },
    ["d -> n", "n/x -> a", "z -> n/z"],
  ],
  [
    "a directory that holds what is left alone",
    directory({ d: directory({ x: FILE, u: untracked() }) }),
    directory({ n: directory({ x: FILE }) }),
    { n: "d" },
    [],
  ],
  [
    "a directory into itself",
    directory({ d: TREE }),
    directory({ d: directory({ d: TREE }) }),
    { "d/d": "d" },
    [],
  ],
];

Deno.test("findMoves() takes what can be renamed, and nothing else", () => {
  for (const [what, there, here, origins, expected] of TABLE) {
    const known = new Map(
      Object.entries(origins) as [RelPath, RelPath][],
    );
    const { moves } = findMoves(there, here, known);
    const found = moves.map(({ from, to, parents }) =>
      `${from} -> ${to}${parents.length > 0 ? ` (${parents.length})` : ""}`
    );
    assertEquals(found, expected, what);
  }
});

Deno.test("applyMoves() gives files their new ctime, and directories their names in order", () => {
  const there = directory({ a: file({ ctime: 1 }), z: FILE });
  const here = directory({
    n: directory({ a: FILE }, { mode: 0o700, mtime: 7 }),
    z: FILE,
  });
  const { moves } = findMoves(there, here, new Map([[path("n/a"), path("a")]]));
  const after = applyMoves(there, moves, [2]);
  assertEquals(
    after,
    directory({
      n: directory({ a: file({ ctime: 2 }) }, { mode: 0o700, mtime: 7 }),
      z: FILE,
    }),
  );
  assertEquals([...after.children.keys()] as string[], ["n", "z"]);
  assertEquals([...madeBy(moves)], [{
    path: path("n"),
    old: undefined,
    new: directory({}, { mode: 0o700, mtime: 7 }),
  }]);
});
