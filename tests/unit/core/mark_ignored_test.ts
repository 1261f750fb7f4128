import { assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { diff } from "../../../src/core/diff.ts";
import {
  type DirectoryEntry,
  type Entry,
  isTracked,
} from "../../../src/core/entry.ts";
import { IgnoreScope, RuleSet } from "../../../src/core/ignore.ts";
import { compileRule } from "../../../src/core/ignore_rule.ts";
import { IgnoreTree } from "../../../src/core/ignore_tree.ts";
import { markIgnored } from "../../../src/core/mark_ignored.ts";
import { join, type RelPath, ROOT } from "../../../src/core/path.ts";
import { entryAt } from "../../../src/core/snapshot.ts";
import { RUNS, twoTrees } from "../../support/arbitraries.ts";
import {
  digested,
  directory,
  file,
  undigested,
  untracked,
} from "../../support/trees.ts";

const IGNORED = untracked("ignored");

function rules(...patterns: string[]): IgnoreTree {
  const origin = { file: "f", line: 1 };
  const set = new RuleSet(patterns.map((text) => compileRule(text, origin)));
  return new IgnoreTree(IgnoreScope.NONE, new Map([[ROOT, [set]]]));
}

const CASES: readonly {
  readonly name: string;
  readonly rules: readonly string[];
  readonly base: Record<string, Entry>;
  readonly goal: Record<string, Entry>;
  readonly marked: Record<string, Entry>;
}[] = [
  {
    name: "what only the target has is ignored, at any depth",
    rules: ["*.o", "/d/x/"],
    base: {
      "a.o": file(),
      b: file(),
      d: directory({ x: directory({ y: file() }), "z.o": file() }),
    },
    goal: { d: directory() },
    marked: {
      "a.o": IGNORED,
      b: file(),
      d: directory({ x: IGNORED, "z.o": IGNORED }),
    },
  },
  {
    name: "what the source tracks is not ignored",
    rules: ["a"],
    base: { a: file() },
    goal: { a: file({ size: 2 }) },
    marked: { a: file() },
  },
  {
    name: "what the source ignores itself is ignored",
    rules: ["a"],
    base: { a: directory({ b: file() }) },
    goal: { a: IGNORED },
    marked: { a: IGNORED },
  },
  {
    name: "of another kind it may be ignored though the source tracks the path",
    rules: ["a/", "b/c"],
    base: { a: directory({ x: file() }), b: directory({ c: file() }) },
    goal: { a: file(), b: file() },
    marked: { a: IGNORED, b: directory({ c: IGNORED }) },
  },
  {
    name: "what takes no part anyway stays what it is",
    rules: ["*"],
    base: { a: untracked("special-file") },
    goal: {},
    marked: { a: untracked("special-file") },
  },
];

for (const it of CASES) {
  Deno.test(`markIgnored(): ${it.name}`, () => {
    const base = directory(it.base);
    const goal = directory(it.goal);
    for (const [one, two] of [[base, goal], [digested(base), digested(goal)]]) {
      const marked = markIgnored(one!, two!, rules(...it.rules), true);
      assertEquals(undigested(marked), undigested(directory(it.marked)));
      // Where there were digests, they are those of what is left.
      if (one !== base) assertEquals(marked, digested(marked));
    }
  });
}

Deno.test("markIgnored() goes by the rules that a directory has of its own", () => {
  const origin = { file: "d/f", line: 1 };
  const set = new RuleSet([compileRule("x", origin)]);
  const tree = new IgnoreTree(
    IgnoreScope.NONE,
    new Map([["d" as RelPath, [set]]]),
  );
  const base = directory({ x: file(), d: directory({ x: file() }) });
  const marked = markIgnored(base, directory({ d: directory() }), tree, true);
  assertEquals(
    undigested(marked),
    undigested(directory({ x: file(), d: directory({ x: IGNORED }) })),
  );
});

Deno.test("markIgnored() keeps the objects in which nothing changes", () => {
  const same = directory({ "a.o": file() });
  const other = directory({ b: file() });
  const base = directory({ same, other, "x.o": file() });
  const goal = directory({ same });
  const marked = markIgnored(base, goal, rules("*.o"), true);
  assertStrictEquals(entryAt(marked, "same" as RelPath), same);
  assertStrictEquals(entryAt(marked, "other" as RelPath), other);
  assertEquals(marked.digest, undefined);
  assertStrictEquals(markIgnored(other, goal, rules("*.o"), true), other);
  assertStrictEquals(markIgnored(base, goal, rules(), true), base);
});

/** Few, so that they often match the names of the generated trees. */
const PATTERNS = fc.array(
  fc.constantFrom("a", "b/", "!a", "/c", "a/b", "**/c", "!/a/b/", "*", "!c"),
  { minLength: 1, maxLength: 4 },
);

Deno.test("markIgnored() law: nothing that the source ignores is changed", () => {
  const property = fc.property(twoTrees, PATTERNS, ([base, full], patterns) => {
    const tree = rules(...patterns);
    const goal = scanned(full, tree.root);
    const marked = markIgnored(base, goal, tree, true);
    const { changes } = diff(marked, goal, { deletes: true, modes: true });
    for (const { path, old, new: wanted } of changes) {
      if (old?.kind === "directory" && wanted?.kind === "directory") continue;
      for (const at of pathsBelow(path, entryAt(base, path))) {
        const there = entryAt(base, at)!;
        const { ignored } = tree.decide(at, there.kind === "directory");
        const source = entryAt(goal, at);
        // A file that is replaced by a file is one that the source sends.
        const isSent = source !== undefined && isTracked(source) &&
          (source.kind === "directory") === (there.kind === "directory");
        if (ignored && !isSent) throw new Error(`${at} is changed at ${path}`);
      }
    }
  });
  fc.assert(property, { numRuns: RUNS });

  /** `tree` as a scan by the rules sees it. */
  function scanned(tree: DirectoryEntry, scope: IgnoreScope): DirectoryEntry {
    const children = [...tree.children].map(([name, child]) =>
      [
        name,
        isTracked(child) && scope.ignores(name, child.kind === "directory")
          ? IGNORED
          : child.kind === "directory"
          ? scanned(child, scope.enter(name))
          : child,
      ] as const
    );
    return { ...tree, children: new Map(children) };
  }
});

/** The path of `entry`, and those of all below it. */
function pathsBelow(path: RelPath, entry: Entry | undefined): RelPath[] {
  if (entry === undefined) return [];
  const below = entry.kind !== "directory"
    ? []
    : [...entry.children].flatMap(([name, child]) =>
      pathsBelow(join(path, name), child)
    );
  return [path, ...below];
}
