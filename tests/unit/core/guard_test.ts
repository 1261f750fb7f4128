import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Change } from "../../../src/core/change.ts";
import type { TrackedEntry } from "../../../src/core/entry.ts";
import {
  checkMaxDelete,
  checkSameRoot,
  checkUsualLoss,
  type DeleteLimit,
  DeletionTally,
  isSameRoot,
  laterAllowance,
  type LossFacts,
} from "../../../src/core/guard.ts";
import { lossesOf } from "../../../src/core/losses.ts";
import { GuardError } from "../../../src/errors.ts";
import { directory, file, path, symlink } from "../../support/trees.ts";

function change(
  at: string,
  old: TrackedEntry | undefined,
  wanted?: TrackedEntry,
): Change {
  return { path: path(at), old, new: wanted };
}

/** Deletions of `count` files. */
function deletions(count: number): DeletionTally {
  const tally = new DeletionTally();
  tally.add(lossesOf(
    Array.from({ length: count }, (_, i) => change(`file ${i}`, file())),
  ));
  return tally;
}

Deno.test("DeletionTally counts directories with all below, flips of kind, and nothing twice", () => {
  const tally = new DeletionTally();
  const tree = directory({ a: file(), b: directory({ c: symlink("x") }) });
  tally.add(lossesOf([
    change("new", undefined, file()),
    change("edited", file(), file({ size: 2 })),
    change("moded", directory(), directory({}, { mode: 0o700 })),
    change("gone", tree),
    change("flipped", tree, file()),
    change("f", file(), directory()),
  ]));
  assertEquals(tally.count, 9);
  tally.add(lossesOf([
    change("gone", directory({ a: file() })),
    change("late", file()),
  ]));
  assertEquals(tally.count, 10);
  assertEquals(tally.describe(), "gone/, flipped/, f, late");
});

Deno.test("DeletionTally names five paths at the most, unambiguously", () => {
  const tally = new DeletionTally();
  const names = ["a", "b\n", "c", "d", "e", "f"];
  tally.add(lossesOf(names.map((at) => change(at, file()))));
  assertEquals(tally.describe(), 'a, "b\\n", c, d, e, …');
});

Deno.test("checkMaxDelete() stops what is over the limit, and only that", () => {
  const table: [DeleteLimit, number, number, boolean][] = [
    [{ kind: "count", count: 3 }, 3, 100, true],
    [{ kind: "count", count: 3 }, 4, 100, false],
    [{ kind: "count", count: 0 }, 0, 0, true],
    [{ kind: "count", count: 0 }, 1, 100, false],
    [{ kind: "percent", percent: 10 }, 10, 100, true],
    [{ kind: "percent", percent: 10 }, 11, 100, false],
    [{ kind: "percent", percent: 50 }, 2, 3, false],
    [{ kind: "percent", percent: 0 }, 1, 1_000, false],
    [{ kind: "percent", percent: 12.5 }, 1, 8, true],
    [{ kind: "all" }, 9, 9, true],
  ];
  for (const [limit, count, entries, passes] of table) {
    const check = (): void => checkMaxDelete(deletions(count), entries, limit);
    if (passes) check();
    else {
      const { message } = assertThrows(check, GuardError);
      assert(message.includes(`${count} of ${entries}`), message);
      assert(message.includes("file 0"), message);
    }
  }
});

const FACTS: LossFacts = {
  targetEntries: 100,
  sourceEntries: 50,
  sourceEntriesBefore: 100,
  allowed: undefined,
};

Deno.test("J05: checkUsualLoss() stops over 25% and over 20 entries", () => {
  const table: [number, number, boolean][] = [
    [25, 100, true],
    [26, 100, false],
    [20, 20, true],
    [21, 21, false],
    [20, 40, true],
    [21, 84, true],
    [21, 83, false],
    [250, 1_000, true],
    [251, 1_000, false],
  ];
  for (const [count, targetEntries, passes] of table) {
    const check = (): void =>
      checkUsualLoss(deletions(count), { ...FACTS, targetEntries });
    if (passes) check();
    else {
      const { message } = assertThrows(check, GuardError);
      assert(message.includes(`--allow-delete ${count}`), message);
    }
  }
});

Deno.test("laterAllowance() is what was allowed for ever, and nothing else", () => {
  const always = { kind: "all", always: true } as const;
  const cases: [DeleteLimit | undefined, DeleteLimit | undefined][] = [
    [undefined, undefined],
    [{ kind: "count", count: 9 }, undefined],
    [{ kind: "percent", percent: 100 }, undefined],
    [{ kind: "all" }, undefined],
    [always, always],
  ];
  for (const [allowed, later] of cases) {
    assertEquals(laterAllowance(allowed), later);
  }
});

Deno.test("A29: checkUsualLoss() stops a source that lost everything, however little that was", () => {
  const emptied = { ...FACTS, sourceEntries: 0, sourceEntriesBefore: 3 };
  const { message } = assertThrows(
    () => checkUsualLoss(deletions(3), emptied),
    GuardError,
  );
  assert(message.includes("source has 0 of 3 entries"), message);
  checkUsualLoss(deletions(0), emptied);
  checkUsualLoss(deletions(3), { ...emptied, sourceEntriesBefore: 0 });
});

Deno.test("checkUsualLoss() lets through what was allowed, and no more", () => {
  const table: [DeleteLimit, boolean][] = [
    [{ kind: "count", count: 40 }, true],
    [{ kind: "count", count: 39 }, false],
    [{ kind: "percent", percent: 40 }, true],
    [{ kind: "percent", percent: 39 }, false],
    [{ kind: "all" }, true],
  ];
  for (const [allowed, passes] of table) {
    const check = (): void =>
      checkUsualLoss(deletions(40), { ...FACTS, allowed });
    if (passes) check();
    else assertThrows(check, GuardError);
  }
});

Deno.test("J06: checkSameRoot() stops another directory that would take something away", () => {
  const before = { path: "/data", device: 1, inode: 2, born: 4 };
  const other = { ...before, inode: 3 };
  for (
    const losses of [{ deleted: 1, replaced: 0 }, { deleted: 0, replaced: 1 }]
  ) {
    const { message } = assertThrows(
      () => checkSameRoot(before, other, losses),
      GuardError,
    );
    for (const part of ["inode 2", "inode 3", "--allow-new-root"]) {
      assert(message.includes(part), message);
    }
    checkSameRoot(before, before, losses);
  }
  checkSameRoot(before, other, { deleted: 0, replaced: 0 });
});

Deno.test("isSameRoot() goes by inode and time of birth or device, and by path where there are none", () => {
  const root = { path: "/a", device: 1, inode: 2, born: 4 };
  assertEquals(isSameRoot(root, { ...root, path: "/moved" }), true);
  // Mounted anew, a file system may have another number.
  assertEquals(isSameRoot(root, { ...root, device: 3 }), true);
  const unborn = { ...root, born: undefined };
  assertEquals(isSameRoot(root, { ...unborn, device: 3 }), false);
  assertEquals(isSameRoot(root, { ...root, inode: 3 }), false);
  // Its numbers were given away again.
  assertEquals(isSameRoot(root, { ...root, born: 5 }), false);
  assertEquals(isSameRoot(root, { ...root, born: undefined }), true);
  const nameless = { ...root, device: 0, inode: 0 };
  assertEquals(isSameRoot(nameless, nameless), true);
  assertEquals(isSameRoot(nameless, { ...nameless, path: "/b" }), false);
});
