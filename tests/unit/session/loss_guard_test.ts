import { assertEquals, assertThrows } from "@std/assert";
import type { DirectoryEntry } from "../../../src/core/entry.ts";
import { reconcile } from "../../../src/core/reconcile.ts";
import { GuardError } from "../../../src/errors.ts";
import { totalsOfTree } from "../../../src/hub/tree.ts";
import {
  type GuardedRound,
  LossGuard,
} from "../../../src/session/loss_guard.ts";
import type { RecentLosses } from "../../../src/session/recent_losses.ts";
import { digested, directory, file } from "../../support/trees.ts";

const NAMES = { alpha: "/here", beta: "/there" };
const FREE = { maxDelete: undefined, allowDelete: undefined };
const AT_MOST_3 = {
  maxDelete: { kind: "count", count: 3 },
  allowDelete: undefined,
} as const;

const SAME = file({ digest: "00".repeat(32) });

/** Files number `first` up to `end`. */
function files(first: number, end: number): DirectoryEntry {
  const names = Array.from({ length: end - first }, (_, i) => `f${first + i}`);
  return digested(directory(
    Object.fromEntries(names.map((name) => [name, SAME])),
  ));
}

/** Alpha has lost what beta still has of what both agreed on. */
function round(alpha: DirectoryEntry, beta: DirectoryEntry): GuardedRound {
  const scan = (root: DirectoryEntry) => ({
    root,
    totals: totalsOfTree(root),
    problems: [],
  });
  return {
    snapshots: { alpha: scan(alpha), beta: scan(beta) },
    reconciled: reconcile(beta, alpha, beta, {
      policy: "newest",
      labels: { alpha: "alpha", beta: "beta" },
      modes: true,
    }),
    ancestor: beta,
  };
}

Deno.test("LossGuard counts the losses of all rounds of a run", () => {
  const guard = new LossGuard(NAMES, { limits: AT_MOST_3 });
  const first = round(files(2, 10), files(0, 10));
  guard.scanned(first.snapshots);
  guard.check(first);
  const second = round(files(4, 10), files(2, 10));
  guard.scanned(second.snapshots);
  assertThrows(() => guard.check(second), GuardError, "/there");
});

Deno.test("LossGuard goes by what a side had before the first round", () => {
  const guard = new LossGuard(NAMES, { limits: FREE });
  guard.scanned(round(files(0, 100), files(0, 100)).snapshots);
  // 21 of 100 entries are no unusual share, of 30 they would be.
  guard.check(round(files(21, 30), files(0, 30)));
});

Deno.test("LossGuard counts what runs just before have deleted, and tells those to come", () => {
  const losses: RecentLosses = {
    lost: { alpha: [], beta: [] },
    entries: undefined,
  };
  const first = round(files(2, 10), files(0, 10));
  const before = new LossGuard(NAMES, { limits: AT_MOST_3, losses });
  before.scanned(first.snapshots);
  before.check(first);
  const { beta } = first.reconciled;
  before.carriedOut("beta", beta.changes);
  assertEquals(losses.lost.beta.map(({ path }) => path), ["f0", "f1"]);
  assertEquals(losses.entries, { alpha: 8, beta: 10 });

  const second = round(files(4, 10), files(2, 10));
  const after = new LossGuard(NAMES, { limits: AT_MOST_3, losses });
  after.scanned(second.snapshots);
  assertThrows(() => after.check(second), GuardError);
});

Deno.test("LossGuard lets a directory be renamed, and neither counts nor keeps that", () => {
  const losses: RecentLosses = {
    lost: { alpha: [], beta: [] },
    entries: undefined,
  };
  const tree = (name: string): DirectoryEntry =>
    digested(directory({ [name]: files(0, 60), other: SAME }));
  const renamed = round(tree("new"), tree("old"));
  const guard = new LossGuard(NAMES, { limits: AT_MOST_3, losses });
  guard.scanned(renamed.snapshots);
  guard.check(renamed);
  const { beta } = renamed.reconciled;
  guard.carriedOut("beta", beta.changes);
  assertEquals(losses.lost.beta, []);
  // What goes afterwards is counted as ever.
  const gone = round(digested(directory({ other: SAME })), tree("new"));
  guard.scanned(gone.snapshots);
  assertThrows(() => guard.check(gone), GuardError, "61 of 62");
});
