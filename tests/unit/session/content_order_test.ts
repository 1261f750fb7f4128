import { assertEquals } from "@std/assert";
import {
  type Change,
  countPlannedFiles,
  filesOf,
  shallow,
} from "../../../src/core/change.ts";
import { parseRelPath } from "../../../src/core/path.ts";
import type { Want } from "../../../src/core/piece.ts";
import {
  type ExpectedFile,
  expectedFiles,
} from "../../../src/session/content_order.ts";
import { directoryOf, fileEntry } from "../../support/fake_endpoint.ts";

const TREE = directoryOf({ a: { b: { c: "1", d: "22" }, e: "333" }, f: "" });

const CHANGES: readonly Change[] = [
  { path: parseRelPath("new"), old: undefined, new: TREE },
  { path: parseRelPath("touched"), old: fileEntry(8), new: fileEntry(8) },
  { path: parseRelPath("replaced"), old: TREE, new: fileEntry(9) },
  { path: parseRelPath("gone"), old: TREE, new: undefined },
  {
    path: parseRelPath("link"),
    old: undefined,
    new: { kind: "symlink", target: "x", mtime: 0 },
  },
  { path: parseRelPath("more"), old: undefined, new: TREE },
  { path: parseRelPath(""), old: shallow(TREE), new: shallow(TREE) },
];

const resume = undefined;

Deno.test("Files are numbered as filesOf() does", () => {
  const files = [...filesOf(CHANGES)];
  assertEquals(countPlannedFiles(CHANGES), files.length);
  const all: Want[] = [{ first: 0, count: files.length, resume }];
  assertEquals<ExpectedFile[]>(
    [...expectedFiles(CHANGES, all)],
    files.map(({ index, entry: { size } }) => ({ index, size, resume })),
  );
});

Deno.test("Only wanted files are expected, and where they may be resumed", () => {
  const place = { offset: 1, digest: "00".repeat(32) };
  const wants: Want[] = [
    { first: 1, count: 2, resume },
    { first: 3, count: 1, resume },
    { first: 6, count: 1, resume: place },
  ];
  assertEquals(
    [...expectedFiles(CHANGES, wants)].map((file) => [
      file.index,
      file.resume?.offset,
    ]),
    [[1, undefined], [2, undefined], [3, undefined], [6, 1]],
  );
  assertEquals([...expectedFiles(CHANGES, [])], []);
});
