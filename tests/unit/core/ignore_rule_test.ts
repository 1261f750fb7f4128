import { assertEquals, assertThrows } from "@std/assert";
import { toByteText } from "../../../src/core/byte_text.ts";
import { IgnoreScope, RuleSet } from "../../../src/core/ignore.ts";
import { compileRule } from "../../../src/core/ignore_rule.ts";
import { IgnoreTree } from "../../../src/core/ignore_tree.ts";
import { SyncError } from "../../../src/errors.ts";
import { path } from "../../support/trees.ts";

const ORIGIN = { file: ".syncignore", line: 1 };

/** Whether `pattern`, in an ignore file of the root, matches; "a/" is a directory. */
function matches(pattern: string, entry: string): boolean {
  const rule = compileRule(toByteText(pattern), ORIGIN);
  const own = new Map([[path(""), [new RuleSet([rule])]]]);
  const isDirectory = entry.endsWith("/");
  const { at, ignored } = new IgnoreTree(IgnoreScope.NONE, own)
    .decide(path(entry.replace(/\/$/, "")), isDirectory);
  return ignored && at === entry.replace(/\/$/, "");
}

/** Each pattern, what it matches, and what it does not. */
const PATTERNS: readonly (readonly [string, string[], string[]])[] = [
  // A name, at any depth.
  ["a", ["a", "a/", "x/a", "x/y/a"], ["ab", "ba", "A"]],
  ["a/", ["a/", "x/a/"], ["a", "x/a"]],
  ["*.o", ["x.o", ".o", "d/x.o", "a.b.o"], ["x.oo", "xo", "x.o.c"]],
  ["*.tar.gz", ["x.tar.gz", ".tar.gz"], ["x.gz", "tar.gz"]],
  ["*~", ["x~", "~"], ["~x"]],
  ["a*b*c", ["abc", "axbxc", "abbcc", "abcbc"], ["ab", "acb", "abcd"]],
  ["*", ["a", ".a", "a/"], []],
  ["a**b", ["ab", "axxb", "x/ab"], ["a/b"]],
  ["?", ["a", "xy/a"], ["ab", "ä"]],
  ["??", ["ab", "ä"], ["a", "日"]],
  ["ä", ["ä", "x/ä"], ["a", "ae"]],

  // A path, from the directory of the rule.
  ["/a", ["a", "a/"], ["x/a"]],
  ["/*.o", ["x.o"], ["d/x.o"]],
  ["a/b", ["a/b", "a/b/"], ["x/a/b", "b", "ab"]],
  ["a/*", ["a/b", "a/.b"], ["a/", "x/a/b"]],
  ["a/b/", ["a/b/"], ["a/b"]],
  ["*/b", ["a/b"], ["b", "x/a/b"]],
  ["a/?/c", ["a/b/c"], ["a/bb/c", "a/c"]],

  // Any number of directories.
  ["**/b", ["b", "a/b", "x/y/b"], ["ab", "a/xb"]],
  ["**/a/b", ["a/b", "x/a/b", "x/y/a/b"], ["b", "a/x/b"]],
  ["a/**", ["a/b", "a/.b", "a/c/"], ["a/", "x/a/b"]],
  ["a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["ab", "x/a/b", "a/xb"]],
  ["a/**/**/b", ["a/b", "a/x/b"], ["ab"]],
  ["/**", ["a", "b/"], []],
  ["**/", ["a/"], ["a"]],
  ["a/x**y/b", ["a/xy/b", "a/xzzy/b"], ["a/x/y/b"]],
  ["?/x**/b", ["a/xz/b"], ["a/xz/y/b"]],
  // As git has it: behind the plain start of a pattern, they are as if at a slash.
  ["foo**/bar", ["foobar", "foo/bar", "foo/x/bar", "fooz/bar"], ["fo/bar"]],
  ["a/foo**", ["a/foo", "a/foox"], ["a/fo"]],
  ["m**\\/n", ["m/n", "mx/n", "m/x/n"], ["mn"]],

  // Bracket expressions.
  ["[ab]", ["a", "b"], ["c", "ab", "["]],
  ["[!ab]", ["c", "-"], ["a", "b", "cc"]],
  ["[^ab]", ["c", "^"], ["a", "b"]],
  ["[a-c]x", ["ax", "bx", "cx"], ["dx", "-x"]],
  ["[c-a]", ["c"], ["a", "b", "-"]],
  ["[a-]", ["a", "-"], ["b"]],
  ["[-a]", ["a", "-"], ["b"]],
  ["[]a]", ["]", "a"], ["[", "]a"]],
  ["[!]a]", ["b"], ["]", "a"]],
  ["[\\]a]", ["]", "a"], ["\\"]],
  ["[a-\\c]", ["a", "b", "c"], ["\\"]],
  ["[[:digit:]_]", ["0", "9", "_"], ["a", ":"]],
  ["[![:alpha:]]", ["0", "-"], ["a", "Z"]],
  ["[[:space:]]", [" ", "\t"], ["\v", "\f", "a"]],
  ["[[:a]", ["[", ":", "a"], ["]"]],
  ["[[:digit:]-z]", ["0", "-", "z"], ["a"]],
  ["[ä]*", ["ä", "ö"], ["a"]],
  ["a[/]b", [], ["a/b", "ab"]],
  ["x/a[/b]c", ["x/abc"], ["x/a/c"]],

  // Escapes.
  ["\\*", ["*"], ["a", "\\*"]],
  ["\\!a", ["!a"], ["a"]],
  ["\\#a", ["#a"], ["a"]],
  ["\\a", ["a"], ["\\a"]],
  ["\\\\", ["\\"], ["\\\\"]],
  ["a\\ ", ["a "], ["a", "a\\ "]],
  ["a\\/b", ["a/b"], ["a", "a\\/b"]],

  // What can never match.
  ["[a", [], ["a", "[a", "["]],
  ["[[:nope:]]", [], ["n", "[", "]"]],
  ["a\\", [], ["a", "a\\"]],
  ["a\\/", [], ["a/", "a\\/"]],
  ["/", [], ["a", "a/"]],
  ["//a", [], ["a", "x/a"]],
  ["a//b", [], ["a/b"]],
  ["a//", [], ["a/"]],
  ["**//", [], ["a/", "a/b/"]],
];

for (const [pattern, hits, misses] of PATTERNS) {
  Deno.test(`the pattern ${JSON.stringify(pattern)} matches as in git`, () => {
    for (const hit of hits) assertEquals(matches(pattern, hit), true, hit);
    for (const miss of misses) {
      assertEquals(matches(pattern, miss), false, miss);
    }
  });
}

Deno.test("compileRule() tells what a pattern is for", () => {
  const { pattern, negated, directoriesOnly, origin } = compileRule(
    toByteText("!ä/"),
    ORIGIN,
  );
  assertEquals([pattern, negated, directoriesOnly], ["!ä/", true, true]);
  assertEquals(origin, ORIGIN);
});

Deno.test("compileRule() refuses a pattern of more than 4,096 bytes", () => {
  compileRule("a".repeat(4_096), ORIGIN);
  assertThrows(
    () => compileRule("a".repeat(4_097), ORIGIN),
    SyncError,
    ".syncignore line 1: 4097 bytes in a pattern, at most 4096",
  );
});
