import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Change } from "../../../src/core/change.ts";
import { diff, type DiffOptions } from "../../../src/core/diff.ts";
import type { DirectoryEntry } from "../../../src/core/entry.ts";
import {
  applyChanges,
  assertSameTrees,
  digested,
  directory,
  file,
  problem,
  symlink,
  untracked,
} from "../../support/trees.ts";

const MIRROR: DiffOptions = { deletes: true, modes: true };

/** What there is, what there shall be, what is done about it. */
interface Case {
  readonly name: string;
  readonly base: DirectoryEntry;
  readonly goal: DirectoryEntry;
  readonly options?: Partial<DiffOptions>;
  /** In order; a directory's own change reads "touch". */
  readonly changes: readonly string[];
  /** Paths that are left out. */
  readonly problems?: readonly string[];
  /** What is there afterwards; `goal` if absent. */
  readonly after?: DirectoryEntry;
}

const CASES: readonly Case[] = [
  {
    name: "equal trees need nothing",
    base: directory({ a: file(), d: directory({ l: symlink("x") }) }),
    goal: directory({ a: file(), d: directory({ l: symlink("x") }) }),
    changes: [],
  },
  {
    name: "a new file moves the mtime of its directory, which is set again",
    base: directory({ d: directory() }),
    goal: directory({ d: directory({ a: file() }) }),
    changes: ["create d/a", "touch d"],
  },
  {
    name: "a new directory comes as one change",
    base: directory(),
    goal: directory({ d: directory({ a: file(), e: directory() }) }),
    changes: ["create d", "touch ."],
  },
  {
    name: "a directory that is extra goes as one change",
    base: directory({ d: directory({ a: file(), e: directory() }) }),
    goal: directory(),
    changes: ["delete d", "touch ."],
  },
  {
    name: "an empty goal empties the base",
    base: directory({ a: file(), b: symlink("x"), c: directory() }),
    goal: directory(),
    changes: ["delete a", "delete b", "delete c", "touch ."],
  },
  {
    name: "other content replaces a file",
    base: directory({ a: file() }),
    goal: directory({ a: file({ size: 2, mtime: 2 }) }),
    changes: ["replace a", "touch ."],
  },
  {
    name: "another mode touches a file, and nothing else",
    base: directory({ a: file() }),
    goal: directory({ a: file({ mode: 0o600 }) }),
    changes: ["touch a"],
  },
  {
    name: "with digests another mtime touches a file",
    base: directory({ a: file({ digest: "same" }) }),
    goal: directory({ a: file({ digest: "same", mtime: 2 }) }),
    changes: ["touch a"],
  },
  {
    name: "modes do not count where a side keeps none",
    base: directory({ a: file({ mode: 0o600 }), d: directory() }),
    goal: directory({ a: file(), d: directory({}, { mode: 0o700 }) }),
    options: { modes: false },
    changes: [],
    after: directory({ a: file({ mode: 0o600 }), d: directory() }),
  },
  {
    name: "a directory's own mode and mtime are set",
    base: directory({ d: directory({ a: file() }) }),
    goal: directory({ d: directory({ a: file() }, { mtime: 2, mode: 0o700 }) }),
    changes: ["touch d"],
  },
  {
    name: "a link with another target or mtime is replaced",
    base: directory({ a: symlink("x"), b: symlink("x") }),
    goal: directory({ a: symlink("y"), b: symlink("x", 2) }),
    changes: ["replace a", "replace b", "touch ."],
  },
  {
    name: "every kind flips to every other",
    base: directory({
      a: file(),
      b: file(),
      c: directory({ x: file() }),
      d: directory({ x: file() }),
      e: symlink("x"),
      f: symlink("x"),
    }),
    goal: directory({
      a: directory({ y: file() }),
      b: symlink("x"),
      c: file(),
      d: symlink("x"),
      e: file(),
      f: directory({ y: file() }),
    }),
    changes: [
      "replace a",
      "replace b",
      "replace c",
      "replace d",
      "replace e",
      "replace f",
      "touch .",
    ],
  },
  {
    name: "without deletes what is extra stays",
    base: directory({ a: file(), d: directory({ x: file() }) }),
    goal: directory({ b: file(), d: directory() }),
    options: { deletes: false },
    changes: ["create b", "touch ."],
    after: directory({
      a: file(),
      b: file(),
      d: directory({ x: file() }),
    }),
  },
  {
    name: "without deletes a directory with something in it does not flip",
    base: directory({ d: directory({ x: file() }), e: directory() }),
    goal: directory({ d: file(), e: file() }),
    options: { deletes: false },
    changes: ["replace e", "touch ."],
    problems: ["d"],
    after: directory({ d: directory({ x: file() }), e: file() }),
  },
  {
    name: "what the source does not send or could not read is no deletion",
    base: directory({
      a: file(),
      b: directory({ c: file() }),
      d: symlink("x"),
    }),
    goal: directory({ a: problem(), b: problem(), d: untracked() }),
    changes: [],
    after: directory({
      a: file(),
      b: directory({ c: file() }),
      d: symlink("x"),
    }),
  },
  {
    name:
      "what the target must not touch stays, and is named where it is in the way",
    base: directory({ a: untracked(), b: problem(), c: untracked() }),
    goal: directory({ a: file(), b: directory({ x: file() }) }),
    changes: [],
    problems: ["a", "b"],
    after: directory({ a: untracked(), b: problem(), c: untracked() }),
  },
  {
    name: "a new directory comes without what takes no part",
    base: directory(),
    goal: directory({
      d: directory({ a: file(), b: untracked(), c: problem() }),
    }),
    changes: ["create d", "touch ."],
    after: directory({ d: directory({ a: file() }) }),
  },
  {
    name: "of an extra directory that holds something left alone the rest goes",
    base: directory({
      d: directory({
        a: file(),
        e: directory({ fifo: untracked(), f: file() }, { mtime: 7 }),
      }, { mtime: 8 }),
    }),
    goal: directory(),
    changes: ["delete d/a", "delete d/e/f", "touch d/e", "touch d"],
    problems: ["d"],
    after: directory({
      d: directory({
        e: directory({ fifo: untracked() }, { mtime: 7 }),
      }, { mtime: 8 }),
    }),
  },
  {
    name: "a directory that holds something left alone does not flip",
    base: directory({ d: directory({ a: file(), fifo: untracked() }) }),
    goal: directory({ d: file() }),
    changes: [],
    problems: ["d"],
    after: directory({ d: directory({ a: file(), fifo: untracked() }) }),
  },
  {
    name: "names that objects have of their own are ordinary",
    base: directory({ constructor: file() }),
    goal: directory({ ["__proto__"]: file(), toString: directory() }),
    changes: [
      "create __proto__",
      "create toString",
      "delete constructor",
      "touch .",
    ],
  },
];

