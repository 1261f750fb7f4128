import { assertEquals } from "@std/assert";
import type { Change } from "../../../src/core/change.ts";
import type { TrackedEntry } from "../../../src/core/entry.ts";
import { lossesOf } from "../../../src/core/losses.ts";
import { directory, file, path, symlink } from "../../support/trees.ts";

function change(
  at: string,
  old: TrackedEntry | undefined,
  wanted?: TrackedEntry,
): Change {
  return { path: path(at), old, new: wanted };
}

/** A file with this content; when it was modified says nothing about that. */
function holding(content: string, mtime = 1_000): TrackedEntry {
  return file({ digest: content.repeat(64), mtime });
}

const A = holding("a");
const B = holding("b");

/** What is lost by `changes`, which are carried out together: path, entries, files. */
function lost(...changes: readonly Change[]): [string, number, number][] {
  return lossesOf(changes, changes)
    .map(({ path, entries, files }) => [path, entries, files]);
}

Deno.test("lossesOf() knows what was renamed by its content", () => {
  assertEquals(lost(change("x", A), change("y", undefined, A)), []);
  assertEquals(
    lost(change("x", A), change("y", undefined, holding("a", 2_000))),
    [],
  );
  assertEquals(lost(change("x", A), change("y", undefined, B)), [["x", 1, 1]]);
  // In place of something else, and of itself as another kind.
  assertEquals(lost(change("x", A), change("y", B, A)), []);
  assertEquals(lost(change("x", A, directory({ x: A }))), []);
  const link = symlink("there");
  assertEquals(lost(change("x", link), change("y", undefined, link)), []);
  assertEquals(
    lost(change("x", link), change("y", undefined, symlink("elsewhere"))),
    [["x", 1, 0]],
  );
});

Deno.test("lossesOf() counts each copy that goes, but for as many as come", () => {
  const [x, y] = [change("x", A), change("y", A)];
  assertEquals(lost(x, y, change("z", undefined, A)), [["y", 1, 1]]);
  assertEquals(
    lost(x, y, change("d", undefined, directory({ v: A, w: A }))),
    [],
  );
  assertEquals(lost(x, y), [["x", 1, 1], ["y", 1, 1]]);
});

Deno.test("lossesOf() counts of a directory what is not found elsewhere", () => {
  const tree = directory({ v: A, d: directory({ w: B }), e: directory() });
  assertEquals(lost(change("x", tree)), [["x", 5, 2]]);
  assertEquals(lost(change("x", tree), change("y", undefined, tree)), []);
  // Its files one by one, at paths of their own; an empty directory is lost.
  assertEquals(
    lost(
      change("x", tree),
      change("y", undefined, A),
      change("z", undefined, B),
    ),
    [["x", 2, 0]],
  );
  assertEquals(
    lost(change("x", tree), change("y", undefined, directory({ v: A }))),
    [["x", 4, 1]],
  );
});

Deno.test("lossesOf() does not know again what takes no part", () => {
  const other = { kind: "untracked", reason: "special-file" } as const;
  const tree = directory({ other });
  assertEquals(lost(change("x", tree), change("y", undefined, tree)), [
    ["x", 2, 0],
  ]);
});

Deno.test("lossesOf() takes nothing for new that was there before", () => {
  const moded = directory({ w: A }, { mode: 0o700 });
  for (
    const stays of [
      change("y", A, holding("a", 2_000)),
      change("y", directory({ w: A }), moded),
    ]
  ) assertEquals(lost(change("x", A), stays), [["x", 1, 1]]);
});

Deno.test("lossesOf() goes by size and time where nobody knows the content", () => {
  const [one, other] = [file({ size: 1 }), file({ size: 2 })];
  assertEquals(lost(change("x", one), change("y", undefined, one)), []);
  assertEquals(
    lost(change("x", one), change("y", undefined, other)),
    [["x", 1, 1]],
  );
});
