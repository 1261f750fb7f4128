import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  type Change,
  type ChangeTotals,
  totalsOfChanges,
} from "../../../src/core/change.ts";
import { diff } from "../../../src/core/diff.ts";
import type { Entry, TrackedEntry } from "../../../src/core/entry.ts";
import { type Action, actionsOf, type Reason } from "../../../src/core/plan.ts";
import { RUNS, twoTrees } from "../../support/arbitraries.ts";
import { directory, file, path, symlink } from "../../support/trees.ts";

const A = "a".repeat(64);
const B = "b".repeat(64);

/** The actions that turn `base` into `goal`, as "action path/ reason". */
function shown(
  base: Record<string, Entry>,
  goal: Record<string, Entry>,
  options = { deletes: true, modes: true },
): string[] {
  const { changes } = diff(directory(base), directory(goal), options);
  return [...actionsOf(changes, options)].map(({ action, path, reason }) =>
    `${action} ${path || "."} ${reason.kind}`
  );
}

Deno.test("actionsOf() has one action for each path, of new and deleted directories, too", () => {
  const tree = { d: directory({ e: directory({ f: file() }), g: file() }) };
  assertEquals(shown({}, tree), [
    "create d new",
    "create d/e new",
    "create d/e/f new",
    "create d/g new",
  ]);
  assertEquals(shown(tree, {}), [
    "delete d extra",
    "delete d/e extra",
    "delete d/e/f extra",
    "delete d/g extra",
  ]);
});

Deno.test("actionsOf() says what goes and what comes where the kind flips", () => {
  const tree = { x: directory({ y: file() }) };
  assertEquals(shown(tree, { x: file() }), [
    "replace x kind",
    "delete x/y extra",
  ]);
  assertEquals(shown({ x: file() }, tree), [
    "replace x kind",
    "create x/y new",
  ]);
  assertEquals(shown({ x: symlink("y") }, { x: file() }), ["replace x kind"]);
});

Deno.test("actionsOf() has one main reason for each way in which two entries differ", () => {
  const old = { mtime: 5_000, mode: 0o644 };
  const table: [TrackedEntry, TrackedEntry, Action["action"], Reason][] = [
    [file({ size: 1 }), file({ size: 2, mtime: 9, mode: 0 }), "replace", {
      kind: "size",
      from: 1,
      to: 2,
    }],
    [file({ ...old, digest: A }), file({ ...old, digest: B }), "replace", {
      kind: "content",
    }],
    [file(old), file({ ...old, mtime: 6_000, mode: 0 }), "replace", {
      kind: "newer",
      from: 5_000,
      to: 6_000,
    }],
    [file(old), file({ ...old, mtime: 4_000 }), "replace", {
      kind: "older",
      from: 5_000,
      to: 4_000,
    }],
    [file(old), file({ ...old, mode: 0o600 }), "touch", {
      kind: "mode",
      from: 0o644,
      to: 0o600,
    }],
    [
      file({ ...old, digest: A }),
      file({ ...old, digest: A, mtime: 6_000 }),
      "touch",
      { kind: "time", from: 5_000, to: 6_000 },
    ],
    [symlink("a"), symlink("b", 7), "replace", {
      kind: "target",
      from: "a",
      to: "b",
    }],
    [symlink("a", 6), symlink("a", 7), "replace", {
      kind: "time",
      from: 6,
      to: 7,
    }],
    [directory({}, old), directory({}, { ...old, mode: 0o700 }), "touch", {
      kind: "mode",
      from: 0o644,
      to: 0o700,
    }],
    [directory({}, old), directory({}, { ...old, mtime: 6 }), "touch", {
      kind: "time",
      from: 5_000,
      to: 6,
    }],
    [file(), symlink("a"), "replace", {
      kind: "kind",
      from: "file",
      to: "symlink",
    }],
  ];
  for (const [before, after, action, reason] of table) {
    const { changes } = diff(
      directory({ x: before }),
      directory({ x: after }),
      { deletes: true, modes: true },
    );
    const actions = [...actionsOf(changes, { modes: true })];
    assertEquals(
      actions.map((it) => [it.path, it.action, it.reason]),
      [[path("x"), action, reason]],
    );
  }
});

Deno.test("actionsOf() leaves out directories that are only set back to what they are", () => {
  const options = { deletes: true, modes: true };
  assertEquals(
    shown({ d: directory({ f: file() }) }, {
      d: directory({ f: file({ size: 2 }) }),
    }),
    ["replace d/f size"],
  );
  const { changes } = diff(directory({}), directory({ f: file() }), options);
  assertEquals(changes.length, 2);
  assertEquals(totalsOfChanges(changes).touched, 0);
});

Deno.test("actionsOf() takes no notice of mode bits that are not kept", () => {
  const base = { d: directory({}, { mode: 0o755 }) };
  const goal = { d: directory({ f: file() }, { mode: 0o700 }) };
  assertEquals(shown(base, goal, { deletes: true, modes: false }), [
    "create d/f new",
  ]);
});

Deno.test("the actions of a plan add up to the totals of its changes, and no path comes twice", () => {
  fc.assert(
    fc.property(
      twoTrees,
      fc.boolean(),
      fc.boolean(),
      ([base, goal], deletes, modes) => {
        const { changes } = diff(base, goal, { deletes, modes });
        const actions = [...actionsOf(changes, { modes })];
        assertEquals(
          new Set(actions.map((it) => it.path)).size,
          actions.length,
        );
        assertEquals(sum(actions), totalsOfChanges(changes as Change[], modes));
      },
    ),
    { numRuns: RUNS },
  );
});

function sum(actions: readonly Action[]): ChangeTotals {
  const count = (action: Action["action"]): number =>
    actions.filter((it) => it.action === action).length;
  const sent = actions.filter(({ action, kind }) =>
    kind === "file" && (action === "create" || action === "replace")
  );
  return {
    created: count("create"),
    replaced: count("replace"),
    touched: count("touch"),
    deleted: count("delete"),
    moved: 0,
    files: sent.length,
    bytes: sent.reduce((bytes, it) => bytes + it.bytes, 0),
  };
}
