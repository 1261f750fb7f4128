import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { IgnoreScope, RuleSet } from "../../../src/core/ignore.ts";
import { parseIgnoreFile } from "../../../src/core/ignore_file.ts";
import { compileRule } from "../../../src/core/ignore_rule.ts";
import { IgnoreTree } from "../../../src/core/ignore_tree.ts";
import type { RelPath } from "../../../src/core/path.ts";
import { path } from "../../support/trees.ts";

/** Rules of a file, in lines. */
function rules(file: string, ...lines: string[]): RuleSet {
  const bytes = new TextEncoder().encode(lines.join("\n"));
  return new RuleSet(parseIgnoreFile(bytes, file));
}

/** A tree with rules of its own in some directories, and rules given for all. */
function tree(
  own: Readonly<Record<string, readonly RuleSet[]>>,
  given: readonly string[] = [],
): IgnoreTree {
  const scope = IgnoreScope.given(
    given.map((rule) => compileRule(rule, { file: "given", line: undefined })),
  );
  const entries = Object.entries(own) as [RelPath, readonly RuleSet[]][];
  return new IgnoreTree(scope, new Map(entries));
}

/** "file:line" of the rule that decides, and whether it ignores; "" for none. */
function decision(tree: IgnoreTree, entry: string): string {
  const isDirectory = entry.endsWith("/");
  const at = path(isDirectory ? entry.slice(0, -1) : entry);
  const { rule, ignored } = tree.decide(at, isDirectory);
  if (rule === undefined) return "";
  const { file, line } = rule.origin;
  return `${ignored ? "-" : "+"}${file}:${line}`;
}

Deno.test("the last rule that matches decides", () => {
  const it = tree({ "": [rules("f", "*.o", "!keep.o", "k*", "!keep.*/")] });
  assertEquals(decision(it, "a.o"), "-f:1");
  assertEquals(decision(it, "keep.o"), "-f:3");
  assertEquals(decision(it, "keep.o/"), "+f:4");
  assertEquals(decision(it, "a"), "");
});

Deno.test("of name and path rules in one file, the later decides, too", () => {
  const it = tree({ "": [rules("f", "a/x", "!x", "b", "!/b")] });
  assertEquals(decision(it, "a/x"), "+f:2");
  assertEquals(decision(it, "b"), "+f:4");
  assertEquals(decision(it, "a/b"), "-f:3");
});

Deno.test("a deeper file wins over a shallower one, and given rules over both", () => {
  const it = tree({
    "": [rules("f", "x", "y", "z")],
    a: [rules("a/f", "!x", "!y")],
  }, ["y"]);
  assertEquals(decision(it, "a/x"), "+a/f:1");
  assertEquals(decision(it, "a/y"), "-given:undefined");
  assertEquals(decision(it, "a/z"), "-f:3");
  assertEquals(decision(it, "x"), "-f:1");
});

Deno.test("of two files in one directory, the later one wins", () => {
  const it = tree({
    "": [rules("git", "x", "!y"), rules("sync", "!x", "y")],
  });
  assertEquals(decision(it, "x"), "+sync:1");
  assertEquals(decision(it, "y"), "-sync:2");
});

Deno.test("what is below an ignored directory can't be brought back", () => {
  const it = tree({
    "": [rules("f", "a", "!a/x", "!x")],
    a: [rules("a/f", "!x")],
  });
  assertEquals(decision(it, "a/x"), "-f:1");
  assertEquals(it.decide(path("a/b/c"), false).at as string, "a");
  const open = tree({ "": [rules("f", "a/*", "!a/x")] });
  assertEquals(decision(open, "a/x"), "+f:2");
  assertEquals(decision(open, "a/y/z"), "-f:1");
});

Deno.test("an anchored rule counts from the directory of its file", () => {
  const it = tree({ a: [rules("a/f", "/x", "b/y")] });
  assertEquals(decision(it, "a/x"), "-a/f:1");
  assertEquals(decision(it, "x"), "");
  assertEquals(decision(it, "a/b/x"), "");
  assertEquals(decision(it, "a/b/y"), "-a/f:2");
  assertEquals(decision(it, "a/c/b/y"), "");
});

Deno.test("directories that the rules treat alike share a scope", () => {
  const scope = IgnoreScope.NONE.add([
    rules("f", "*.o", "/top", "a/b", "**/deep/x"),
  ]);
  const below = scope.enter("c");
  assertStrictEquals(below.enter("d"), below);
  const only = IgnoreScope.NONE.add([rules("f", "/top", "a/b")]);
  assert(only.enter("c").isEmpty);
  assert(!only.enter("a").isEmpty);
});

Deno.test("names that objects have of their own are ordinary", () => {
  const it = tree({ "": [rules("f", "constructor", "*.__proto__")] });
  assertEquals(decision(it, "constructor"), "-f:1");
  assertEquals(decision(it, "toString"), "");
  assertEquals(decision(it, "a.__proto__"), "-f:2");
});

Deno.test("no rule takes longer than its length times the name's", () => {
  // An algorithm that tries all ways would not come to an end.
  const hostile: [string, string][] = [
    ["*a".repeat(2_048), "a".repeat(1_020)],
    ["*a".repeat(500) + "b", "a".repeat(1_020)],
    ["?*".repeat(500) + "b", "a".repeat(1_020)],
    ["*".repeat(4_095) + "b", "a".repeat(1_020)],
    ["*[ab]".repeat(200) + "c", "ab".repeat(510)],
    [`*${"a".repeat(510)}b`, "a".repeat(1_020)],
    ["/**".repeat(1_000) + "/b", "a"],
    ["**/a/".repeat(800) + "b", "a"],
    ["/" + "**/*a*".repeat(500) + "/b", "a".repeat(1_020)],
    ["/" + "**/*a*a*a*b/".repeat(300) + "b", "a".repeat(1_020)],
    ["a**/".repeat(1_000) + "b", "a".repeat(1_020)],
  ];
  for (const [pattern, name] of hostile) {
    let scope = IgnoreScope.NONE.add([rules("f", pattern)]);
    for (let depth = 0; depth < 100; depth++) {
      assertEquals(scope.ignores(name, true), false, pattern.slice(0, 20));
      scope = scope.enter(name);
    }
  }
});
