import { assertEquals } from "@std/assert";
import { MAX_MERGE_BYTES, mergeText } from "../../../src/content/merge_text.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function merge(
  before: string,
  ours: string,
  theirs: string,
): string | undefined {
  const [o, a, b] = [before, ours, theirs].map((it) => encoder.encode(it));
  const merged = mergeText(o!, a!, b!);
  return merged && decoder.decode(merged);
}

Deno.test("mergeText() takes edits of different lines from both sides, in either order", () => {
  const cases: readonly (readonly [string, string, string, string])[] = [
    ["1\n2\n3\n4\n", "1A\n2\n3\n4\n", "1\n2\n3\n4B\n", "1A\n2\n3\n4B\n"],
    ["1\n2\n3\n", "0\n1\n2\n3\n", "1\n2\n", "0\n1\n2\n"],
    [
      "a\r\nb\r\nc\r\nd",
      "A\r\nb\r\nc\r\nd",
      "a\r\nb\r\nc\r\nD",
      "A\r\nb\r\nc\r\nD",
    ],
    ["1\n2\n", "1\n2\n", "1\nX\n", "1\nX\n"],
    ["1\n2\n3\n", "1\nX\n3\n", "1\nX\n3\n", "1\nX\n3\n"],
    [
      "\ufeffü\n2\n3\n",
      "\ufeffä\n2\n3\n",
      "\ufeffü\n2\nß\n",
      "\ufeffä\n2\nß\n",
    ],
  ];
  for (const [before, ours, theirs, merged] of cases) {
    assertEquals(merge(before, ours, theirs), merged);
    assertEquals(merge(before, theirs, ours), merged);
  }
});

Deno.test("mergeText() leaves alone what touches, and what is no text", () => {
  assertEquals(merge("1\n", "2\n", "3\n"), undefined);
  assertEquals(merge("", "2\n", "3\n"), undefined);
  assertEquals(merge("1\n2\n", "1\n", "1\nX\n"), undefined);
  assertEquals(merge("a\0\nb\n", "A\0\nb\n", "a\0\nB\n"), undefined);
  const bytes = new Uint8Array([0xff, 10]);
  assertEquals(mergeText(bytes, bytes, bytes), undefined);
  const large = new Uint8Array(MAX_MERGE_BYTES + 1).fill(97);
  assertEquals(mergeText(large, large, large), undefined);
});
