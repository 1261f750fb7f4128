/**
 * Roots that are emptied, swapped, gone, or can't be listed in the middle: nothing
 * is deleted elsewhere that nobody has deleted (I2), whatever else comes of it, and
 * when the root is back, nothing was lost. LOCKSTEP_LOST_ROOTS says how many.
 */
import { assert, assertEquals } from "@std/assert";
import type { RootIdentity } from "../../src/core/guard.ts";
import type { Clock } from "../../src/core/clock.ts";
import {
  FileSystemError,
  type FileSystemErrorCode,
  GuardError,
  SyncError,
} from "../../src/errors.ts";
import { MemoryFileSystem } from "../../src/fs/memory_fs.ts";
import type { MemoryMethod } from "../../src/fs/memory_state.ts";
import type { PlainEntry, PlainTree } from "../../src/fs/memory_tree.ts";
import { LocalEndpoint } from "../../src/session/local_endpoint.ts";
import { mirror } from "../../src/session/mirror.ts";
import type { RoundRecord } from "../../src/session/round_record.ts";
import { Safeguards } from "../../src/session/safeguards.ts";
import { note } from "../support/proof.ts";
import { Random, seedOr } from "../support/random.ts";
import { HURRIED, TwoWayWorld } from "../support/two_way_world.ts";

const CASES = Number(Deno.env.get("LOCKSTEP_LOST_ROOTS") ?? 600);
const SEED = seedOr(10);

const CODES: readonly FileSystemErrorCode[] = ["io", "denied", "not-found"];

/** Calls by which a scan looks at a tree. */
const LOOKING: ReadonlySet<MemoryMethod> = new Set([
  ...["openRoot", "list", "openDirectory", "lookup", "stat"],
] as MemoryMethod[]);

/** What becomes of a root. */
type Loss =
  /** J01, J03: it can't be opened. */
  | { readonly kind: "gone"; readonly code: FileSystemErrorCode }
  /** J02, J04: nothing is in it, as where its disk is not mounted. */
  | { readonly kind: "emptied" }
  /** J05: most of it is not there. */
  | { readonly kind: "halved" }
  /** J06: it is another directory, with something else in it. */
  | { readonly kind: "swapped" }
  /** From this call on, or at it alone, it can't be looked at. */
  | {
    readonly kind: "failing";
    readonly call: number;
    readonly lasts: boolean;
    readonly code: FileSystemErrorCode;
  };

function lossBy(random: Random): Loss {
  switch (random.below(10)) {
    case 0:
      return { kind: "gone", code: random.pick(CODES) };
    case 1:
      return { kind: "emptied" };
    case 2:
      return { kind: "halved" };
    case 3:
      return { kind: "swapped" };
    default: {
      const lasts = random.below(2) === 0;
      // An entry that is said to be gone by itself was deleted while it was listed.
      const code = random.pick(CODES.slice(0, 2));
      return { kind: "failing", call: random.below(60), lasts, code };
    }
  }
}

/** Enough entries that losing most of them is no routine. */
function treeBy(random: Random): PlainTree {
  const tree: Record<string, PlainEntry> = {};
  for (let i = random.between(40, 60); i > 0; i--) {
    const directory = random.pick(["", "a/", "a/b/", "c/", "d/e/f/"]);
    tree[`${directory}f${i}`] = `content ${i}`;
  }
  return tree;
}

/** `tree` as it is found after `loss`; without, for those that only fail. */
function treeAfter(loss: Loss, tree: PlainTree): PlainTree {
  const names = Object.keys(tree);
  switch (loss.kind) {
    case "emptied":
      return {};
    case "halved":
      return Object.fromEntries(
        names.slice(0, Math.floor(names.length / 3))
          .map((name) => [name, tree[name]!]),
      );
    case "swapped":
      return { other: "of another directory" };
    default:
      return tree;
  }
}

/** Makes calls fail as `loss` says. */
function faultOf(
  loss: Loss,
): (method: MemoryMethod) => FileSystemError | undefined {
  let calls = 0;
  return (method) => {
    if (loss.kind !== "gone" && loss.kind !== "failing") return undefined;
    if (!LOOKING.has(method)) return undefined;
    const at = calls++;
    if (loss.kind === "failing") {
      if (at < loss.call || (at > loss.call && !loss.lasts)) return undefined;
    }
    return new FileSystemError(loss.code, `Cannot ${method}: it is lost`);
  };
}

function contentsOf(fileSystem: MemoryFileSystem): string[] {
  return Object.entries(fileSystem.dump())
    .filter(([path, entry]) =>
      !path.startsWith(".lockstep") && typeof entry === "string"
    )
    .map(([path, entry]) => `${path}: ${entry}`).sort();
}

/** What remembers the last run of a mirror. */
class Records {
  record: RoundRecord | undefined;

