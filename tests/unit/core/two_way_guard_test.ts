import { assertEquals, assertThrows } from "@std/assert";
import type { Change } from "../../../src/core/change.ts";
import { DeletionTally } from "../../../src/core/guard.ts";
import {
  checkLossAtSide,
  type LossAtSide,
  lossesAtSide,
  type LossLimits,
} from "../../../src/core/two_way_guard.ts";
import { lossesOf } from "../../../src/core/losses.ts";
import { GuardError } from "../../../src/errors.ts";
import { file, path } from "../../support/trees.ts";

const FREE: LossLimits = { maxDelete: undefined, allowDelete: undefined };

function deletions(count: number): Change[] {
  return Array.from({ length: count }, (_, i) => ({
    path: path(`f${i}`),
    old: file(),
    new: undefined,
  }));
}

function loss(count: number, facts: Partial<LossAtSide> = {}): LossAtSide {
  const tally = new DeletionTally();
  tally.add(lossesOf(deletions(count)));
  return {
    place: "/here",
    otherPlace: "/there",
    deletions: tally,
    entries: 100,
    otherEntries: 50,
    agreedEntries: 100,
    ...facts,
  };
}

function halts(loss: LossAtSide, limits: Partial<LossLimits> = {}): boolean {
  try {
    checkLossAtSide(loss, { ...FREE, ...limits });
    return false;
  } catch (error) {
    if (error instanceof GuardError) return true;
    throw error;
  }
}

Deno.test("J05: checkLossAtSide() stops what is over 25 % and over 20 entries", () => {
  assertEquals(halts(loss(25)), false);
  assertEquals(halts(loss(26)), true);
  assertEquals(halts(loss(20, { entries: 30 })), false);
  assertEquals(halts(loss(21, { entries: 30 })), true);
});

Deno.test("J02: checkLossAtSide() stops any loss to a side that was emptied", () => {
  assertEquals(halts(loss(1, { otherEntries: 0 })), true);
  assertEquals(halts(loss(0, { otherEntries: 0 })), false);
  assertEquals(halts(loss(1, { otherEntries: 0, agreedEntries: 0 })), false);
});

Deno.test("checkLossAtSide() lets go what was allowed, and no more", () => {
  const allowed = (count: number): Partial<LossLimits> => ({
    allowDelete: { kind: "count", count },
  });
  assertEquals(halts(loss(50), allowed(50)), false);
  assertEquals(halts(loss(50), allowed(49)), true);
  assertEquals(halts(loss(50), { allowDelete: { kind: "all" } }), false);
  const limit = { maxDelete: { kind: "count", count: 9 } } as const;
  assertEquals(halts(loss(10), limit), true);
  assertEquals(halts(loss(10), { ...limit, ...allowed(10) }), true);
});

Deno.test("checkLossAtSide() names numbers, paths and what allows it", () => {
  const error = assertThrows(() => checkLossAtSide(loss(40), FREE), GuardError);
  for (
    const part of ["40 of 100", "/here", "/there", "f0", "--allow-delete 40"]
  ) {
    assertEquals(error.message.includes(part), true, part);
  }
});

Deno.test("lossesAtSide() counts no version that a conflict moves to a copy", () => {
  const [absent, moved] = deletions(2);
  const losses = lossesAtSide({
    changes: [absent!, moved!],
    origins: new Map(),
    absences: [absent!.path],
    problems: [],
  });
  assertEquals(losses.map(({ path }) => path), [absent!.path]);
});

Deno.test("lossesAtSide() counts nothing that is renamed there", () => {
  const [gone] = deletions(1);
  const losses = lossesAtSide({
    changes: [gone!, { path: path("new"), old: undefined, new: gone!.old }],
    origins: new Map(),
    absences: [gone!.path],
    problems: [],
  });
  assertEquals(losses, []);
});
