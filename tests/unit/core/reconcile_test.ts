import { assertEquals } from "@std/assert";
import type { Conflict, ConflictPolicy } from "../../../src/core/conflict.ts";
import type { DirectoryEntry, Entry } from "../../../src/core/entry.ts";
import { reconcile } from "../../../src/core/reconcile.ts";
import { entryAt } from "../../../src/core/snapshot.ts";
import {
  directory,
  file,
  path,
  problem,
  symlink,
  untracked,
} from "../../support/trees.ts";
import {
  contentsOf,
  modeOf,
  runModel,
  type Sides,
  swapped,
} from "../../support/two_way_model.ts";

/** A file with this content, modified at this time. */
function holding(content: string, mtime = 1_000, mode = 0o644): Entry {
  return file({ digest: content, mtime, mode, size: content.length });
}

const old = holding("old");
const OLD_COPY = "19700101T000001Z";

type Literal = Readonly<Record<string, Entry>>;

interface Row {
  readonly says: string;
  /** Undefined: a first run. */
  readonly ancestor: Literal | undefined;
  readonly alpha: Literal;
  readonly beta: Literal;
  readonly policy?: ConflictPolicy;
  /** What is on both sides afterwards. */
  readonly both?: Literal;
  /** Where the sides stay different. */
  readonly after?: { readonly alpha: Literal; readonly beta: Literal };
  readonly conflicts?: readonly string[];
}

