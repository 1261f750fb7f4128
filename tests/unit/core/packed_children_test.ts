import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  type DirectoryEntry,
  type Entry,
  type FileEntry,
  IGNORED,
  NO_CHILDREN,
} from "../../../src/core/entry.ts";
import {
  ChildrenPacker,
  filesAmong,
  haveDigests,
  mergePacked,
  othersAmong,
} from "../../../src/core/packed_children.ts";
import type { Name } from "../../../src/core/path.ts";
import { Random } from "../../support/random.ts";

type Children = DirectoryEntry["children"];

const FILE: FileEntry = {
  kind: "file",
  size: 5,
  mtime: 1_600_000_000_123,
  mode: 0o644,
  digest: undefined,
  ctime: 1_600_000_000_456,
  inode: 77,
  generation: 9,
};

const DIRECTORY: DirectoryEntry = {
  kind: "directory",
  mode: 0o755,
  mtime: 1,
  children: NO_CHILDREN,
  digest: "00".repeat(32),
  inode: 3,
  generation: 4,
};

function childrenOf(entries: Record<string, Entry>): Children {
  return new Map(Object.entries(entries) as [Name, Entry][]);
}

/** Of every kind, and files at the limits of what is packed. */
const ALL = childrenOf({
  "a": FILE,
  "b": DIRECTORY,
  "c": { kind: "symlink", target: "/x/y", mtime: 0 },
  "d": IGNORED,
  "e": { kind: "problem", message: "no" },
  "f": { ...FILE, size: 0, mtime: -1.5, ctime: 0, inode: 0, mode: 0 },
  "g": { ...FILE, size: 2 ** 53 - 1, inode: 2 ** 64, mode: 0o777 },
  "h": { ...FILE, generation: undefined },
  "i": { ...FILE, generation: 0 },
  "j": { ...FILE, generation: 2 ** 31 - 1, digest: "ab".repeat(32) },
  "k": { ...FILE, owner: { uid: 0, gid: 2 ** 32 - 2 } },
  "l": { ...FILE, digest: "cd".repeat(32), owner: { uid: 1, gid: 2 } },
  // A foreign file, and what no scan should ever say: kept whole.
  "m": { ...FILE, ctime: undefined, inode: undefined },
  "n": { ...FILE, mode: 0o1000 },
  "o": { ...FILE, mode: 1.5 },
  "p": { ...FILE, generation: -1 },
  "q": { ...FILE, generation: 2 ** 32 },
  "\u{1f600}é": { ...FILE, size: 1 },
});

function pack(children: Children): Children {
  return new ChildrenPacker().pack(children);
}

Deno.test("what is packed is what was packed, in its order", () => {
  const all = [...ALL];
  assertEquals([...pack(ALL)], all);
  assertEquals([...pack(ALL).entries()], all);
  assertEquals([...pack(ALL).keys()], all.map(([name]) => name));
  assertEquals([...pack(ALL).values()], all.map(([, entry]) => entry));
  const seen: [Name, Entry][] = [];
  const packed = pack(ALL);
  packed.forEach(function (this: unknown, entry, name, children): void {
    assertStrictEquals(this, seen);
    assertStrictEquals(children, packed);
    seen.push([name, entry]);
  }, seen);
  assertEquals(seen, all);
  for (const [name, entry] of ALL) {
    assertEquals(pack(ALL).get(name), entry);
    assert(pack(ALL).has(name));
  }
  assertEquals(pack(ALL).get("zz" as Name), undefined);
  assertEquals(pack(ALL).has("zz" as Name), false);
  assertEquals(pack(ALL).size, ALL.size);
});

Deno.test("an empty directory is the empty one", () => {
  assertStrictEquals(pack(new Map()), NO_CHILDREN);
});

Deno.test("what is packed gives the same objects each time", () => {
  const packed = pack(ALL);
  const first = packed.get("a" as Name);
  assertStrictEquals(packed.get("a" as Name), first);
  assertStrictEquals(new Map(packed).get("a" as Name), first);
  assertStrictEquals(packed.get("b" as Name), ALL.get("b" as Name));
  assertStrictEquals(packed.get("d" as Name), IGNORED);
});

Deno.test("directories of one packer do not get into each other's way", () => {
  const random = new Random(1);
  const packer = new ChildrenPacker();
  const pairs: [Children, Children][] = [];
  // Some are longer than the longest block.
  for (const length of [1, 3, 120, 1, 5000, 2, 900, 900, 7]) {
    const children = new Map<Name, Entry>();
    for (let i = 0; i < length; i++) {
      children.set(`f${i}` as Name, {
        ...FILE,
        size: random.below(1000),
        inode: random.below(2 ** 31),
        digest: random.below(2) === 0 ? undefined : random.bytes(32).toHex(),
      });
    }
    pairs.push([children, packer.pack(children)]);
  }
  for (const [children, packed] of pairs.reverse()) {
    assertEquals([...packed], [...children]);
  }
});

Deno.test("othersAmong() finds the same in what is packed and what is not", () => {
  const others = [...ALL].filter(([, { kind }]) => kind !== "file");
  const packed = pack(ALL);
  assertEquals([...othersAmong(packed)] as [Name, Entry][], others);
  assertEquals([...othersAmong(ALL)] as [Name, Entry][], others);
  packed.get("a" as Name);
  assertEquals([...othersAmong(packed)] as [Name, Entry][], others);
  assertEquals([...othersAmong(NO_CHILDREN)], []);
  assertEquals([...othersAmong(pack(childrenOf({ a: FILE })))], []);
});