  read(): Promise<RoundRecord | undefined> {
    return Promise.resolve(this.record);
  }

  write(record: RoundRecord): Promise<void> {
    this.record = record;
    return Promise.resolve();
  }
}

/** One run of a mirror, as the command does it. */
async function mirrorOnce(
  source: MemoryFileSystem,
  target: MemoryFileSystem,
  records: Records,
  inode: number,
): Promise<void> {
  const root: RootIdentity = { path: "/", device: 1, inode, born: inode };
  const limits = {
    maxDelete: undefined,
    allowDelete: undefined,
    allowNewRoot: false,
  };
  const clock: Clock = HURRIED;
  const from = await LocalEndpoint.open(source, "/");
  try {
    const to = await LocalEndpoint.open(target, "/");
    try {
      await to.recover();
      await mirror(from, to, {
        checksum: false,
        symlinks: "copy",
        deletes: true,
        clock,
        guards: [await Safeguards.open(root, limits, records)],
      });
    } finally {
      await to.close({ kind: "done", message: "" });
    }
  } finally {
    await from.close({ kind: "done", message: "" });
  }
}

/** Whether `run` was halted; else it went well, or failed for a reason. */
async function halts(run: Promise<unknown>): Promise<boolean> {
  try {
    await run;
    return false;
  } catch (error) {
    if (!(error instanceof SyncError)) throw error;
    return error instanceof GuardError;
  }
}

async function mirrorLosing(random: Random, where: string): Promise<boolean> {
  const tree = treeBy(random);
  const loss = lossBy(random);
  const target = MemoryFileSystem.from({});
  const records = new Records();
  const source = MemoryFileSystem.from(tree);
  await mirrorOnce(source, target, records, 1);
  const before = contentsOf(target);
  assertEquals(before.length, Object.keys(tree).length, where);

  const isOther = loss.kind === "swapped";
  const lost = loss.kind === "gone" || loss.kind === "failing"
    ? source
    : MemoryFileSystem.from(treeAfter(loss, tree));
  lost.fault = faultOf(loss);
  const run = mirrorOnce(lost, target, records, isOther ? 2 : 1);
  const isHalted = await halts(run);
  const what = `${where}: ${JSON.stringify(loss)}`;
  assertEquals(contentsOf(target), before, what);
  const isGuarded = ["emptied", "halved", "swapped"].includes(loss.kind);
  assertEquals(isHalted, isGuarded, what);
  // It is back.
  source.fault = undefined;
  await mirrorOnce(source, target, records, 1);
  assertEquals(contentsOf(target), before, what);
  return isHalted;
}

async function twoWayLosing(random: Random, where: string): Promise<boolean> {
  const tree = treeBy(random);
  const world = new TwoWayWorld(tree, {});
  await world.sync();
  const side = random.pick(["alpha", "beta"] as const);
  const other = side === "alpha" ? "beta" : "alpha";
  const before = contentsOf(world[other]);
  assertEquals(before.length, Object.keys(tree).length, where);
  let loss = lossBy(random);
  // Who a root is, its caller finds out; here it is always the same.
  if (loss.kind === "swapped") loss = { kind: "emptied" };
  const after = treeAfter(loss, tree);
  if (loss.kind === "emptied" || loss.kind === "halved") {
    const root = await world[side].openRoot("/");
    for (const path of Object.keys(tree)) {
      if (path in after) continue;
      const names = path.split("/");
      let at = root;
      for (const name of names.slice(0, -1)) {
        at = await at.openDirectory(name as never);
      }
      await at.removeFile(names.at(-1) as never);
    }
  }
  const fault = faultOf(loss);
  world.fault = (where, method) => where === side ? fault(method) : undefined;
  const isHalted = await halts(world.sync());
  const what = `${where}: ${side} ${JSON.stringify(loss)}`;
  assertEquals(contentsOf(world[other]), before, what);
  const isGuarded = ["emptied", "halved"].includes(loss.kind);
  assertEquals(isHalted, isGuarded, what);
  world.fault = undefined;
  if (isGuarded) return isHalted;
  await world.sync();
  assertEquals(contentsOf(world[other]), before, what);
  assertEquals(contentsOf(world[side]), before, what);
  return isHalted;
}

Deno.test(`J01-J06: ${CASES} lost roots delete nothing anywhere else`, async () => {
  let halted = 0;
  for (let i = 0; i < CASES; i++) {
    const random = new Random(SEED * 1_000_003 + i);
    const where = `LOCKSTEP_SEED=${SEED}, case ${i}`;
    const losing = i % 2 === 0 ? mirrorLosing : twoWayLosing;
    if (await losing(random, where)) halted++;
    note("N10", "lost roots", 1);
  }
  assert(halted > CASES / 10, `only ${halted} were halted`);
});
