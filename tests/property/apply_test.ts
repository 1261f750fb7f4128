import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { applyChanges } from "../../src/core/apply_changes.ts";
import { diff } from "../../src/core/diff.ts";
import type { DirectoryEntry, Entry } from "../../src/core/entry.ts";
import type { Name } from "../../src/core/path.ts";
import { RUNS, twoTrees } from "../support/arbitraries.ts";
import {
  assertSameTrees,
  digested,
  trackedPart,
  undigested,
} from "../support/trees.ts";

for (const modes of [true, false]) {
  Deno.test(`applyChanges() of a diff gives the goal and its digest, ${modes ? "with" : "without"} modes`, () => {
    const property = fc.property(twoTrees, fc.boolean(), ([a, b], bare) => {
      const base = digested(alike(trackedPart(a), bare), modes);
      const goal = digested(alike(trackedPart(b), bare), modes);
      const { changes } = diff(base, goal, { deletes: true, modes });
      // What comes over the wire has no digests of directories.
      const steps = changes.map((change) =>
        bare && change.new ? { ...change, new: undigested(change.new) } : change
      );
      const after = applyChanges(base, steps, modes);
      assertEquals(after.digest, goal.digest);
      if (modes) {
        assertSameTrees(after, goal);
      }
    });
    fc.assert(property, { numRuns: RUNS });
  });
}

Deno.test("applyChanges() digests what it leaves alone no more than it has to", () => {
  const property = fc.property(twoTrees, ([a, b]) => {
    const base = digested(alike(a, true));
    const { changes } = diff(base, digested(alike(b, true)), {
      deletes: false,
      modes: true,
    });
    const after = applyChanges(base, changes, true);
    assertEquals(after.digest, digested(undigested(after)).digest);
    for (const [name, child] of base.children) {
      const isReached = changes.some(({ path }) => path.split("/")[0] === name);
      assert(isReached || after.children.get(name) === child);
    }
  });
  fc.assert(property, { numRuns: RUNS });
});

/** `tree`, whose files all have digests, or none of them: one scan finds no others. */
function alike(tree: DirectoryEntry, bare: boolean): DirectoryEntry {
  const children = new Map<Name, Entry>();
  for (const [name, child] of tree.children) {
    if (child.kind === "directory") children.set(name, alike(child, bare));
    else if (child.kind !== "file") children.set(name, child);
    else {
      const digest = bare ? undefined : child.digest ?? "2".repeat(64);
      children.set(name, { ...child, digest });
    }
  }
  return { ...tree, children };
}
