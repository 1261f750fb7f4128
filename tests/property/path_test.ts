import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { posix } from "node:path";
import {
  comparePaths,
  isWithin,
  join,
  nameOf,
  namesOf,
  parentOf,
  parseRelPath,
  type RelPath,
  ROOT,
} from "../../src/core/path.ts";
import { UnsafePathError } from "../../src/errors.ts";
import { RUNS } from "../support/arbitraries.ts";
import { note } from "../support/proof.ts";

/** How many long strings; in soaks as many as a million. */
const LONG = 20 * RUNS;

/** What attacks on paths are made of, and a few harmless ones. */
const SYMBOLS: readonly string[] = [
  "/",
  ".",
  "\\",
  "\0",
  ":",
  "~",
  "%",
  "*",
  "-",
  " ",
  "\n",
  "\u001b",
  "\ud800",
  "\udc00",
  "\u202e",
  "\u2215",
  "\uff0e",
  "\uff0f",
  "e\u0301",
  "\ufffd",
  "a",
  "A",
  "C",
  "0",
];

Deno.test("parseRelPath() accepts exactly what a resolver finds below the root: all strings of up to 4 symbols", () => {
  // A stack trace for each of some 300,000 refusals takes most of the time.
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    let texts = [""];
    let accepted = 0;
    let checked = 0;
    for (let length = 0; length <= 4; length++) {
      for (const text of texts) if (agrees(text)) accepted++;
      checked += texts.length;
      texts = length === 4
        ? []
        : texts.flatMap((text) => SYMBOLS.map((symbol) => text + symbol));
    }
    assert(accepted > 100_000, `only ${accepted} were accepted`);
    note("N7", "paths", checked);
  } finally {
    Error.stackTraceLimit = limit;
  }
});

Deno.test("parseRelPath() accepts exactly what a resolver finds below the root: long strings", () => {
  const symbols = fc.oneof(
    fc.constantFrom(...SYMBOLS),
    fc.constantFrom("/", "..", "../", "a/", "ab"),
    fc.string({ unit: "grapheme", maxLength: 3 }),
  );
  const texts = fc.array(symbols, { maxLength: 20 });
  fc.assert(
    fc.property(texts, (parts) => void agrees(parts.join(""))),
    { numRuns: LONG },
  );
  note("N7", "paths", LONG);
});

const paths = fc
  .array(fc.constantFrom("a", "b", "a b", "ab", "é", "..."), { maxLength: 5 })
  .map((names) => parseRelPath(names.join("/")));

Deno.test("a path is its parent joined with its name", () => {
  fc.assert(fc.property(paths, (path) => {
    assertEquals(namesOf(path).reduce(join, ROOT), path);
    const parent = parentOf(path);
    if (parent === undefined) assertEquals(path, ROOT);
    else assertEquals(join(parent, nameOf(path)), path);
  }));
});

Deno.test("isWithin() is what following parents finds", () => {
  fc.assert(fc.property(paths, paths, (path, ancestor) => {
    let at: RelPath | undefined = path;
    while (at !== undefined && at !== ancestor) at = parentOf(at);
    assertEquals(isWithin(path, ancestor), at === ancestor);
  }));
});

Deno.test("comparePaths() is an order in which subtrees stay together", () => {
  fc.assert(
    fc.property(paths, paths, paths, (a, b, c) => {
      assertEquals(comparePaths(a, b), opposite(comparePaths(b, a)));
      assertEquals(comparePaths(a, b) === 0, a === b);
      const sorted = [a, b, c].sort(comparePaths);
      const [first, second, third] = sorted as [RelPath, RelPath, RelPath];
      assert(comparePaths(first, third) <= 0);
      if (isWithin(third, first)) assert(isWithin(second, first));
    }),
    { numRuns: RUNS },
  );
});

/** Fails where parser and resolver differ; whether they accept `text`. */
function agrees(text: string): boolean {
  const resolved = posix.resolve("/root", text);
  const below = text === "" || resolved === `/root/${text}`;
  const expected = below && !text.includes("\0") && text.isWellFormed();
  let accepted: boolean;
  try {
    accepted = parseRelPath(text) === text;
  } catch (error) {
    if (!(error instanceof UnsafePathError)) throw error;
    accepted = false;
  }
  if (accepted !== expected) {
    throw new Error(`${JSON.stringify(text)}: ${accepted}, not ${expected}`);
  }
  return accepted;
}

function opposite(order: -1 | 0 | 1): -1 | 0 | 1 {
  return order === 0 ? 0 : order < 0 ? 1 : -1;
}
