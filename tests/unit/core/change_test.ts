import { assertEquals } from "@std/assert";
import {
  type Change,
  filesOf,
  isTouch,
  sameContent,
  shallow,
  totalsAfter,
  totalsOfChanges,
} from "../../../src/core/change.ts";
import {
  type FileEntry,
  totalsOf,
  type TrackedEntry,
} from "../../../src/core/entry.ts";
import {
  directory,
  file,
  path,
  problem,
  symlink,
  untracked,
} from "../../support/trees.ts";

Deno.test("sameContent() goes by digest where both have one, else by size and mtime", () => {
  const a = "a".repeat(64);
  const b = "b".repeat(64);
  const table: [Partial<FileEntry>, Partial<FileEntry>, boolean][] = [
    [{}, {}, true],
    [{}, { mode: 0o600 }, true],
    [{}, { mtime: 2 }, false],
    [{}, { size: 2 }, false],
    [{ digest: a }, { digest: a, mtime: 2 }, true],
    [{ digest: a }, { digest: b }, false],
    [{ digest: a }, { digest: a, size: 2 }, false],
    [{ digest: a }, {}, true],
    [{ digest: a }, { mtime: 2 }, false],
  ];
  for (const [one, two, expected] of table) {
    assertEquals(sameContent(file(one), file(two)), expected);
    assertEquals(sameContent(file(two), file(one)), expected);
  }
});

Deno.test("isTouch() is true only where mode and mtime are all there is to set", () => {
  const table: [TrackedEntry | undefined, TrackedEntry | undefined, boolean][] =
    [
      [file(), file({ mode: 0o600 }), true],
      [file({ digest: "x" }), file({ digest: "x", mtime: 2 }), true],
      [file(), file({ mtime: 2 }), false],
      [file(), file({ size: 2 }), false],
      [directory(), directory({}, { mtime: 2 }), true],
      [symlink("x"), symlink("x", 2), false],
      [file(), directory(), false],
      [directory(), file(), false],
      [undefined, file(), false],
      [file(), undefined, false],
    ];
  for (const [old, wanted, expected] of table) {
    assertEquals(isTouch(change("a", old, wanted)), expected);
  }
});

Deno.test("filesOf() numbers the files depth first, in name order, over all changes", () => {
  const changes = [
    change("gone", directory({ x: file() }), undefined),
    change(
      "new",
      undefined,
      directory({
        b: file({ size: 2 }),
        a: directory({ z: file({ size: 1 }), l: symlink("x"), e: directory() }),
        c: file({ size: 3 }),
      }),
    ),
    change("touched", file(), file({ mode: 0o600 })),
    change("replaced", file(), file({ size: 4 })),
    change("flipped", symlink("x"), file({ size: 5 })),
    change("flipped too", file(), symlink("x")),
    change("", directory(), directory({}, { mtime: 9 })),
  ];
  assertEquals(
    [...filesOf(changes)].map((it) => [it.index, it.path, it.entry.size]),
    [
      [0, path("new/a/z"), 1],
      [1, path("new/b"), 2],
      [2, path("new/c"), 3],
      [3, path("replaced"), 4],
      [4, path("flipped"), 5],
    ],
  );
});

Deno.test("filesOf() finds a file 2,000 levels deep", () => {
  let tree = directory({ bottom: file() });
  for (let i = 0; i < 2_000; i++) tree = directory({ d: tree });
  assertEquals([...filesOf([change("top", undefined, tree)])].length, 1);
});

Deno.test("totalsOfChanges() counts entries by what becomes of them", () => {
  const tree = directory({
    a: file({ size: 7 }),
    b: directory(),
    c: symlink(""),
  });
  const table: [
    string,
    Change[],
    Partial<ReturnType<typeof totalsOfChanges>>,
  ][] = [
    ["nothing", [], {}],
    ["a new tree", [change("t", undefined, tree)], {
      created: 4,
      files: 1,
      bytes: 7,
    }],
    ["a tree that goes", [change("t", tree, undefined)], { deleted: 4 }],
    ["a file replaced", [change("f", file(), file({ size: 9 }))], {
      replaced: 1,
      files: 1,
      bytes: 9,
    }],
    ["a file touched", [change("f", file(), file({ mode: 0 }))], {
      touched: 1,
    }],
    [
      "a directory touched",
      [change("", directory({}, { mtime: 0 }), shallow(tree))],
      { touched: 1 },
    ],
    ["a directory set back", [change("", directory(), shallow(tree))], {}],
    ["a link replaced", [change("l", symlink("a"), symlink("b"))], {
      replaced: 1,
    }],
    ["a directory instead of a file", [change("t", file(), tree)], {
      created: 3,
      replaced: 1,
      files: 1,
      bytes: 7,
    }],
    ["a file instead of a directory", [change("t", tree, file())], {
      replaced: 1,
      deleted: 3,
      files: 1,
      bytes: 1,
    }],
  ];
  for (const [name, changes, expected] of table) {
    const none = { created: 0, replaced: 0, touched: 0, deleted: 0, moved: 0 };
    assertEquals(
      totalsOfChanges(changes),
      { ...none, files: 0, bytes: 0, ...expected },
      name,
    );
  }
});

Deno.test("totalsAfter() counts a tree after changes, and with a sign before them", () => {
  const sub = directory({ x: file({ size: 3 }), l: symlink("x") });
  const before = directory({
    gone: sub,
    grown: file({ size: 2 }),
    flipped: file({ size: 4 }),
    touched: sub,
  });
  const touched = { ...sub, mtime: 9 };
  const after = directory({
    grown: file({ size: 5 }),
    flipped: sub,
    touched,
    made: symlink("y"),
  });
  const changes = [
    change("gone", sub, undefined),
    change("grown", file({ size: 2 }), file({ size: 5 })),
    change("flipped", file({ size: 4 }), sub),
    change("touched", sub, shallow(touched)),
    change("made", undefined, symlink("y")),
  ];
  assertEquals(totalsAfter(totalsOf(before), changes), totalsOf(after));
  assertEquals(totalsAfter(totalsOf(after), changes, -1), totalsOf(before));
});

Deno.test("shallow() keeps mode and mtime only", () => {
  const full = directory({ a: file(), b: untracked(), c: problem() }, {
    mode: 0o700,
    mtime: 5,
    digest: "x",
  });
  assertEquals(shallow(full), directory({}, { mode: 0o700, mtime: 5 }));
});

function change(
  at: string,
  old: TrackedEntry | undefined,
  wanted: TrackedEntry | undefined,
): Change {
  return { path: path(at), old, new: wanted };
}
