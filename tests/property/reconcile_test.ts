/** Laws of reconciling, on trees that overlap as two sides of a sync do. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Change } from "../../src/core/change.ts";
import type { ConflictPolicy } from "../../src/core/conflict.ts";
import {
  type DirectoryEntry,
  entriesBelow,
  type Entry,
  isTracked,
} from "../../src/core/entry.ts";
import { type Name, ROOT } from "../../src/core/path.ts";
import { reconcile } from "../../src/core/reconcile.ts";
import { entryAt } from "../../src/core/snapshot.ts";
import { edited } from "../support/arbitraries.ts";
import { note } from "../support/proof.ts";
import {
  directory,
  file,
  problem,
  symlink,
  undigested,
  untracked,
} from "../support/trees.ts";
import {
  contentsOf,
  modeOf,
  runModel,
  type Sides,
  swapped,
} from "../support/two_way_model.ts";

/** Cases of each law. */
const CASES = Number(Deno.env.get("LOCKSTEP_RECONCILES") ?? 7_200);

const names = fc.constantFrom(
  "a",
  "b",
  "c.txt",
  "a.conflict-to-19700101T000000Z",
);
const mtimes = fc.constantFrom(-1_000, 0, 5_000);
const modes = fc.constantFrom(0o644, 0o600);

/** Many contents, so that each can be followed. */
const files: fc.Arbitrary<Entry> = fc.record({
  mtime: mtimes,
  mode: modes,
  digest: fc.integer({ min: 0, max: 40 })
    .map((n) => n.toString(16).padStart(64, "0")),
}).map(file);
const links: fc.Arbitrary<Entry> = fc.tuple(
  fc.constantFrom("x", "y"),
  fc.constantFrom(0, 5_000),
).map(([target, mtime]) => symlink(target, mtime));
const leaves = fc.oneof(
  { weight: 6, arbitrary: files },
  { weight: 1, arbitrary: links },
);
const leftAlone = fc.constantFrom<Entry>(untracked(), problem());

function treeOf(leaf: fc.Arbitrary<Entry>): fc.Arbitrary<DirectoryEntry> {
  return fc.letrec<{ entry: Entry; root: DirectoryEntry }>((tie) => ({
    entry: fc.oneof({ depthSize: "small" }, leaf, tie("root")),
    root: fc.record({
      children: fc.dictionary(names, tie("entry"), { maxKeys: 4 }),
      mode: fc.constantFrom(0o755, 0o700),
      mtime: mtimes,
    }).map(({ children, ...own }) => directory(children, own)),
  })).root;
}

function editOf(leaf: fc.Arbitrary<Entry>): fc.Arbitrary<Edit> {
  return fc.record({
    at: fc.array(names, { minLength: 1, maxLength: 3 }),
    entry: fc.option(fc.oneof(leaf, treeOf(leaf)), { nil: undefined, freq: 2 }),
  });
}

interface Edit {
  readonly at: readonly string[];
  readonly entry: Entry | undefined;
}

/** An ancestor, and what two sides made of it. */
function sidesOf(leaf: fc.Arbitrary<Entry>): fc.Arbitrary<Sides> {
  return fc.tuple(
    treeOf(leaves),
    fc.array(editOf(leaf), { maxLength: 4 }),
    fc.array(editOf(leaf), { maxLength: 4 }),
    fc.boolean(),
  ).map(([ancestor, one, two, isFirst]) => ({
    ancestor: isFirst ? undefined : ancestor,
    alpha: one.reduce(edited, ancestor),
    beta: two.reduce(edited, ancestor),
  }));
}

const sides = sidesOf(leaves);
const awkwardSides = sidesOf(
  fc.oneof(
    { weight: 6, arbitrary: leaves },
    { weight: 1, arbitrary: leftAlone },
  ),
);
const settling = fc.constantFrom<ConflictPolicy>(
  "newest",
  "keep-both",
  "prefer-alpha",
  "prefer-beta",
);
const policies = fc.oneof(settling, fc.constant<ConflictPolicy>("manual"));

/** Contents of one side that it did not have from the ancestor, at that path. */
function editsOf(side: DirectoryEntry, { ancestor }: Sides): Set<string> {
  const before = ancestor === undefined
    ? new Map<string, string>()
    : contentsOf(ancestor);
  const found = new Set<string>();
  for (const [path, what] of contentsOf(side)) {
    if (what !== "directory" && before.get(path) !== what) found.add(what);
  }
  return found;
}

function holdsLeftAlone(root: DirectoryEntry): boolean {
  return [...entriesBelow(ROOT, root)].some(([, entry]) => !isTracked(entry));
}

function sorted(changes: readonly Change[]): unknown[] {
  return changes.map(({ path, old, new: wanted }) => ({
    path,
    old: old && bare(old),
    new: wanted && bare(wanted),
  })).sort((a, b) => a.path < b.path ? -1 : 1);
}

/** Without what only one machine knows. */
function bare(entry: Entry): unknown {
  return JSON.parse(
    JSON.stringify(
      undigested(entry),
      (_, value) => value instanceof Map ? [...value] : value,
    ),
  );
}

