import { assertEquals, assertThrows } from "@std/assert";
import { parseIgnoreFile, patternsIn } from "../../../src/core/ignore_file.ts";
import { SyncError } from "../../../src/errors.ts";

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Each text, and its patterns with their lines. */
const TEXTS: readonly (readonly [string, readonly [string, number][]])[] = [
  ["", []],
  ["\n\n", []],
  ["a\nb\n", [["a", 1], ["b", 2]]],
  ["a\n\nb", [["a", 1], ["b", 3]]],
  ["# a\n#\nb\n", [["b", 3]]],
  [" # a\n", [[" # a", 1]]],
  ["\\#a\n\\!b\n", [["\\#a", 1], ["\\!b", 2]]],
  ["a  \n", [["a", 1]]],
  ["a\\ \n", [["a\\ ", 1]]],
  ["a\\   \n", [["a\\ ", 1]]],
  ["a\\\\  \n", [["a\\\\", 1]]],
  ["a\t\n", [["a\t", 1]]],
  [" a\n", [[" a", 1]]],
  ["   \n", []],
  ["a\r\nb\r", [["a", 1], ["b", 2]]],
  ["a \r\n", [["a", 1]]],
  ["a\r\r\n", [["a\r", 1]]],
  ["\r\n", []],
  ["\ufeffa\n", [["a", 1]]],
  ["\ufeff# a\n", []],
  ["a\n\ufeffb\n", [["a", 1], ["\xef\xbb\xbfb", 2]]],
  ["a\0b\nc\n", [["a", 1], ["c", 2]]],
  ["ä\n", [["\xc3\xa4", 1]]],
];

for (const [text, patterns] of TEXTS) {
  Deno.test(`the ignore file ${JSON.stringify(text)} has its patterns`, () => {
    const found = patternsIn(bytes(text), "f");
    assertEquals(found.map((p) => [p.pattern, p.line]), [...patterns]);
  });
}

Deno.test("an ignore file need not be UTF-8", () => {
  const [rule] = parseIgnoreFile(Uint8Array.of(0x61, 0xe4), "f");
  assertEquals(rule?.pattern, "a\ufffd");
});

Deno.test("an ignore file beyond a limit is refused by its name", () => {
  const table: [string, string][] = [
    ["a\n".repeat(10_001), "f: 10001 rules, at most 10000 are allowed"],
    ["#".repeat(1_048_577), "f: 1048577 bytes, at most 1048576 are allowed"],
    [`\n${"a".repeat(4_097)}`, "f line 2: 4097 bytes in a pattern"],
  ];
  for (const [text, message] of table) {
    assertThrows(() => parseIgnoreFile(bytes(text), "f"), SyncError, message);
  }
  assertEquals(
    parseIgnoreFile(bytes("a\n".repeat(10_000)), "f").length,
    10_000,
  );
});
