import { assertEquals } from "@std/assert";
import type { DirectoryEntry, FileEntry } from "../../../src/core/entry.ts";
import { originsAmong, originsOf } from "../../../src/core/origins.ts";
import { directory, file, path, symlink } from "../../support/trees.ts";

/** The file with this number, made at that moment. */
function known(inode: number, own: Partial<FileEntry> = {}): FileEntry {
  return file({ inode, generation: inode * 10, ...own });
}

/** The directory with this number. */
function place(
  inode: number,
  children: Parameters<typeof directory>[0],
): DirectoryEntry {
  return directory(children, { inode, generation: inode * 10 });
}

type Table = [
  what: string,
  before: DirectoryEntry,
  after: DirectoryEntry,
  origins: Record<string, string>,
][];

const TABLE: Table = [
  ["nothing", place(1, { a: known(2) }), place(1, { a: known(2) }), {}],
  ["a rename", place(1, { a: known(2) }), place(1, { b: known(2) }), {
    b: "a",
  }],
  [
    "another mode, that is no other file",
    place(1, { a: known(2) }),
    place(1, { b: known(2, { mode: 0o600, ctime: 9 }) }),
    { b: "a" },
  ],
  [
    "another size",
    place(1, { a: known(2) }),
    place(1, { b: known(2, { size: 7 }) }),
    {},
  ],
  [
    "another time",
    place(1, { a: known(2) }),
    place(1, { b: known(2, { mtime: 7 }) }),
    {},
  ],
  [
    "a number that was given away again",
    place(1, { a: known(2), d: place(3, {}) }),
    place(1, {
      b: known(2, { generation: 21 }),
      e: directory({}, { inode: 3, generation: 31 }),
    }),
    {},
  ],
  [
    "a generation that nobody knows",
    place(1, { a: known(2, { generation: undefined }) }),
    place(1, { b: known(2, { generation: undefined }) }),
    {},
  ],
  [
    "no number at all",
    place(1, { a: known(2, { inode: 0 }) }),
    place(1, { b: known(2, { inode: 0 }) }),
    {},
  ],
  [
    "a directory, of which what came along is left out",
    place(1, { d: place(2, { a: known(3), e: place(4, { b: known(5) }) }) }),
    place(1, { n: place(2, { a: known(3), e: place(4, { b: known(5) }) }) }),
    { n: "d" },
  ],
  [
    "a directory, and what was renamed in it",
    place(1, { d: place(2, { a: known(3), e: place(4, { b: known(5) }) }) }),
    place(1, { n: place(2, { c: known(3), f: place(4, { b: known(5) }) }) }),
    { n: "d", "n/c": "d/a", "n/f": "d/e" },
  ],
  [
    "out of a directory that goes",
    place(1, { d: place(2, { a: known(3) }) }),
    place(1, { a: known(3) }),
    { a: "d/a" },
  ],
  [
    "into a directory that comes",
    place(1, { a: known(3) }),
    place(1, { d: place(2, { a: known(3) }) }),
    { "d/a": "a" },
  ],
  [
    "a swap",
    place(1, { a: known(2), b: known(3) }),
    place(1, { a: known(3), b: known(2) }),
    { a: "b", b: "a" },
  ],
  [
    "names of one file that came and went",
    place(1, { a: known(2), b: known(2) }),
    place(1, { c: known(2), d: known(2) }),
    {},
  ],
  [
    "one of two names of a file",
    place(1, { a: known(2), b: known(2) }),
    place(1, { a: known(2), c: known(2) }),
    { c: "b" },
  ],
  [
    "a new name of a file that stays",
    place(1, { a: known(2) }),
    place(1, { a: known(2), b: known(2) }),
    {},
  ],
  [
    "a directory that was replaced by another, with what was in it",
    place(1, { d: place(2, { a: known(3) }) }),
    place(1, { d: place(4, { a: known(3) }), e: place(2, {}) }),
    { e: "d" },
  ],
  [
    "a file in the place of a directory, which has its number",
    place(1, { d: place(2, {}) }),
    place(1, { f: known(2) }),
    {},
  ],
  ["links", place(1, { a: symlink("x") }), place(1, { b: symlink("x") }), {}],
];

Deno.test("originsOf() finds what stood elsewhere, and nothing that is only alike", () => {
  for (const [what, before, after, expected] of TABLE) {
    const found = Object.fromEntries(originsOf(before, after));
    assertEquals(found, expected, what);
  }
});

Deno.test("originsAmong() knows files again that changes create", () => {
  const record = { inode: 2, generation: 20, size: 1, mtime: 1_000 };
  const create = (at: string, entry: FileEntry | DirectoryEntry) =>
    ({ path: path(at), old: undefined, new: entry }) as const;
  const memory = [{ ...record, path: path("old") }];
  const table: [string, Parameters<typeof originsAmong>, [string, string][]][] =
    [
      ["a file", [memory, [create("new", known(2))]], [["new", "old"]]],
      [
        "a file in a new directory",
        [memory, [create("d", directory({ new: known(2) }))]],
        [["d/new", "old"]],
      ],
      [
        "another one",
        [memory, [create("new", known(2, { generation: 1 }))]],
        [],
      ],
      [
        "two names",
        [memory, [create("new", known(2)), create("new2", known(2))]],
        [],
      ],
      [
        "what is replaced",
        [memory, [{ path: path("new"), old: file(), new: known(2) }]],
        [],
      ],
      [
        "a record that says two things",
        [
          [...memory, { ...record, path: path("old2") }],
          [create("new", known(2))],
        ],
        [],
      ],
    ];
  for (const [what, args, expected] of table) {
    assertEquals(
      [...originsAmong(...args)],
      expected.map(([to, from]) => [
        path(to),
        path(from),
      ]),
      what,
    );
  }
});