Deno.test("filesAmong() finds the same in what is packed and what is not", () => {
  const unpacked = pack(ALL);
  unpacked.has("a" as Name);
  const tests: ((size: number, inode: number | undefined) => boolean)[] = [
    (size) => size >= 0,
    (size) => size >= 5,
    (size) => size > 2 ** 52,
    (size) => size < 0,
    (_, inode) => inode === 77,
    (_, inode) => inode === 0,
    (_, inode) => inode === undefined,
  ];
  for (const isWanted of tests) {
    const wanted = [...ALL].filter(([, entry]) =>
      entry.kind === "file" && isWanted(entry.size, entry.inode)
    );
    for (const form of [ALL, pack(ALL), unpacked]) {
      const found = [...filesAmong(form, isWanted)] as [Name, Entry][];
      const byName = new Map(found);
      assertEquals(found.length, wanted.length);
      for (const [name, entry] of wanted) {
        assertEquals(byName.get(name), entry);
      }
    }
  }
});

Deno.test("filesAmong() finds all, also where its user has them unpacked meanwhile", () => {
  const foreign = { ...FILE, ctime: undefined, inode: undefined };
  const packed = pack(childrenOf({ a: FILE, b: foreign, c: FILE }));
  const names: Name[] = [];
  for (const [name] of filesAmong(packed, () => true)) {
    packed.get(name);
    names.push(name);
  }
  assertEquals(names.sort() as string[], ["a", "b", "c"]);
});

Deno.test("what is too much to be unpacked in a moment stays as it is", () => {
  const children = new Map<Name, Entry>();
  for (let i = 0; i < 10_001; i++) children.set(`f${i}` as Name, FILE);
  assertStrictEquals(pack(children), children);
});

Deno.test("haveDigests() misses one wherever it is missing", () => {
  const known = { ...FILE, digest: "ab".repeat(32) };
  const foreign = { ...known, ctime: undefined, inode: undefined };
  const unread = { ...foreign, digest: undefined };
  const cases: [Record<string, Entry>, boolean][] = [
    [{}, true],
    [{ d: DIRECTORY, l: IGNORED }, true],
    [{ a: known, d: DIRECTORY, f: foreign }, true],
    [{ a: known, b: FILE }, false],
    [{ a: FILE, b: known }, false],
    [{ a: FILE, d: DIRECTORY }, false],
    [{ a: known, f: unread }, false],
  ];
  for (const [entries, expected] of cases) {
    const children = childrenOf(entries);
    const unpacked = pack(children);
    unpacked.has("a" as Name);
    for (const form of [children, pack(children), unpacked]) {
      assertEquals(haveDigests(form), expected);
    }
  }
});

Deno.test("mergePacked() keeps what is equal, and tells what is not", () => {
  const never = (): Entry => {
    throw new Error("there is nothing to merge");
  };
  const first = (before: Entry): Entry => before;
  const second = (_: Entry, entry: Entry): Entry => entry;
  const files = childrenOf({ a: FILE, b: { ...FILE, size: 6 } });
  const one = pack(files);
  assertStrictEquals(mergePacked(one, pack(files), never), one);
  // Each of these is a difference in a file, or in where there is one.
  const others: Record<string, Entry>[] = [
    { a: FILE },
    { a: FILE, c: { ...FILE, size: 6 } },
    { a: FILE, b: { ...FILE, size: 7 } },
    { a: FILE, b: { ...FILE, size: 6, mtime: 0 } },
    { a: FILE, b: { ...FILE, size: 6, ctime: 0 } },
    { a: FILE, b: { ...FILE, size: 6, inode: 78 } },
    { a: FILE, b: { ...FILE, size: 6, mode: 0o600 } },
    { a: FILE, b: { ...FILE, size: 6, generation: undefined } },
    { a: FILE, b: { ...FILE, size: 6, digest: "ab".repeat(32) } },
    { a: FILE, b: { ...FILE, size: 6, owner: { uid: 0, gid: 0 } } },
    { a: FILE, b: DIRECTORY },
  ];
  for (const other of others) {
    const packed = pack(childrenOf(other));
    assertEquals(mergePacked(one, packed, never), undefined);
    assertEquals(mergePacked(packed, one, never), undefined);
  }
  // Who is not packed is not compared.
  assertEquals(mergePacked(files, pack(files), never), undefined);
  assertEquals(mergePacked(pack(files), files, never), undefined);
  const unpacked = pack(files);
  unpacked.get("a" as Name);
  assertEquals(mergePacked(one, unpacked, never), undefined);

  const before = pack(childrenOf({ a: FILE, d: DIRECTORY, l: IGNORED }));
  const changed = { ...DIRECTORY, mtime: 2 };
  const now = pack(childrenOf({ a: FILE, d: changed, l: IGNORED }));
  assertStrictEquals(mergePacked(before, now, first), before);
  const merged = mergePacked(before, now, second)!;
  assertEquals([...merged], [...now]);
  assertStrictEquals(merged.get("d" as Name), changed);
});