const ROWS: readonly Row[] = [
  {
    says: "carries an edit to the side that did not edit",
    ancestor: { a: old },
    alpha: { a: holding("new") },
    beta: { a: old },
    both: { a: holding("new") },
  },
  {
    says: "creates on the other side what is new on one",
    ancestor: {},
    alpha: { d: directory({ f: holding("new") }) },
    beta: {},
    both: { d: directory({ f: holding("new") }) },
  },
  {
    says: "deletes what the other side deleted",
    ancestor: { a: old, d: directory({ f: old }) },
    alpha: {},
    beta: { a: old, d: directory({ f: old }) },
    both: {},
  },
  {
    says: "takes equal edits for no conflict",
    ancestor: { a: old },
    alpha: { a: holding("same", 5) },
    beta: { a: holding("same", 7) },
    both: { a: holding("same", 7) },
  },
  {
    says: "takes a deletion on both sides as agreed",
    ancestor: { a: old, b: old },
    alpha: { b: old },
    beta: { b: old },
    both: { b: old },
  },
  {
    says: "keeps a file edited on beta while alpha deleted it",
    ancestor: { a: old },
    alpha: {},
    beta: { a: holding("edit") },
    both: { a: holding("edit") },
  },
  {
    says: "keeps a file whose mode was changed while alpha deleted it",
    ancestor: { a: old },
    alpha: {},
    beta: { a: holding("old", 1_000, 0o755) },
    both: { a: holding("old", 1_000, 0o755) },
  },
  {
    says: "deletes a file of which only the time was changed",
    ancestor: { a: old },
    alpha: {},
    beta: { a: holding("old", 9_000) },
    both: {},
  },
  {
    says: "keeps of a deleted directory what was edited and made in it",
    ancestor: { d: directory({ a: old, b: old, s: directory({ c: old }) }) },
    alpha: {},
    beta: {
      d: directory({
        a: holding("edit"),
        b: old,
        s: directory({ c: old }),
        n: directory({ new: holding("new") }),
      }),
    },
    both: {
      d: directory({
        a: holding("edit"),
        n: directory({ new: holding("new") }),
      }),
    },
  },
  {
    says: "merges directories child by child",
    ancestor: { d: directory({ a: old, b: old }) },
    alpha: { d: directory({ a: holding("1"), b: old, x: holding("x") }) },
    beta: { d: directory({ a: old, b: holding("2"), y: holding("y") }) },
    both: {
      d: directory({
        a: holding("1"),
        b: holding("2"),
        x: holding("x"),
        y: holding("y"),
      }),
    },
  },
  {
    says: "carries a rename over, as a deletion and a creation",
    ancestor: { a: old },
    alpha: { b: old },
    beta: { a: old },
    both: { b: old },
  },
  {
    says: "keeps an edit at the old name of what the other side renamed",
    ancestor: { a: old },
    alpha: { b: old },
    beta: { a: holding("edit") },
    both: { a: holding("edit"), b: old },
  },
  {
    says: "turns a file into a directory, and a directory into a link",
    ancestor: { a: old, b: directory({ c: old }) },
    alpha: { a: directory({ n: holding("n") }), b: directory({ c: old }) },
    beta: { a: old, b: symlink("a") },
    both: { a: directory({ n: holding("n") }), b: symlink("a") },
  },
  {
    says: "carries a mode over, and joins it with an edit of the content",
    ancestor: { a: old, b: old },
    alpha: { a: holding("old", 1_000, 0o600), b: holding("edit", 2_000) },
    beta: { a: old, b: holding("old", 1_000, 0o600) },
    both: {
      a: holding("old", 1_000, 0o600),
      b: holding("edit", 2_000, 0o600),
    },
  },
  {
    says: "carries a time over, also where it went back",
    ancestor: { a: old, b: old },
    alpha: { a: holding("old", 9_000), b: old },
    beta: { a: old, b: holding("old", 5) },
    both: { a: holding("old", 9_000), b: holding("old", 5) },
  },
  {
    says: "unites both sides at first, without a deletion",
    ancestor: undefined,
    alpha: { a: old, d: directory({ x: old }) },
    beta: { b: old, d: directory({ y: old }) },
    both: { a: old, b: old, d: directory({ x: old, y: old }) },
  },
  {
    says: "takes the later version of a conflict, and keeps the other",
    ancestor: { "a.txt": old },
    alpha: { "a.txt": holding("one", 2_000) },
    beta: { "a.txt": holding("two", 1_000) },
    both: {
      "a.txt": holding("one", 2_000),
      [`a.conflict-to-${OLD_COPY}.txt`]: holding("two", 1_000),
    },
    conflicts: ["a.txt"],
  },
  {
    says: "takes differing files of a first run for conflicts",
    ancestor: undefined,
    alpha: { a: holding("one", 1_000) },
    beta: { a: holding("two", 2_000) },
    both: {
      a: holding("two", 2_000),
      [`a.conflict-from-${OLD_COPY}`]: holding("one", 1_000),
    },
    conflicts: ["a"],
  },
  {
    says: "lets alpha win where it is preferred",
    ancestor: { a: old },
    alpha: { a: holding("one", 1_000) },
    beta: { a: holding("two", 1_500) },
    policy: "prefer-alpha",
    both: {
      a: holding("one", 1_000),
      [`a.conflict-to-${OLD_COPY}`]: holding("two", 1_500),
    },
    conflicts: ["a"],
  },
  {
    says: "keeps both versions of a conflict under names of their own",
    ancestor: { a: old },
    alpha: { a: holding("one", 1_000) },
    beta: { a: holding("two", 1_000) },
    policy: "keep-both",
    both: {
      [`a.conflict-from-${OLD_COPY}`]: holding("one", 1_000),
      [`a.conflict-to-${OLD_COPY}`]: holding("two", 1_000),
    },
    conflicts: ["a"],
  },
  {
    says: "leaves a conflict to people where that is the policy",
    ancestor: { a: old },
    alpha: { a: holding("one"), b: holding("b") },
    beta: { a: holding("two") },
    policy: "manual",
    after: {
      alpha: { a: holding("one"), b: holding("b") },
      beta: { a: holding("two"), b: holding("b") },
    },
    conflicts: ["a"],
  },
  {
    says: "keeps the file that loses against a directory",
    ancestor: {},
    alpha: { a: directory({ f: holding("in") }) },
    beta: { a: holding("file", 1_500) },
    both: {
      a: directory({ f: holding("in") }),
      [`a.conflict-to-${OLD_COPY}`]: holding("file", 1_500),
    },
    conflicts: ["a"],
  },
  {
    says: "keeps the directory that loses against a file, as a whole",
    ancestor: {},
    alpha: { a: directory({ d: directory({ f: holding("in") }) }) },
    beta: { a: holding("file") },
    policy: "prefer-beta",
    both: {
      a: holding("file"),
      [`a.conflict-from-${OLD_COPY}`]: directory({
        d: directory({ f: holding("in") }),
      }),
    },
    conflicts: ["a"],
  },
  {
    says: "finds another name for a copy where one is taken",
    ancestor: { [`a.conflict-to-${OLD_COPY}`]: holding("else") },
    alpha: {
      a: holding("one", 2_000),
      [`a.conflict-to-${OLD_COPY}`]: holding("else"),
    },
    beta: {
      a: holding("two"),
      [`a.conflict-to-${OLD_COPY}`]: holding("else"),
    },
    both: {
      a: holding("one", 2_000),
      [`a.conflict-to-${OLD_COPY}`]: holding("else"),
      [`a.conflict-to-${OLD_COPY}-2`]: holding("two"),
    },
    conflicts: ["a"],
  },
  {
    says: "trusts no copy that the other side has deleted",
    ancestor: { a: old, [`a.conflict-to-${OLD_COPY}`]: holding("two") },
    alpha: {
      a: holding("one", 2_000),
      [`a.conflict-to-${OLD_COPY}`]: holding("two"),
    },
    beta: { a: holding("two") },
    both: {
      a: holding("one", 2_000),
      [`a.conflict-to-${OLD_COPY}-2`]: holding("two"),
    },
    conflicts: ["a"],
  },
  {
    says: "leaves alone what is ignored or can't be read on one side",
    ancestor: { a: old, b: old, c: old },
    alpha: { a: untracked("ignored"), b: problem(), c: holding("edit") },
    beta: { b: old, c: untracked("ignored") },
    after: {
      alpha: { a: untracked("ignored"), b: problem(), c: holding("edit") },
      beta: { b: old, c: untracked("ignored") },
    },
  },
  {
    says: "keeps a deleted directory as far as it holds what is left alone",
    ancestor: { d: directory({ a: old, s: directory({ b: old }) }) },
    alpha: {},
    beta: {
      d: directory({ a: old, s: directory({ b: old, pipe: untracked() }) }),
    },
    after: {
      alpha: {},
      beta: { d: directory({ s: directory({ pipe: untracked() }) }) },
    },
  },
];

