import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { DirectoryEntry } from "../../../src/core/entry.ts";
import { entryAt, type Snapshot } from "../../../src/core/snapshot.ts";
import { Doubts } from "../../../src/session/doubts.ts";
import { digested, directory, file, path } from "../../support/trees.ts";

function snapshot(root: DirectoryEntry): Snapshot {
  const totals = { directories: 0, files: 0, symlinks: 0, bytes: 0 };
  return { root: digested(root), totals, problems: [] };
}

/** At the source: "a" and "b" as they were, and another "a" that looks the same. */
const BEFORE = snapshot(directory({
  a: file({ inode: 1 }),
  b: file({ inode: 2 }),
}));
const NOW = snapshot(directory({
  a: file({ inode: 3 }),
  b: file({ inode: 2 }),
}));

/** The target has the old "a", which can't be told from the new one. */
const THERE = snapshot(directory({ a: file(), b: file() }));

/** Paths at which the two sides count as different. */
function marked(
  doubts: Doubts,
  here: Snapshot = NOW,
  there: Snapshot = THERE,
): string[] {
  const sides = doubts.mark(here, there, true);
  return ["a", "b", "c"].filter((at) => {
    const ours = entryAt(sides.here.root, path(at));
    const theirs = entryAt(sides.there.root, path(at));
    return ours?.kind === "file" && theirs?.kind === "file" &&
      ours.digest !== theirs.digest;
  });
}

Deno.test("without a doubt both sides stay as they are", () => {
  const sides = new Doubts().mark(NOW, THERE, true);
  assert(sides.here === NOW && sides.there === THERE);
});

Deno.test("a file that was replaced by one that looks the same is different until it was sent", () => {
  const doubts = new Doubts();
  assertEquals(marked(doubts, BEFORE), []);
  assertEquals(marked(doubts), ["a"]);
  doubts.settle(() => false);
  assertEquals(marked(doubts), ["a"]);
  doubts.sent(path("a"));
  doubts.settle(() => false);
  assertEquals(marked(doubts), []);
});

Deno.test("what was marked makes other digests, and nothing of that is left once it is unmarked", () => {
  const doubts = new Doubts();
  marked(doubts, BEFORE);
  const { here, there } = doubts.mark(NOW, THERE, true);
  assertNotEquals(here.root.digest, there.root.digest);
  assertEquals(doubts.unmark(there.root, true), THERE.root);
});

Deno.test("what is different anyway is in doubt no more, unless it is left for later", () => {
  const other = snapshot(directory({ a: file({ size: 9 }), b: file() }));
  for (const isLeft of [false, true]) {
    const doubts = new Doubts();
    marked(doubts, BEFORE);
    assertEquals(marked(doubts, NOW, other), []);
    // It is not sent because of the doubt.
    doubts.sent(path("a"));
    doubts.settle(() => isLeft);
    assertEquals(marked(doubts), isLeft ? ["a"] : []);
  }
});

Deno.test("a doubt goes along with a file that is moved", () => {
  const doubts = new Doubts();
  marked(doubts, BEFORE);
  marked(doubts);
  const origins = new Map([[path("c"), path("a")]]);
  doubts.moveAlong(origins);
  doubts.settle((at) => origins.has(at));
  const moved = snapshot(directory({ b: file({ inode: 2 }), c: file() }));
  const there = snapshot(directory({ b: file(), c: file() }));
  assertEquals(marked(doubts, moved, there), ["c"]);
});

Deno.test("what was read too early is in doubt where it turned out to be different", async () => {
  const doubts = new Doubts();
  assertEquals(marked(doubts), []);
  const reread = (paths: string[]) => (): Promise<ReturnType<typeof path>[]> =>
    Promise.resolve(paths.map(path));
  assertEquals(await doubts.reread({ reread: reread([]) }), false);
  assertEquals(await doubts.reread({ reread: reread(["b"]) }), true);
  assertEquals(marked(doubts), ["b"]);
});

Deno.test("what could not be sent is in doubt, also where it looks like the old one later", () => {
  const saved = snapshot(directory({ a: file({ inode: 1, mtime: 9_000 }) }));
  const putBack = snapshot(directory({ a: file({ inode: 1, ctime: 3 }) }));
  const change = {
    path: path("a"),
    old: file(),
    new: file({ inode: 1, mtime: 9_000 }),
  };
  for (const isSent of [false, true]) {
    const doubts = new Doubts();
    marked(doubts, BEFORE);
    marked(doubts, saved);
    doubts.sending([change]);
    if (isSent) doubts.sent(path("a"));
    doubts.settle(() => !isSent);
    assertEquals(marked(doubts, putBack), isSent ? [] : ["a"]);
  }
});
