import { assertEquals, assertThrows } from "@std/assert";
import { type Change, shallow } from "../../../src/core/change.ts";
import type { DirectoryEntry } from "../../../src/core/entry.ts";
import { parseRelPath } from "../../../src/core/path.ts";
import { ProtocolError } from "../../../src/errors.ts";
import { ByteReader, ByteWriter } from "../../../src/protocol/bytes.ts";
import {
  ChangeReader,
  type WireChange,
  writeChanges,
} from "../../../src/protocol/change_codec.ts";
import { directoryOf, fileEntry } from "../../support/fake_endpoint.ts";

function pagesOf(changes: readonly Change[]): Uint8Array[] {
  const page = new ByteWriter();
  const pages: Uint8Array[] = [];
  for (const _ of writeChanges(page, changes)) {
    pages.push(page.bytes.slice());
    page.reset();
  }
  pages.push(page.bytes.slice());
  return pages;
}

function readAll(pages: readonly Uint8Array[]): WireChange[] {
  const reader = new ChangeReader();
  const changes = pages.flatMap((page) => [
    ...reader.read(new ByteReader(page)),
  ]);
  assertEquals(reader.incomplete, false);
  return changes;
}

function change(
  path: string,
  old: Change["old"],
  wanted: Change["new"],
): Change {
  return { path: parseRelPath(path), old, new: wanted };
}

const LINK = { kind: "symlink", target: "x", mtime: 7 } as const;

Deno.test("Changes travel as what is to be there, without what is", () => {
  const old = directoryOf({ gone: "1" });
  const put = fileEntry(4, { mtime: 2 });
  const changes = [
    change("a/b/create", undefined, fileEntry(3)),
    change("a/b/flip", old, LINK),
    change("a/b/remove", old, undefined),
    change("a/b/replace", fileEntry(4), put),
    change("a/b/touch", fileEntry(3), fileEntry(3, { mode: 0o600 })),
    change("a/b", shallow(old), shallow(directoryOf({}))),
    change("", shallow(old), shallow(directoryOf({}))),
  ];
  const empty: DirectoryEntry = {
    ...directoryOf({}),
    children: new Map(),
    digest: undefined,
  };
  assertEquals(readAll(pagesOf(changes)), [
    { kind: "put", path: parseRelPath("a/b/create"), entry: fileEntry(3) },
    { kind: "put", path: parseRelPath("a/b/flip"), entry: LINK },
    { kind: "remove", path: parseRelPath("a/b/remove") },
    { kind: "put", path: parseRelPath("a/b/replace"), entry: put },
    {
      kind: "touch",
      path: parseRelPath("a/b/touch"),
      entry: fileEntry(3, { mode: 0o600 }),
    },
    { kind: "touch", path: parseRelPath("a/b"), entry: empty },
    { kind: "touch", path: parseRelPath(""), entry: empty },
  ]);
});

Deno.test("A new directory travels with all that is in it, over many pages", () => {
  const names = Array.from({ length: 3000 }, (_, i) => `file ${i}`);
  const tree = directoryOf({
    before: "1",
    many: Object.fromEntries(names.map((name) => [name, name])),
    nested: { deeper: { end: "2" }, empty: {} },
  });
  const pages = pagesOf([
    change("new", undefined, tree),
    change("next", undefined, LINK),
  ]);
  assertEquals(pages.length > 2, true);
  const [first, second] = readAll(pages);
  assertEquals(second?.path, parseRelPath("next"));
  const entry = first?.kind === "put" ? first.entry : undefined;
  const expected = JSON.stringify(tree, mapsAsObjects);
  assertEquals(JSON.stringify(entry, mapsAsObjects), expected);
});

Deno.test("Paths in an awkward order still come back", () => {
  const paths = ["a/b", "a", "ab/c", "a/b/c/d", "a/b/c/dé", "é/ü", "x"];
  const changes = paths.map((path) => change(path, undefined, LINK));
  assertEquals(readAll(pagesOf(changes)).map(({ path }) => path), [
    ...changes.map(({ path }) => path),
  ]);
});

Deno.test("ChangeReader says so when the pages end within a change", () => {
  const [page] = pagesOf([
    change("new", undefined, directoryOf({ a: "1" })),
  ]);
  const reader = new ChangeReader();
  const cut = new ByteReader(page!.subarray(0, page!.length - 1));
  assertEquals([...reader.read(cut)], []);
  assertEquals(reader.incomplete, true);
});

Deno.test("ChangeReader refuses what can't be a change", () => {
  const table: [string, (page: ByteWriter) => void][] = [
    ["an unknown kind", (page) => page.u8(4)],
    ["removal of the root", (page) => put(page, 3, 0, "")],
    ["a new root", (page) => put(page, 1, 0, "")],
    ["the reserved name", (page) => put(page, 3, 0, ".lockstep")],
    ["below the reserved name", (page) => put(page, 3, 0, ".lockstep/x")],
    ["a prefix of nothing", (page) => put(page, 3, 1, "a")],
  ];
  for (const [what, write] of table) {
    const page = new ByteWriter();
    write(page);
    assertThrows(
      () => [...new ChangeReader().read(new ByteReader(page.bytes))],
      ProtocolError,
      undefined,
      what,
    );
  }

  function put(
    page: ByteWriter,
    kind: number,
    shared: number,
    rest: string,
  ): void {
    page.u8(kind);
    page.varint(shared);
    page.text(rest);
  }
});

function mapsAsObjects(key: string, value: unknown): unknown {
  if (key === "digest") return undefined;
  return value instanceof Map ? Object.fromEntries(value) : value;
}