for (const row of ROWS) {
  Deno.test(`reconcile() ${row.says}`, () => check(row, false));
  const policy = row.policy ?? "newest";
  if (!policy.startsWith("prefer")) {
    Deno.test(`reconcile() ${row.says}, with the sides swapped`, () =>
      check(row, true));
  }
}

function check(row: Row, isSwapped: boolean): void {
  const sides: Sides = {
    ancestor: row.ancestor && directory(row.ancestor),
    alpha: directory(row.alpha),
    beta: directory(row.beta),
  };
  const mode = modeOf(row.policy);
  const labels = { alpha: "to", beta: "from" };
  const run = isSwapped
    ? swappedBack(runModel(swapped(sides), { ...mode, labels }))
    : runModel(sides, mode);
  const after = row.after ?? { alpha: row.both!, beta: row.both! };
  assertEquals(shown(run.alpha), shown(directory(after.alpha)));
  assertEquals(shown(run.beta), shown(directory(after.beta)));
  const paths = run.conflicts.map(({ path }) => path as string);
  assertEquals(paths, row.conflicts ?? []);
}

function swappedBack<R extends Sides>(run: R): R {
  return { ...run, alpha: run.beta, beta: run.alpha };
}

/** Files with mode and time, everything else by what it is. */
function shown(root: DirectoryEntry): Map<string, string> {
  const found = contentsOf(root);
  for (const [at, what] of found) {
    const entry = entryAt(root, path(at));
    if (entry?.kind !== "file") continue;
    found.set(at, `${what} ${entry.mode.toString(8)} ${entry.mtime}`);
  }
  return found;
}

