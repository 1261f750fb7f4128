import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import type { DirectoryEntry, Entry } from "../../../src/core/entry.ts";
import type { Name } from "../../../src/core/path.ts";
import { ProtocolError } from "../../../src/errors.ts";
import { ByteReader, ByteWriter } from "../../../src/protocol/bytes.ts";
import { readEntry, writeEntry } from "../../../src/protocol/entry_codec.ts";
import { TreeReader, writeTree } from "../../../src/protocol/tree_codec.ts";
import {
  ListingReader,
  writeListings,
} from "../../../src/protocol/listing_codec.ts";
import { MAX_PATH_DEPTH } from "../../../src/protocol/limits.ts";
import { Quota } from "../../../src/protocol/quota.ts";
import { directoryOf, fileEntry } from "../../support/fake_endpoint.ts";
import { bytesOf } from "../../support/session_pair.ts";

const DIGEST = "0123456789abcdef".repeat(4);

const ENTRIES: readonly Entry[] = [
  fileEntry(0),
  fileEntry(Number.MAX_SAFE_INTEGER, { mtime: -1, mode: 0o777 }),
  fileEntry(5, { digest: DIGEST, mtime: 8.64e15 }),
  { kind: "symlink", target: "../somewhere/else", mtime: 0 },
  { kind: "symlink", target: "ü".repeat(2000), mtime: 5 },
  fileEntry(5, { digest: DIGEST, owner: { uid: 0, gid: 2 ** 32 - 2 } }),
  { kind: "symlink", target: "x", mtime: 0, owner: { uid: 1000, gid: 100 } },
  { kind: "untracked", reason: "special-file" },
  { kind: "untracked", reason: "invalid-name" },
  { kind: "untracked", reason: "mount-point" },
  { kind: "untracked", reason: "symlink-skipped" },
  { kind: "untracked", reason: "ignored" },
  { kind: "problem", message: "Cannot read it: no permission" },
];

Deno.test("Every kind of entry comes back as it was", () => {
  for (const form of ["listing", "tree"] as const) {
    for (const entry of ENTRIES) {
      const bytes = bytesOf((writer) => writeEntry(writer, entry, form));
      const reader = new ByteReader(bytes);
      assertEquals(readEntry(reader, form), entry);
      reader.end("an entry");
    }
  }
});

Deno.test("An owner that stands for nobody, or for what has none, is refused", () => {
  for (
    const bytes of [
      [16 | 3, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0],
      [16 | 3, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff],
      [16 | 4, 0, 0, 0, 0, 0, 0, 0, 0, 1],
      [16 | 5, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x41],
      [16 | 3, 0, 0],
    ]
  ) {
    const reader = new ByteReader(new Uint8Array(bytes));
    assertThrows(() => readEntry(reader, "tree"), ProtocolError);
  }
});

Deno.test("What only its own machine knows of a file is not sent", () => {
  const local = fileEntry(3, { ctime: 5, inode: 6 });
  const bytes = bytesOf((writer) => writeEntry(writer, local, "tree"));
  assertEquals(readEntry(new ByteReader(bytes), "tree"), fileEntry(3));
});

Deno.test("A directory has its digest in a listing, and none in a tree", () => {
  const directory = directoryOf({ a: "1" });
  const { mode, mtime, digest } = directory;
  for (const form of ["listing", "tree"] as const) {
    const bytes = bytesOf((writer) => writeEntry(writer, directory, form));
    assertEquals(readEntry(new ByteReader(bytes), form), {
      kind: "directory",
      mode,
      mtime,
      children: new Map(),
      digest: form === "listing" ? digest : undefined,
    });
    const other = form === "listing" ? "tree" : "listing";
    assertThrows(
      () => readEntry(new ByteReader(bytes), other),
      ProtocolError,
      "digest",
    );
  }
});

Deno.test("The message of a problem is cut off where it is too long", () => {
  const entry: Entry = { kind: "problem", message: "x".repeat(5000) };
  const bytes = bytesOf((writer) => writeEntry(writer, entry, "tree"));
  const read = readEntry(new ByteReader(bytes), "tree");
  assertEquals(read, { kind: "problem", message: "x".repeat(1023) + "…" });
});

