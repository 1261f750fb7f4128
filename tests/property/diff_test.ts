import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { diff, type DiffOptions } from "../../src/core/diff.ts";
import {
  type DirectoryEntry,
  type Entry,
  isTracked,
  isWhollyTracked,
  sortChildren,
} from "../../src/core/entry.ts";
import {
  isWithin,
  join,
  type Name,
  type RelPath,
} from "../../src/core/path.ts";
import { entryAt } from "../../src/core/snapshot.ts";
import { RUNS, twoTrees } from "../support/arbitraries.ts";
import {
  applyChanges,
  assertSameTrees,
  digested,
  directory,
  trackedPart,
  undigested,
} from "../support/trees.ts";

const OPTIONS = fc.record({
  deletes: fc.boolean(),
  modes: fc.boolean(),
  /** Whether the directories have digests. */
  digests: fc.boolean(),
  /** Whether the files have. */
  checksum: fc.boolean(),
});

check(
  "applying diff(base, goal) to base gives what the rules ask for",
  (it) => {
    const { changes } = diff(it.base, it.goal, it.options);
    const after = applyChanges(it.base, changes);
    assertAlike(after, ruled(it.base, it.goal, it.options), it.options);
  },
);

check("where nothing is left alone, it gives the goal", (it) => {
  const base = trackedPart(undigested(it.base));
  const goal = trackedPart(undigested(it.goal));
  const options = { ...it.options, deletes: true };
  const { changes, problems } = diff(base, goal, options);
  assertEquals(problems, []);
  assertAlike(applyChanges(base, changes), goal, options);
});

check("a second diff finds nothing to do", (it) => {
  const { changes } = diff(it.base, it.goal, it.options);
  const after = applyChanges(it.base, changes);
  const again = it.options.digests ? digested(after, it.options.modes) : after;
  assertEquals(diff(again, it.goal, it.options).changes, []);
});

check("digests change what is looked at, not what is found", (it) => {
  const plain = diff(undigested(it.base), undigested(it.goal), it.options);
  const quick = diff(
    digested(it.base, it.options.modes),
    digested(it.goal, it.options.modes),
    it.options,
  );
  assertEquals(
    quick.changes.map(({ path }) => path),
    plain.changes.map(({ path }) => path),
  );
});

check("nothing at or below what is left alone is ever changed", (it) => {
  const { changes } = diff(it.base, it.goal, it.options);
  const closed = [...leftAlone(it.base), ...leftAlone(it.goal)];
  for (const change of changes) {
    for (const path of closed) {
      assert(!isWithin(change.path, path), `${change.path} within ${path}`);
      // A change of kind or a deletion takes all below with it.
      const whole = change.old?.kind === "directory" &&
        change.new?.kind !== "directory";
      const inBase = entryAt(it.base, path) !== undefined;
      assert(!(whole && inBase && isWithin(path, change.path)), path);
    }
  }
});

check("without deletes nothing goes", (it) => {
  const { changes } = diff(it.base, it.goal, { ...it.options, deletes: false });
  for (const { path, old, new: wanted } of changes) {
    assert(wanted !== undefined, `deletes ${path}`);
    const emptied = old?.kind === "directory" && wanted.kind !== "directory" &&
      old.children.size > 0;
    assert(!emptied, `empties ${path}`);
  }
});

check("each path is changed at most once, and named at most once", (it) => {
  const { changes, problems } = diff(it.base, it.goal, it.options);
  for (const found of [changes, problems]) {
    const paths = found.map(({ path }) => path);
    assertEquals(new Set(paths).size, paths.length);
  }
});

check("what stays different is named", (it) => {
  const { changes, problems } = diff(it.base, it.goal, it.options);
  const after = applyChanges(it.base, changes);
  if (problems.length > 0 || !it.options.deletes) return;
  // Only what the source itself leaves out may be extra at the target.
  const out = leftAlone(it.goal).filter((path) =>
    entryAt(after, path) !== undefined
  );
  const extra = leftAlone(after);
  if (out.length > 0 || extra.length > 0) return;
  assertAlike(after, trackedPart(it.goal), it.options);
});

