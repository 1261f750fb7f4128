import { assert, assertEquals, assertThrows } from "@std/assert";
import { shallow } from "../../../src/core/change.ts";
import type {
  DirectoryEntry,
  Entry,
  TrackedEntry,
} from "../../../src/core/entry.ts";
import { type Name, parseRelPath } from "../../../src/core/path.ts";
import { ProtocolError } from "../../../src/errors.ts";
import type { WireChange } from "../../../src/protocol/change_codec.ts";
import { ChangeRebuilder } from "../../../src/session/rebuild_change.ts";
import { directoryOf, fileEntry } from "../../support/fake_endpoint.ts";

const ROOT = directoryOf({
  dir: { file: fileEntry(5, { inode: 7 }), sub: { deep: "1" } },
  file: fileEntry(5, { inode: 8 }),
  link: { kind: "symlink", target: "dir", mtime: 3 },
  odd: { kind: "untracked", reason: "special-file" },
  mixed: { odd: { kind: "problem", message: "unreadable" }, file: "2" },
});
const DIR = ROOT.children.get("dir" as Name) as DirectoryEntry;
const EMPTY: DirectoryEntry = shallow(directoryOf({}));

type Line = readonly [WireChange["kind"], string, TrackedEntry?];

function wire([kind, path, entry]: Line): WireChange {
  const at = parseRelPath(path);
  return kind === "remove"
    ? { kind, path: at }
    : { kind, path: at, entry: entry ?? fileEntry(9) };
}

function rebuild(...lines: Line[]): readonly unknown[] {
  const rebuilder = new ChangeRebuilder(ROOT);
  for (const line of lines) rebuilder.add(wire(line));
  return rebuilder.changes;
}

Deno.test("What is there comes out of the snapshot, with all that it knows", () => {
  const touched = fileEntry(5, { mode: 0o600 });
  assertEquals(
    rebuild(
      ["touch", "dir/file", touched],
      ["put", "dir/new"],
      ["touch", "dir", EMPTY],
      ["put", "file"],
      ["put", "link", EMPTY],
      ["touch", "", EMPTY],
    ),
    [
      {
        path: "dir/file",
        old: fileEntry(5, { inode: 7 }),
        new: touched,
      },
      { path: "dir/new", old: undefined, new: fileEntry(9) },
      { path: "dir", old: shallow(DIR), new: EMPTY },
      { path: "file", old: fileEntry(5, { inode: 8 }), new: fileEntry(9) },
      { path: "link", old: ROOT.children.get("link" as Name), new: EMPTY },
      { path: "", old: shallow(ROOT), new: EMPTY },
    ],
  );
  assertEquals(rebuild(["remove", "dir"]), [
    { path: "dir", old: DIR, new: undefined },
  ]);
  assertEquals(rebuild(["put", "dir"]), [
    { path: "dir", old: DIR, new: fileEntry(9) },
  ]);
});

Deno.test("A change that does not fit the snapshot is refused", () => {
  const table: [string, ...Line[]][] = [
    ["the removal of nothing", ["remove", "nothing"]],
    ["the removal of what takes no part", ["remove", "odd"]],
    ["the removal of a directory with such", ["remove", "mixed"]],
    ["a put over what takes no part", ["put", "odd"]],
    ["a put over a directory with such", ["put", "mixed"]],
    ["a put of a directory over a directory", ["put", "dir", EMPTY]],
    ["a put that changes no content", ["put", "file", fileEntry(5)]],
    ["a touch of nothing", ["touch", "nothing"]],
    ["a touch that changes content", ["touch", "file"]],
    ["a touch that changes the kind", ["touch", "dir"]],
    ["a touch of a link", ["touch", "link"]],
    ["a parent that is not there", ["put", "nothing/file"]],
    ["a parent that is a file", ["put", "file/file"]],
    ["a parent that is a link", ["put", "link/file"]],
    ["the same path twice", ["put", "file"], ["put", "file"]],
    ["a removal and something in it", ["remove", "dir"], ["put", "dir/new"]],
    ["the same the other way round", ["put", "dir/new"], ["remove", "dir"]],
    ["a replacement of a parent's parent", ["put", "dir"], [
      "remove",
      "dir/sub/deep",
    ]],
  ];
  for (const [what, ...lines] of table) {
    assertThrows(() => rebuild(...lines), ProtocolError, undefined, what);
  }
});

Deno.test("A26, A34: a directory that goes as a whole is not looked through again for each in it", () => {
  let visits = 0;
  class Counted extends Map<Name, Entry> {
    override values(): MapIterator<Entry> {
      visits++;
      return super.values();
    }
  }
  const levels = 60;
  let top: DirectoryEntry = EMPTY;
  for (let i = 0; i < levels; i++) {
    top = { ...EMPTY, children: new Counted([["d" as Name, top]]) };
  }
  const rebuilder = new ChangeRebuilder(top);
  assertThrows(
    () => {
      for (let i = 1; i < levels; i++) {
        rebuilder.add(wire(["remove", Array(i).fill("d").join("/")]));
      }
    },
    ProtocolError,
    "replaced as a whole",
  );
  assert(visits < 2 * levels, `${visits} visits`);
});