Deno.test("both sides are equal afterwards, whatever they did, unless conflicts are left to people", () => {
  fc.assert(
    fc.property(sides, settling, (sides, policy) => {
      const { alpha, beta, ancestor } = runModel(sides, modeOf(policy));
      assertEquals(bare(alpha), bare(beta));
      assertEquals(bare(ancestor!), bare(alpha));
    }),
    { numRuns: CASES },
  );
  note("N1", "reconciles", CASES);
});

Deno.test("a second run changes nothing", () => {
  fc.assert(
    fc.property(awkwardSides, policies, (sides, policy) => {
      const mode = modeOf(policy);
      const first = runModel(sides, mode);
      const again = reconcile(first.ancestor, first.alpha, first.beta, mode);
      assertEquals(sorted(again.alpha.changes), []);
      assertEquals(sorted(again.beta.changes), []);
      assertEquals(again.pending, []);
      assertEquals(bare(again.ancestor), bare(first.ancestor!));
    }),
    { numRuns: CASES },
  );
  note("N1", "reconciles", CASES);
});

Deno.test("swapping the sides swaps the result", () => {
  fc.assert(
    fc.property(
      awkwardSides,
      fc.constantFrom<ConflictPolicy>("newest", "keep-both", "manual"),
      (sides, policy) => {
        const mode = modeOf(policy);
        const turned = { ...mode, labels: { alpha: "to", beta: "from" } };
        const one = runModel(sides, mode);
        const two = runModel(swapped(sides), turned);
        assertEquals(bare(one.alpha), bare(two.beta));
        assertEquals(bare(one.beta), bare(two.alpha));
        const [first, other] = [one.rounds[0]!, two.rounds[0]!];
        assertEquals(sorted(first.alpha.changes), sorted(other.beta.changes));
        assertEquals(sorted(first.beta.changes), sorted(other.alpha.changes));
        assertEquals(
          one.conflicts.map(({ path, copies }) => [path, copies.toSorted()]),
          two.conflicts.map(({ path, copies }) => [path, copies.toSorted()]),
        );
      },
    ),
    { numRuns: CASES },
  );
  note("N1", "reconciles", CASES);
});

Deno.test("no edit is lost: it is on both sides afterwards, or where it was", () => {
  fc.assert(
    fc.property(awkwardSides, policies, (sides, policy) => {
      const { alpha, beta } = runModel(sides, modeOf(policy));
      const atAlpha = new Set(contentsOf(alpha).values());
      const atBeta = new Set(contentsOf(beta).values());
      const isWhole = policy !== "manual" && !holdsLeftAlone(sides.alpha) &&
        !holdsLeftAlone(sides.beta);
      for (const side of [sides.alpha, sides.beta]) {
        for (const what of editsOf(side, sides)) {
          assert(atAlpha.has(what) || atBeta.has(what), `${what} is lost`);
          if (!isWhole) continue;
          assert(
            atAlpha.has(what) && atBeta.has(what),
            `${what} stayed behind`,
          );
        }
      }
    }),
    { numRuns: CASES },
  );
  note("N1", "reconciles", CASES);
});

Deno.test("no edit is lost where any of the changes fail, and the next runs go well", () => {
  const seeds = fc.array(fc.boolean(), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(sides, settling, seeds, (sides, policy, failing) => {
      let at = 0;
      const mode = modeOf(policy);
      // A directory whose content was not changed can't be left out alone.
      const broken = runModel(
        sides,
        mode,
        (_, { path }) =>
          path !== ROOT && failing[at++ % failing.length]! &&
          !sides.alpha.children.has("never" as Name),
      );
      const { alpha, beta } = runModel(broken, mode);
      assertEquals(bare(alpha), bare(beta));
      const there = new Set(contentsOf(alpha).values());
      for (const side of [sides.alpha, sides.beta]) {
        for (const what of editsOf(side, sides)) {
          assert(there.has(what), `${what} is lost`);
        }
      }
    }),
    { numRuns: CASES },
  );
  note("N1", "reconciles", CASES);
});

Deno.test("what takes no part on one side is left alone on both", () => {
  fc.assert(
    fc.property(awkwardSides, policies, (sides, policy) => {
      const after = runModel(sides, modeOf(policy));
      for (const side of ["alpha", "beta"] as const) {
        for (const [path, entry] of entriesBelow(ROOT, sides[side])) {
          if (isTracked(entry)) continue;
          assertEquals(entryAt(after[side], path), entry);
        }
      }
    }),
    { numRuns: CASES },
  );
  note("N1", "reconciles", CASES);
});

Deno.test("a first run deletes nothing", () => {
  fc.assert(
    fc.property(awkwardSides, (sides) => {
      const first = { ...sides, ancestor: undefined };
      const { rounds } = runModel(first, modeOf("newest"));
      for (const { alpha, beta } of rounds) {
        for (const { new: wanted } of [...alpha.changes, ...beta.changes]) {
          assert(wanted !== undefined);
        }
      }
    }),
    { numRuns: CASES },
  );
  note("N1", "reconciles", CASES);
});
