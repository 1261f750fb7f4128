import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  formatLine,
  parseLine,
  type PlannedStep,
} from "../../../src/cli/plan/plan_format.ts";
import { PlanGuard } from "../../../src/cli/plan/plan_guard.ts";
import type { SavedPlan } from "../../../src/cli/plan/saved_plan.ts";
import { totalsOfChanges } from "../../../src/core/change.ts";
import { diff } from "../../../src/core/diff.ts";
import {
  type DirectoryEntry,
  type Entry,
  totalsOf,
} from "../../../src/core/entry.ts";
import type { RelPath } from "../../../src/core/path.ts";
import { actionsOf } from "../../../src/core/plan.ts";
import { GuardError } from "../../../src/errors.ts";
import type { Comparison } from "../../../src/session/events.ts";
import { directory, file, symlink } from "../../support/trees.ts";

type Tree = Record<string, Entry>;

function compare(base: Tree, goal: Tree): Comparison {
  const side = (root: DirectoryEntry) => ({
    root,
    totals: totalsOf(root),
    problems: [],
  });
  const target = side(directory(base));
  const source = side(directory(goal));
  const options = { deletes: true, modes: true };
  const { changes } = diff(target.root, source.root, options);
  const totals = totalsOfChanges(changes);
  return {
    source,
    target,
    moves: [],
    changes,
    totals,
    problems: [],
    modes: true,
  };
}

/** The plan for what `comparison` found, written and read again. */
function planOf({ changes }: Comparison): SavedPlan {
  const steps = new Map<RelPath, PlannedStep>();
  for (const action of actionsOf(changes, { modes: true })) {
    const line = parseLine(formatLine(action));
    assert(line.kind === "action");
    steps.set(line.path, line.step);
  }
  const header = {
    software: "lockstep",
    created: "2026-01-01",
    from: "/source",
    to: { kind: "directory", path: "/target" },
    options: { checksum: false, symlinks: "copy", noDelete: false },
    source: "0".repeat(64),
    target: undefined,
  } as const;
  return { name: "plan", header: header as SavedPlan["header"], steps };
}

const BASE: Tree = {
  a: file(),
  gone: directory({ x: file() }),
  l: symlink("x"),
  m: file({ mode: 0 }),
};
const GOAL: Tree = {
  a: file({ size: 2, digest: "a".repeat(64) }),
  new: directory({ y: file(), z: directory() }),
  l: symlink("y"),
  m: file(),
};

Deno.test("PlanGuard lets through what a plan says, in whatever words it was saved", () => {
  const now = compare(BASE, GOAL);
  const guard = new PlanGuard(planOf(now));
  assertEquals(guard.review(now), { changes: now.changes, problems: [] });
});

Deno.test("PlanGuard refuses the whole where one path differs", () => {
  const planned = compare(BASE, GOAL);
  const moved: [Tree, Tree][] = [
    [BASE, { ...GOAL, late: file() }],
    [BASE, { ...GOAL, a: file({ size: 3 }) }],
    [{ ...BASE, a: file({ size: 9 }) }, GOAL],
    [{ ...BASE, l: symlink("y") }, GOAL],
    [{ ...BASE, more: file() }, GOAL],
    [{ ...BASE, m: file({ mode: 1 }) }, GOAL],
    [GOAL, GOAL],
  ];
  for (const [base, goal] of moved) {
    const guard = new PlanGuard(planOf(planned));
    assertThrows(() => guard.review(compare(base, goal)), GuardError);
    guard.review(planned);
  }
});

Deno.test("PlanGuard leaves out in later rounds what is not in the plan", () => {
  const planned = compare(BASE, GOAL);
  const guard = new PlanGuard(planOf(planned));
  guard.review(planned);
  const later = compare(
    // Somebody edited "a", deleted a part of what goes, and added something.
    { ...BASE, a: file({ size: 7 }), gone: directory(), surprise: file() },
    { ...GOAL, late: file(), l: symlink("z") },
  );
  const { changes, problems } = guard.review(later);
  assertEquals(changes.map(({ path }) => String(path)).sort(), [
    "",
    "a",
    "gone",
    "m",
    "new",
  ]);
  assertEquals(problems.map(({ path, code }) => `${code} ${path}`).sort(), [
    "stale l",
    "stale late",
    "stale surprise",
  ]);
});
