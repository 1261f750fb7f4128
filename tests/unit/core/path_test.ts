import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  comparePaths,
  displayPath,
  isWithin,
  join,
  MAX_NAME_BYTES,
  MAX_PATH_DEPTH,
  MAX_PATH_LENGTH,
  nameOf,
  namesOf,
  parentOf,
  parseName,
  parseRelPath,
  quote,
  type RelPath,
  ROOT,
} from "../../../src/core/path.ts";
import { UnsafePathError } from "../../../src/errors.ts";

const HOSTILE: readonly string[] = [
  "/",
  "/etc/x",
  "//x",
  "a/",
  "a//b",
  "a/./b",
  "./a",
  "a/.",
  ".",
  "..",
  "../x",
  "a/../b",
  "a/..",
  "a/b/../../..",
  "\0",
  "a\0b",
  "a/b\0",
  "\ud800",
  "a/\udc00b",
  "x".repeat(MAX_NAME_BYTES + 1),
  "é".repeat(MAX_NAME_BYTES / 2 + 1),
  "a/".repeat(MAX_PATH_DEPTH) + "a",
  `${"a".repeat(511)}/`.repeat(MAX_PATH_LENGTH / 512) + "a",
];

const LEGAL: readonly string[] = [
  "a",
  "a/b/c",
  "...",
  "..a",
  ".a",
  "a..",
  " ",
  "-rf",
  "~",
  "C:",
  "a\\..\\b",
  "CON",
  "%2e%2e",
  "a\nb",
  "\u202e",
  "__proto__/constructor",
  "👍/\u{10ffff}",
  "x".repeat(MAX_NAME_BYTES),
  "é".repeat(MAX_NAME_BYTES / 2),
  "a/".repeat(MAX_PATH_DEPTH - 1) + "a",
  `${"a".repeat(511)}/`.repeat(MAX_PATH_LENGTH / 512 - 1) + "a".repeat(512),
];

Deno.test("parseRelPath() refuses what could leave the root or is not canonical", () => {
  for (const text of HOSTILE) {
    assertThrows(() => parseRelPath(text), UnsafePathError, "Unsafe path");
  }
});

Deno.test("parseRelPath() returns every legal path unchanged", () => {
  for (const text of LEGAL) assertEquals<string>(parseRelPath(text), text);
  assertEquals(parseRelPath(""), ROOT);
});

Deno.test("parseName() takes one component only", () => {
  for (const text of ["", "a/b", "/", "..", ".", "a\0"]) {
    assertThrows(() => parseName(text), UnsafePathError);
  }
  assertEquals<string>(parseName(".lockstep"), ".lockstep");
});

Deno.test("an error about a path shows it escaped and shortened", () => {
  const error = assertThrows(
    () => parseRelPath(`/\u001b[31m${"x".repeat(5_000)}`),
    UnsafePathError,
  );
  assert(!error.message.includes("\u001b"), error.message);
  assert(error.message.length < 500, error.message);
});

Deno.test("a path comes apart and together again", () => {
  for (const text of LEGAL) {
    const path = parseRelPath(text);
    const parent = parentOf(path);
    assert(parent !== undefined);
    assertEquals(join(parent, nameOf(path)), path);
    assertEquals(namesOf(path).reduce(join, ROOT), path);
  }
  assertEquals(parentOf(ROOT), undefined);
  assertEquals(namesOf(ROOT), []);
  assertThrows(() => nameOf(ROOT), RangeError);
});

Deno.test("isWithin() goes by whole components", () => {
  const table: [string, string, boolean][] = [
    ["a/b", "a", true],
    ["a", "a", true],
    ["a", "", true],
    ["", "", true],
    ["", "a", false],
    ["ab", "a", false],
    ["a", "a/b", false],
    ["a/bc", "a/b", false],
  ];
  for (const [path, ancestor, expected] of table) {
    assertEquals(
      isWithin(parseRelPath(path), parseRelPath(ancestor)),
      expected,
      `${path} within ${ancestor}`,
    );
  }
});

Deno.test("comparePaths() puts a directory directly before what it holds", () => {
  const sorted = ["", "a", "a/b", "a/b/c", "a/z", "a b", "a!", "b", "ä"];
  const mixed = [...sorted].reverse() as RelPath[];
  // By component, " " and "!" come after the end of "a".
  assertEquals<string[]>(mixed.sort(comparePaths), [
    "",
    "a",
    "a/b",
    "a/b/c",
    "a/z",
    "a b",
    "a!",
    "b",
    "ä",
  ]);
});

Deno.test("displayPath() quotes only what would be misread", () => {
  const table: [string, string][] = [
    ["", "."],
    ["a/b c", "a/b c"],
    [" a", '" a"'],
    ["a ", '"a "'],
    ["a\nb", '"a\\nb"'],
    ["\u001b[31m", '"\\u001b[31m"'],
    ["\u202etxt", '"\\u202etxt"'],
    ["\u009b2J", '"\\u009b2J"'],
    ['a"b', '"a\\"b"'],
    ["日本語", "日本語"],
  ];
  for (const [path, shown] of table) assertEquals(displayPath(path), shown);
});

Deno.test("quote() shows at most 300 characters", () => {
  assert(quote("x".repeat(1_000_000)).length < 310);
  assertEquals(quote("\ud800"), '"\\ud800"');
});