for (const it of CASES) {
  Deno.test(`diff(): ${it.name}`, () => {
    const options = { ...MIRROR, ...it.options };
    for (
      const [base, goal] of [
        [it.base, it.goal],
        [digested(it.base, options.modes), digested(it.goal, options.modes)],
      ] as const
    ) {
      const { changes, problems } = diff(base, goal, options);
      assertEquals(changes.map(describe).sort(), [...it.changes].sort());
      assertEquals<string[]>(
        problems.map(({ path }) => path).sort(),
        [...it.problems ?? []],
      );
      const after = applyChanges(base, changes);
      assertSameTrees(after, it.after ?? it.goal);
      assertEquals(diff(after, goal, options).changes, []);
    }
  });
}

Deno.test("diff(): a directory's own change comes after those of what it holds", () => {
  const base = directory({
    a: file(),
    d: directory({ e: directory({ x: file() }) }),
  });
  const goal = directory({
    b: file(),
    d: directory({ e: directory({ y: file() }) }),
  });
  const order = diff(base, goal, MIRROR).changes.map(describe);
  for (
    const [earlier, later] of [
      ["create d/e/y", "touch d/e"],
      ["delete d/e/x", "touch d/e"],
      ["create b", "touch ."],
      ["delete a", "touch ."],
    ] as const
  ) {
    assertEquals(order.indexOf(earlier) >= 0, true, `${earlier} in ${order}`);
    assertEquals(order.indexOf(earlier) < order.indexOf(later), true, earlier);
  }
});

Deno.test("diff() does not look below directories with equal digests", () => {
  const equal = { mode: 0o755, digest: "d".repeat(64) };
  const base = directory({ d: directory({ a: file() }, equal) });
  const goal = directory({ d: directory({ b: file() }, equal) });
  assertEquals(diff(base, goal, MIRROR).changes, []);
});

Deno.test("diff() says why a path is left out", () => {
  const { problems } = diff(
    directory({
      a: problem("Cannot list it"),
      "b\n": untracked("mount-point"),
    }),
    directory({ a: file(), "b\n": file() }),
    MIRROR,
  );
  assertEquals(problems.map(({ code }) => code), ["blocked", "blocked"]);
  assertStringIncludes(problems[0]!.message, "Cannot list it");
  assertStringIncludes(problems[1]!.message, "mount-point");
  assertStringIncludes(problems[1]!.message, '"b\\n"');
});

function describe({ path, old, new: wanted }: Change): string {
  const name = path === "" ? "." : path;
  if (old === undefined) return `create ${name}`;
  if (wanted === undefined) return `delete ${name}`;
  const touch = old.kind === "directory"
    ? wanted.kind === "directory"
    : old.kind === "file" && wanted.kind === "file" &&
      old.size === wanted.size && old.digest === wanted.digest &&
      (old.mtime === wanted.mtime || old.digest !== undefined);
  return `${touch ? "touch" : "replace"} ${name}`;
}