/** Pages of at most `limit` bytes, cut between records as well as a page allows. */
function pagesOf(
  write: (page: ByteWriter) => Iterable<void>,
): Uint8Array[] {
  const page = new ByteWriter();
  const pages: Uint8Array[] = [];
  for (const _ of write(page)) {
    pages.push(page.bytes.slice());
    page.reset();
  }
  pages.push(page.bytes.slice());
  return pages;
}

Deno.test("Listings come back over many pages, one directory after the other", () => {
  const names = Array.from({ length: 3000 }, (_, i) => `file number ${i}`);
  const directories = [
    directoryOf(Object.fromEntries(names.map((name) => [name, name]))),
    directoryOf({}),
    directoryOf({ sub: { below: "1" }, "zöö": "2" }),
  ];
  const pages = pagesOf((page) => writeListings(page, directories));
  assertEquals(pages.length > 2, true);
  const read = directories.map(() => new Map<Name, Entry>());
  const ended: number[] = [];
  const reader = new ListingReader({
    isRoot: true,
    childrenOf: (place) => read[place]!,
    onEnd: (place) => ended.push(place),
  });
  for (const page of pages) reader.read(new ByteReader(page));
  assertEquals(ended, [0, 1, 2]);
  assertEquals(reader.incomplete, false);
  assertEquals([...read[0]!.keys()], [...directories[0]!.children.keys()]);
  assertEquals(read[1]!.size, 0);
  const sub = directories[2]!.children.get("sub" as Name) as DirectoryEntry;
  assertEquals(read[2]!.get("sub" as Name), { ...sub, children: new Map() });
});

Deno.test("ListingReader refuses entries beyond the number that may come", () => {
  const bytes = pagesOf((page) =>
    writeListings(page, [directoryOf({ a: "", b: "", c: "" })])
  )[0]!;
  const reader = (maxEntries: number): ListingReader =>
    new ListingReader({
      quota: new Quota("entries", maxEntries),
      isRoot: false,
      childrenOf: () => new Map(),
      onEnd: () => {},
    });
  reader(3).read(new ByteReader(bytes));
  assertThrows(
    () => reader(2).read(new ByteReader(bytes)),
    ProtocolError,
    "too many",
  );
});

Deno.test("A tree comes back whole, over many pages", () => {
  const wide = Object.fromEntries(
    Array.from({ length: 2000 }, (_, i) => [`n${i}`, { deep: { x: "1" } }]),
  );
  const tree = directoryOf({ a: { b: {} }, wide, z: "end" });
  const pages = pagesOf((page) => writeTree(page, tree));
  assertEquals(pages.length > 1, true);
  const children = new Map<Name, Entry>();
  const reader = new TreeReader();
  reader.begin(children, 1);
  for (const page of pages) {
    assertStrictEquals(reader.incomplete, true);
    reader.read(new ByteReader(page));
  }
  assertEquals(reader.incomplete, false);
  assertEquals(children, withoutDigests(tree).children as typeof children);
});

Deno.test("TreeReader refuses a tree that is too deep, without recursion", () => {
  const level = bytesOf((writer) => {
    writer.text("d");
    writeEntry(writer, directoryOf({}), "tree");
  });
  const deep = new Uint8Array(level.length * (MAX_PATH_DEPTH + 1));
  for (let at = 0; at < deep.length; at += level.length) deep.set(level, at);
  const reader = new TreeReader();
  reader.begin(new Map(), 0);
  assertThrows(
    () => reader.read(new ByteReader(deep)),
    ProtocolError,
    "deeper",
  );
  const edge = new TreeReader();
  edge.begin(new Map(), 0);
  edge.read(new ByteReader(deep.subarray(level.length)));
});

function withoutDigests(directory: DirectoryEntry): DirectoryEntry {
  const children = new Map<Name, Entry>();
  for (const [name, entry] of directory.children) {
    children.set(
      name,
      entry.kind === "directory" ? withoutDigests(entry) : entry,
    );
  }
  return { ...directory, children, digest: undefined };
}