/** One case. */
interface Trees {
  readonly base: DirectoryEntry;
  readonly goal: DirectoryEntry;
  readonly options: DiffOptions & { readonly digests: boolean };
}

function check(law: string, holds: (it: Trees) => void): void {
  Deno.test(`diff() law: ${law}`, () => {
    const property = fc.property(twoTrees, OPTIONS, (trees, options) => {
      const [one, two] = trees.map((it) => read(it, options.checksum));
      const [base, goal] = options.digests
        ? [digested(one!, options.modes), digested(two!, options.modes)]
        : [one!, two!];
      holds({ base, goal, options });
    });
    fc.assert(property, { numRuns: RUNS });
  });
}

/**
 * What shall be there afterwards, said once more without changes: the goal, but
 * for what is left alone on either side and, without deletes, what is extra.
 */
function ruled(
  base: DirectoryEntry,
  goal: DirectoryEntry,
  options: DiffOptions,
): DirectoryEntry {
  const children: [Name, Entry][] = [];
  for (
    const name of new Set([...base.children.keys(), ...goal.children.keys()])
  ) {
    const entry = ruledEntry(
      base.children.get(name),
      goal.children.get(name),
      options,
    );
    if (entry !== undefined) children.push([name, entry]);
  }
  return { ...goal, children: sortChildren(children), digest: undefined };
}

function ruledEntry(
  base: Entry | undefined,
  goal: Entry | undefined,
  options: DiffOptions,
): Entry | undefined {
  if (base !== undefined && !isTracked(base)) return base;
  if (goal !== undefined && !isTracked(goal)) return base;
  if (goal === undefined) {
    if (base === undefined || !options.deletes) return base;
    if (base.kind !== "directory" || isWhollyTracked(base)) return undefined;
    // Its own mode and mtime stay, for it stays itself.
    const { mode, mtime } = base;
    return { ...ruled(base, directory(), options), mode, mtime };
  }
  if (base?.kind === "directory") {
    if (goal.kind === "directory") return ruled(base, goal, options);
    const mayGo = isWhollyTracked(base) &&
      (options.deletes || base.children.size === 0);
    if (!mayGo) return base;
  }
  return goal.kind === "directory" ? trackedPart(goal) : goal;
}

function leftAlone(root: DirectoryEntry, path = "" as RelPath): RelPath[] {
  return [...root.children].flatMap(([name, child]) => {
    const at = join(path, name);
    if (!isTracked(child)) return [at];
    return child.kind === "directory" ? leftAlone(child, at) : [];
  });
}

/** `tree` as a scan sees it that reads all content, or none. */
function read(tree: DirectoryEntry, checksum: boolean): DirectoryEntry {
  return mapEntries(tree, (entry) => {
    if (entry.kind !== "file") return entry;
    const digest = checksum ? entry.digest ?? "2".repeat(64) : undefined;
    return { ...entry, digest };
  });
}

/** Fails unless the trees are equal, but for modes where they do not count. */
function assertAlike(
  actual: DirectoryEntry,
  expected: DirectoryEntry,
  { modes }: DiffOptions,
): void {
  const [one, two] = [actual, expected].map((tree) =>
    mapEntries(
      tree,
      (entry) => "mode" in entry && !modes ? { ...entry, mode: 0 } : entry,
    )
  );
  assertSameTrees(one!, two!);
}

function mapEntries<E extends Entry>(
  entry: E,
  change: <F extends Entry>(entry: F) => F,
): E {
  if (entry.kind !== "directory") return change(entry);
  const children = [...entry.children].map(([name, child]) =>
    [name, mapEntries(child, change)] as const
  );
  return change({ ...entry, children: new Map(children) });
}
