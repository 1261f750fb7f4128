import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Name } from "../../../src/core/path.ts";
import { LARGE_BYTES } from "../../../src/core/order_by_size.ts";
import { FileSystemError } from "../../../src/errors.ts";
import {
  TwoWayWatching,
  type TwoWayWatchingOptions,
} from "../../support/two_way_watching.ts";
import { CHANGING, type WorldSide } from "../../support/two_way_world.ts";

const encoder = new TextEncoder();

/** Saves a file as somebody at that side would, at a time in seconds. */
async function write(
  watching: TwoWayWatching,
  side: WorldSide,
  name: string,
  text: string,
  mtime = 1e12,
): Promise<void> {
  const root = await watching.fs[side].openRoot("/");
  if (await root.lookup(name as Name) !== undefined) {
    await root.removeFile(name as Name);
  }
  const metadata = { mode: 0o644, mtime };
  await root.createFile(name as Name, encoder.encode(text), metadata);
  root.close();
}

async function remove(
  watching: TwoWayWatching,
  side: WorldSide,
  name: string,
): Promise<void> {
  const root = await watching.fs[side].openRoot("/");
  await root.removeFile(name as Name);
  root.close();
}

/** A test of a watch on both sides here, and of one with beta at the other end. */
function test(
  name: string,
  body: (options: TwoWayWatchingOptions) => Promise<void>,
): void {
  for (const isRemote of [false, true]) {
    const where = isRemote ? "over a connection" : "between directories";
    Deno.test(`${name}, ${where}`, () => body({ isRemote }));
  }
}

test("a two-way watch unites both sides, and carries each edit to the other", async (options) => {
  const watching = await TwoWayWatching.start({
    alpha: { a: "1", "d/x": "x" },
    beta: { b: "2", "d/y": "y" },
  }, options);
  assertEquals(watching.rounds.length, 1);
  const united = { a: "1", b: "2", d: null, "d/x": "x", "d/y": "y" };
  for (const side of ["alpha", "beta"] as const) {
    const { d: _, ...files } = watching.dump(side);
    const { d: __, ...expected } = united;
    assertEquals(files, expected);
  }
  await write(watching, "alpha", "a", "edited");
  await write(watching, "beta", "new", "made");
  await remove(watching, "beta", "b");
  await watching.pass(500);
  assertEquals(watching.dump("beta"), watching.dump("alpha"));
  assertEquals(watching.dump("beta")["a"], "edited");
  assertEquals(watching.dump("alpha")["new"], "made");
  assertEquals(watching.dump("alpha")["b"], undefined);
  assertEquals([watching.warnings, watching.halts], [[], []]);
  await watching.stop();
});

test("H11: what one side is given makes no further transfer, and nothing is written again", async (options) => {
  const watching = await TwoWayWatching.start({
    alpha: { a: "1", "d/x": "x" },
    beta: {},
  }, options);
  for (let i = 0; i < 4; i++) {
    const side = i % 2 === 0 ? "alpha" : "beta";
    await write(watching, side, `n${i}`, `${i}`);
    await watching.pass(500);
    assertEquals(watching.rounds.length, i + 2);
  }
  const { changes } = watching.rounds.at(-1)!;
  assertEquals([changes.alpha.created, changes.beta.created], [1, 0]);
  const writes = { ...watching.writes };
  const { saves } = watching.ancestry;
  // Over several whole scans of both sides.
  for (let i = 0; i < 20; i++) await watching.pass(10_000);
  assertEquals(watching.writes, writes);
  assertEquals(watching.ancestry.saves, saves);
  assertEquals(watching.rounds.length, 5);
  await watching.stop();
});

test("a file that both sides change during a watch is kept in both versions", async (options) => {
  const watching = await TwoWayWatching.start({
    alpha: { a: "old" },
    beta: { a: "old" },
  }, options);
  await write(watching, "alpha", "a", "of alpha", 1.1e12);
  await write(watching, "beta", "a", "of beta", 1.2e12);
  await watching.pass(1_000);
  const tree = watching.dump("alpha");
  assertEquals(watching.dump("beta"), tree);
  assertEquals(tree["a"], "of beta");
  assertEquals(Object.values(tree).sort(), ["of alpha", "of beta"]);
  const conflicts = watching.events.filter(({ kind }) => kind === "conflict");
  assertEquals(conflicts.length, 1);
  await watching.stop();
});

test("a conflict that is left to people is told of once, and again when it is another one", async (options) => {
  const watching = await TwoWayWatching.start({
    alpha: { a: "old", other: "1" },
    beta: { a: "old", other: "1" },
  }, { ...options, policy: "manual" });
  await write(watching, "alpha", "a", "of alpha");
  await write(watching, "beta", "a", "of beta");
  await watching.pass(500);
  const told = (): number =>
    watching.events.filter(({ kind }) => kind === "conflict").length;
  assertEquals(told(), 1);
  assertEquals(watching.follower.conflicts.length, 1);
  await write(watching, "beta", "other", "2");
  await watching.pass(500);
  assertEquals(watching.dump("alpha")["other"], "2");
  assertEquals(told(), 1);
  await write(watching, "beta", "a", "of beta, again");
  await watching.pass(500);
  assertEquals(told(), 2);
  assertEquals(watching.dump("alpha")["a"], "of alpha");
  await write(watching, "alpha", "a", "of beta, again");
  await watching.pass(500);
  assertEquals(watching.follower.conflicts, []);
  await watching.stop();
});

