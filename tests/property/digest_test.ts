import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { DirectoryEntry, Entry } from "../../src/core/entry.ts";
import { RUNS, twoTrees } from "../support/arbitraries.ts";
import { digested, trackedPart, undigested } from "../support/trees.ts";

for (const modes of [true, false]) {
  const name = modes ? "with modes" : "without modes";
  Deno.test(`digests are equal if and only if the trees are, ${name}`, () => {
    const property = fc.property(twoTrees, ([one, two]) => {
      assertEquals(
        digested(one, modes).digest === digested(two, modes).digest,
        written(one, modes) === written(two, modes),
      );
      assertEquals(
        digested(one, modes).digest,
        digested(trackedPart(one), modes).digest,
      );
    });
    fc.assert(property, { numRuns: RUNS });
  });
}

/** All that counts of a tree but the root's own mode and mtime, as text. */
function written(root: DirectoryEntry, modes: boolean): string {
  return JSON.stringify(plain(trackedPart(undigested(root)), modes).children);
}

function plain(
  entry: Entry,
  modes: boolean,
): { readonly [field: string]: unknown } {
  const bits = modes ? {} : { mode: 0 };
  if (entry.kind === "file") return { ...entry, ...bits };
  if (entry.kind !== "directory") return { ...entry };
  const children = [...entry.children].map((
    [name, child],
  ) => [name, plain(child, modes)]);
  return { ...entry, ...bits, children };
}
