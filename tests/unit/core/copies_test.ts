import { assertEquals } from "@std/assert";
import type { Change } from "../../../src/core/change.ts";
import { findCopies } from "../../../src/core/copies.ts";
import type { FileEntry, TrackedEntry } from "../../../src/core/entry.ts";
import { parseRelPath } from "../../../src/core/path.ts";
import { directory, file } from "../../support/trees.ts";

function change(
  path: string,
  old: TrackedEntry | undefined,
  wanted: TrackedEntry | undefined,
): Change {
  return { path: parseRelPath(path), old, new: wanted };
}

function digestOf({ digest }: FileEntry): string | undefined {
  return digest;
}

/** Where copies of the planned files are, by number. */
function found(
  changes: readonly Change[],
  tree: Parameters<typeof directory>[0],
): [number, string][] {
  const copies = findCopies(changes, directory(tree), digestOf);
  return [...copies].map(([index, { path }]) => [index, path]);
}

const SMALL = file({ size: 100, digest: "aa" });
const LARGE = file({ size: 100_000, digest: "bb" });

Deno.test("findCopies() finds what was renamed, also in directories", () => {
  const changes = [
    change("new", undefined, directory({ x: SMALL, y: LARGE })),
    change(
      "old",
      directory({ a: SMALL, b: directory({ c: LARGE }) }),
      undefined,
    ),
    change("z", undefined, file({ size: 7, digest: "cc" })),
  ];
  assertEquals(found(changes, { any: file() }), [
    [0, "old/a"],
    [1, "old/b/c"],
  ]);
  assertEquals(found(changes, {}), []);
});

Deno.test("findCopies() looks at a whole tree only where that may spare something", () => {
  const tree = { "there.small": SMALL, "there.large": LARGE };
  const small = change("s", undefined, SMALL);
  const large = change("t", undefined, LARGE);
  assertEquals(found([small], tree), []);
  assertEquals(found([large], tree), [[0, "there.large"]]);
  assertEquals(found([small, large], tree), [
    [0, "there.small"],
    [1, "there.large"],
  ]);
});

Deno.test("findCopies() prefers what goes, and takes what is replaced for that", () => {
  const tree = { stays: LARGE, goes: LARGE, f: LARGE };
  const goes = change("goes", LARGE, undefined);
  const isNew = change("n", undefined, LARGE);
  assertEquals(found([isNew, goes], tree), [[0, "goes"]]);
  const replaced = change("f", LARGE, file({ size: 3, digest: "dd" }));
  assertEquals(found([replaced, change("n", undefined, LARGE)], tree), [
    [1, "f"],
  ]);
});

Deno.test("findCopies() takes nothing for a copy of what is empty, or like no other", () => {
  const unknown = file({ size: 100_000 });
  const empty = file({ size: 0, digest: "00" });
  assertEquals(
    found([
      change("a", undefined, unknown),
      change("b", undefined, empty),
      change("c", undefined, LARGE),
    ], { x: unknown, y: empty, z: file({ size: 100_000, digest: "ee" }) }),
    [],
  );
});
