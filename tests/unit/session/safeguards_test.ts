import { assertEquals, assertThrows } from "@std/assert";
import { totalsOfChanges } from "../../../src/core/change.ts";
import { totalsOf } from "../../../src/core/entry.ts";
import { diff } from "../../../src/core/diff.ts";
import type { DirectoryEntry } from "../../../src/core/entry.ts";
import { GuardError } from "../../../src/errors.ts";
import type { Comparison } from "../../../src/session/events.ts";
import type { RoundRecord } from "../../../src/session/round_record.ts";
import {
  Safeguards,
  type SafetyLimits,
} from "../../../src/session/safeguards.ts";
import { digested, directory, file } from "../../support/trees.ts";

const ROOT = { path: "/data", device: 1, inode: 2, born: 4 };
const OTHER = { ...ROOT, inode: 3 };
const NONE: SafetyLimits = {
  maxDelete: undefined,
  allowDelete: undefined,
  allowNewRoot: false,
};

/** A directory with so many files. */
function files(count: number, size = 1): DirectoryEntry {
  return directory(Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`${i}`, file({ size })]),
  ));
}

function compare(base: DirectoryEntry, goal: DirectoryEntry): Comparison {
  const [target, source] = [base, goal].map((tree) => {
    const { directories, ...rest } = totalsOf(tree);
    const totals = { ...rest, directories: directories - 1 };
    return { root: digested(tree), totals, problems: [] };
  });
  const { changes } = diff(base, goal, { deletes: true, modes: true });
  return {
    source: source!,
    target: target!,
    moves: [],
    changes,
    totals: totalsOfChanges(changes),
    problems: [],
    modes: true,
  };
}

/** A record of a run that mirrored `tree`. */
function recordOf(tree: DirectoryEntry): RoundRecord {
  const { source } = compare(directory(), tree);
  const { files, directories } = source.totals;
  return {
    root: ROOT,
    entries: files + directories,
    digest: source.root.digest!,
  };
}

/** Where a record is kept, in memory. */
class Records {
  writes = 0;
  constructor(public record: RoundRecord | undefined) {}
  read(): Promise<RoundRecord | undefined> {
    return Promise.resolve(this.record);
  }
  write(record: RoundRecord): Promise<void> {
    this.record = record;
    this.writes++;
    return Promise.resolve();
  }
}

Deno.test("a first run does as it is told, and is remembered", async () => {
  const records = new Records(undefined);
  const guard = await Safeguards.open(ROOT, NONE, records);
  const round = compare(files(100), files(2));
  assertEquals(guard.review(round), { changes: round.changes, problems: [] });
  await guard.completed(round);
  assertEquals(records.record, recordOf(files(2)));
});

Deno.test("a run of which nothing is kept, or nothing is known, is not remembered", async () => {
  const round = compare(files(100), files(2));
  const without = await Safeguards.open(ROOT, NONE);
  await without.completed(round);

  const records = new Records(undefined);
  const guard = await Safeguards.open(ROOT, NONE, records);
  const { source } = round;
  const root = { ...source.root, digest: undefined };
  await guard.completed({ ...round, source: { ...source, root } });
  assertEquals(records.writes, 0);
});

Deno.test("deletions add up over the rounds of a run, and a path that is tried again counts once", async () => {
  const limits: SafetyLimits = {
    ...NONE,
    maxDelete: { kind: "count", count: 5 },
  };
  const guard = await Safeguards.open(ROOT, limits);
  const whole = files(10);
  guard.review(compare(whole, files(6)));
  guard.review(compare(files(8), files(6)));
  guard.review(compare(files(6), files(5)));
  assertThrows(() => guard.review(compare(files(5), files(4))), GuardError);
});

Deno.test("shares are of what the target had before the run", async () => {
  const limits: SafetyLimits = {
    ...NONE,
    maxDelete: { kind: "percent", percent: 50 },
  };
  const guard = await Safeguards.open(ROOT, limits);
  guard.review(compare(files(10), files(5)));
  assertThrows(() => guard.review(compare(files(100), files(94))), GuardError);
});

Deno.test("J05: after a completed run, an unusual loss halts, unless it is allowed", async () => {
  const records = new Records(recordOf(files(100)));
  const round = compare(files(100), files(70));
  const guard = await Safeguards.open(ROOT, NONE, records);
  assertThrows(() => guard.review(round), GuardError);
  const allowDelete = { kind: "count", count: 30 } as const;
  const told = await Safeguards.open(ROOT, { ...NONE, allowDelete }, records);
  told.review(round);
});

Deno.test("J06: after a completed run, another root halts where it would take something away", async () => {
  const records = new Records(recordOf(files(3)));
  const guard = await Safeguards.open(OTHER, NONE, records);
  guard.review(compare(files(3), files(4)));
  assertThrows(() => guard.review(compare(files(3), files(2))), GuardError);
  const another = await Safeguards.open(OTHER, NONE, records);
  const edited = compare(files(3), files(3, 2));
  assertThrows(() => another.review(edited), GuardError);
  const allowed = { ...NONE, allowNewRoot: true };
  const told = await Safeguards.open(OTHER, allowed, records);
  told.review(edited);
  await told.completed(edited);
  assertEquals(records.record?.root, OTHER);
});

Deno.test("a round that did no harm yet, from an empty or another root, does not disarm the guards", async () => {
  const records = new Records(recordOf(files(3)));
  const empty = compare(directory(), directory());
  const guard = await Safeguards.open(ROOT, NONE, records);
  guard.review(empty);
  await guard.completed(empty);
  const other = await Safeguards.open(OTHER, NONE, records);
  const round = compare(files(3), files(4));
  other.review(round);
  await other.completed(round);
  assertEquals(records.writes, 0);
});

Deno.test("a run that changes nothing writes nothing", async () => {
  const records = new Records(recordOf(files(3)));
  const guard = await Safeguards.open(ROOT, NONE, records);
  const round = compare(files(3), files(3));
  guard.review(round);
  await guard.completed(round);
  assertEquals(records.writes, 0);
});