Deno.test("reconcile() replaces nothing before a copy of it is seen", () => {
  const sides = {
    ancestor: directory({ a: old }),
    alpha: directory({ a: holding("one", 2_000) }),
    beta: directory({ a: holding("two") }),
  };
  const { alpha, beta, pending } = reconcile(
    sides.ancestor,
    sides.alpha,
    sides.beta,
    modeOf(),
  );
  assertEquals(pending.map(({ path }) => path), [path("a")]);
  const copy = path(`a.conflict-to-${OLD_COPY}`);
  assertEquals(alpha.changes.map(({ path }) => path), [copy, path("")]);
  assertEquals(alpha.origins, new Map([[copy, path("a")]]));
  assertEquals(beta.changes, []);
});

Deno.test("reconcile() says both sides' changes of a conflict", () => {
  const a = holding("one", 2_000);
  const b = holding("two");
  const { conflicts } = reconcile(
    directory({ a: old }),
    directory({ a }),
    directory({ a: b }),
    modeOf("manual"),
  );
  const at = path("a");
  const expected: Conflict[] = [{
    path: at,
    alpha: { path: at, old: old as never, new: a as never },
    beta: { path: at, old: old as never, new: b as never },
    winner: undefined,
    copies: [],
  }];
  assertEquals(conflicts, expected);
});

Deno.test("reconcile() leaves a conflict whose loser holds what is left alone", () => {
  const sides = {
    ancestor: undefined,
    alpha: directory({ a: directory({ f: old, pipe: untracked() }) }),
    beta: directory({ a: holding("file") }),
  };
  const { alpha, beta, conflicts } = reconcile(
    sides.ancestor,
    sides.alpha,
    sides.beta,
    modeOf("prefer-beta"),
  );
  assertEquals([...alpha.changes, ...beta.changes], []);
  assertEquals(conflicts.map(({ winner, reason }) => [winner, reason]), [
    [undefined, "a directory there holds entries that are left alone"],
  ]);
});

Deno.test("reconcile() names the deletions that rest on an absence", () => {
  const { alpha, beta } = reconcile(
    directory({ a: old, d: directory({ x: old, y: old }) }),
    directory({}),
    directory({ a: old, d: directory({ x: old, y: holding("edit") }) }),
    modeOf(),
  );
  assertEquals(beta.absences, [path("a"), path("d/x")]);
  assertEquals(alpha.absences, []);
});

Deno.test("reconcile() hands back the ancestor where nothing changed", () => {
  const tree = directory({ d: directory({ a: old }), l: symlink("x") });
  const { ancestor } = reconcile(tree, tree, structuredClone(tree), modeOf());
  assertEquals(ancestor === tree, true);
});

Deno.test("reconcile() does not compare modes that one side can't keep", () => {
  const { alpha, beta } = reconcile(
    directory({ a: old }),
    directory({ a: holding("old", 1_000, 0o600) }),
    directory({ a: old }),
    modeOf("newest", false),
  );
  assertEquals([...alpha.changes, ...beta.changes], []);
});

Deno.test("reconcile() copies nothing of alpha that is kept elsewhere, as long as it is that", () => {
  const alpha = directory({ a: holding("one", 2_000), b: holding("mine") });
  const beta = directory({ a: holding("two"), b: holding("yours") });
  const ancestor = directory({ a: old, b: old });
  const keptElsewhere = new Map([[path("a"), "one"], [path("b"), "earlier"]]);
  const found = reconcile(ancestor, alpha, beta, {
    ...modeOf("manual"),
    keptElsewhere,
  });
  assertEquals(found.conflicts.map(({ path }) => path), [path("b")]);
  const [change] = found.alpha.changes;
  assertEquals(change?.path, path("a"));
  assertEquals(change?.new, beta.children.get("a" as never));
  assertEquals(found.beta.changes, []);
  assertEquals(entryAt(found.ancestor, path("a")), holding("two"));
  assertEquals(entryAt(found.ancestor, path("b")), old);
});