test("what happens while nobody is connected is caught up with in one round", async (options) => {
  const watching = await TwoWayWatching.start({
    alpha: { a: "1", b: "2", c: "3" },
    beta: { a: "1", b: "2", c: "3" },
  }, options);
  await watching.disconnect();
  await write(watching, "alpha", "a", "offline");
  await remove(watching, "alpha", "b");
  await watching.pass(500);
  await write(watching, "beta", "c", "there");
  await write(watching, "beta", "d", "new");
  const { length } = watching.rounds;
  await watching.connect();
  await watching.pass(500);
  const tree = watching.dump("alpha");
  assertEquals(watching.dump("beta"), tree);
  assertEquals(tree, { a: "offline", c: "there", d: "new" });
  assertEquals(watching.rounds.length, length + 1);
  await watching.stop();
});

test("J05: a side that loses most of what it has halts the watch, until it is back", async (options) => {
  const many = Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => [`f${i}`, `${i}`]),
  );
  const watching = await TwoWayWatching.start(
    { alpha: many, beta: many },
    options,
  );
  for (let i = 0; i < 40; i++) await remove(watching, "beta", `f${i}`);
  await watching.pass(2_000);
  assertEquals(watching.halts.length, 1);
  assertStringIncludes(watching.halts[0]!, "has lost all of its entries");
  assert(watching.follower.halted !== undefined);
  assertEquals(Object.keys(watching.dump("alpha")).length, 40);
  for (let i = 0; i < 40; i++) await write(watching, "beta", `f${i}`, `${i}`);
  await watching.pass(2_000);
  assertEquals(watching.follower.halted, undefined);
  assertEquals(watching.dump("beta"), watching.dump("alpha"));
  assertEquals(Object.keys(watching.dump("beta")).length, 40);
  await watching.stop();
});

test("deletions in a row add up to what the guards allow", async (options) => {
  const many = Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => [`f${i}`, `${i}`]),
  );
  const limits = {
    maxDelete: { kind: "count", count: 5 },
    allowDelete: undefined,
  } as const;
  const watching = await TwoWayWatching.start(
    { alpha: many, beta: many },
    { ...options, limits },
  );
  for (let i = 0; i < 10; i++) {
    await remove(watching, "alpha", `f${i}`);
    await watching.pass(300);
  }
  assertEquals(Object.keys(watching.dump("beta")).length, 35);
  assertEquals(watching.halts.length, 1);
  await watching.stop();
});

test("a root that is gone deletes nothing at the other side, and is taken up again", async (options) => {
  const watching = await TwoWayWatching.start({
    alpha: { a: "1" },
    beta: { a: "1" },
  }, options);
  for (const side of ["alpha", "beta"] as const) {
    watching.place[side] = false;
    await remove(watching, side, "a");
    await watching.pass(10_000);
    const other = side === "alpha" ? "beta" : "alpha";
    assertEquals(Object.keys(watching.dump(other)), ["a"]);
    await write(watching, side, "a", `back at ${side}`, 1.3e12);
    watching.place[side] = true;
    for (let i = 0; i < 10; i++) await watching.pass(10_000);
    assertEquals(watching.dump("alpha"), { a: `back at ${side}` });
    assertEquals(watching.dump("beta"), { a: `back at ${side}` });
  }
  const kinds = watching.feedEvents.map(({ kind }) => kind);
  assertEquals(kinds.filter((kind) => kind === "source-lost").length, 2);
  assertEquals(kinds.filter((kind) => kind === "source-back").length, 2);
  await watching.stop();
});

test("events that are lost cost time, and nothing else", async (options) => {
  const watching = await TwoWayWatching.start({
    alpha: { a: "1" },
    beta: { a: "1" },
  }, options);
  for (const side of ["alpha", "beta"] as const) {
    watching.fs[side].watches.passes = () => false;
  }
  await write(watching, "alpha", "a", "unheard");
  await write(watching, "beta", "b", "of");
  await watching.pass(1_000);
  assertEquals(watching.dump("beta"), { a: "1", b: "of" });
  for (let i = 0; i < 14; i++) await watching.pass(10_000);
  assertEquals(watching.dump("beta"), { a: "unheard", b: "of" });
  assertEquals(watching.dump("alpha"), { a: "unheard", b: "of" });
  await watching.stop();
});

test("what could not be carried out is no problem any more once it is gone", async (options) => {
  const watching = await TwoWayWatching.start({ alpha: {}, beta: {} }, options);
  watching.fs.beta.fault = (method, path) =>
    CHANGING.has(method) && path.endsWith("bad")
      ? new FileSystemError("denied", `It does not want ${path}`)
      : undefined;
  await write(watching, "alpha", "bad", "b");
  await watching.pass(2_000);
  const { follower } = watching;
  assertEquals(follower.problems.map(({ problem }) => problem.path), ["bad"]);
  // By now it rests for a while.
  await watching.pass(1_000);
  await remove(watching, "alpha", "bad");
  await watching.pass(100);
  assertEquals(follower.problems, []);
  await watching.stop();
});

test("what is small comes before what is large, as one round", async (options) => {
  const watching = await TwoWayWatching.start({ alpha: {}, beta: {} }, options);
  const order: string[] = [];
  watching.fs.beta.fault = (method, path) => {
    const name = ["a-large", "z-small"].find((name) => path.endsWith(name));
    if (CHANGING.has(method) && name !== undefined) order.push(name);
    return undefined;
  };
  await write(watching, "alpha", "a-large", "l".repeat(LARGE_BYTES));
  await write(watching, "alpha", "z-small", "s");
  for (let i = 0; i < 100 && watching.rounds.length < 2; i++) {
    await watching.pass(100);
  }
  assertEquals([...new Set(order)], ["z-small", "a-large"]);
  const { changes, problems } = watching.rounds[1]!;
  assertEquals([changes.beta.created, changes.beta.files, problems], [2, 2, 0]);
  assertEquals(watching.rounds.length, 2);
  assertEquals(watching.follower.problems, []);
  await watching.stop();
});
