import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Name } from "../../../src/core/path.ts";
import { FileSystemError, GuardError } from "../../../src/errors.ts";
import type { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import type { Endpoint } from "../../../src/session/endpoint.ts";
import { Random } from "../../support/random.ts";
import {
  TwoWayWorld,
  type WorldRun,
  type WorldSide,
} from "../../support/two_way_world.ts";

const MODES: readonly (readonly [string, WorldRun])[] = [
  ["between directories", {}],
  ["over a connection", { connection: {} }],
];

/** Writes a file, as an editor does: a new one takes the place of the old. */
async function save(
  fileSystem: MemoryFileSystem,
  path: string,
  text: string,
  mtime = 1_700_000_000_000,
): Promise<void> {
  const { directory, name } = await parentOf(fileSystem, path);
  const content = new TextEncoder().encode(text);
  const temporary = "~" as Name;
  await directory.createFile(temporary, content, { mode: 0o644, mtime });
  await directory.rename(temporary, directory, name);
  directory.close();
}

async function remove(fs: MemoryFileSystem, path: string): Promise<void> {
  const { directory, name } = await parentOf(fs, path);
  const stat = await directory.lookup(name);
  if (stat?.kind === "directory") {
    const inner = await directory.openDirectory(name);
    for (const { name } of (await inner.list()).entries) {
      await remove(fs, `${path}/${name}`);
    }
    inner.close();
    await directory.removeDirectory(name);
  } else await directory.removeFile(name);
  directory.close();
}

async function parentOf(
  fileSystem: MemoryFileSystem,
  path: string,
): Promise<
  { directory: Awaited<ReturnType<MemoryFileSystem["openRoot"]>>; name: Name }
> {
  const slash = path.lastIndexOf("/");
  const parent = slash < 0 ? "/" : path.slice(0, slash);
  const directory = await fileSystem.openRoot(parent);
  return { directory, name: path.slice(slash + 1) as Name };
}

function assertBoth(
  world: TwoWayWorld,
  tree: Readonly<Record<string, unknown>>,
): void {
  for (const side of ["alpha", "beta"] as const) {
    const found = Object.fromEntries(world.dump(side));
    assertEquals(found, tree as typeof found, side);
  }
}

for (const [how, run] of MODES) {
  Deno.test(`bidirectional() carries edits, deletions and renames both ways, ${how}`, async () => {
    const tree = { a: "a", b: "b", "d/x": "x", "d/y": "y", gone: "gone" };
    const world = new TwoWayWorld(tree, tree);
    await world.sync(run);
    await save(world.alpha, "a", "edited at alpha");
    await save(world.alpha, "d/new", "new at alpha");
    await remove(world.alpha, "gone");
    await save(world.beta, "b", "edited at beta");
    await save(world.beta, "d/z", "x");
    await remove(world.beta, "d/x");
    const summary = await world.sync(run);
    assertEquals([summary.problems, summary.conflicts], [[], []]);
    assertBoth(world, {
      a: "edited at alpha",
      b: "edited at beta",
      "d/new": "new at alpha",
      "d/y": "y",
      "d/z": "x",
    });
    assertEquals(summary.changes.alpha.deleted, 1);
    assertEquals(summary.changes.alpha.created, 1);
    assertEquals(summary.changes.beta.deleted, 1);
    assertEquals(world.warnings, []);
  });

  Deno.test(`bidirectional() keeps the version that loses, on both sides, ${how}`, async () => {
    const world = new TwoWayWorld({ "a.txt": "old" }, { "a.txt": "old" });
    await world.sync(run);
    const big = "big ".repeat(100_000);
    await save(world.alpha, "a.txt", big, 1_700_000_000_000);
    await save(world.beta, "a.txt", "later", 1_700_000_001_000);
    const summary = await world.sync(run);
    const copy = "a.conflict-alpha-20231114T221320Z.txt";
    assertBoth(world, { "a.txt": "later", [copy]: big });
    assertEquals(
      summary.conflicts.map(({ path, winner, copies }) =>
        [path, winner, copies] as unknown
      ),
      [["a.txt", "beta", [copy]]],
    );
    assertEquals(summary.problems, []);
  });

  Deno.test(`bidirectional() keeps a directory that loses, ${how}`, async () => {
    const world = new TwoWayWorld({}, {});
    await world.sync(run);
    await save(world.alpha, "n", "file", 1_700_000_000_000);
    const top = await world.beta.openRoot("/n", { create: true });
    const deep = await world.beta.openRoot("/n/deep", { create: true });
    await save(world.beta, "n/one", "1");
    await save(world.beta, "n/deep/two", "2".repeat(200_000));
    await top.setOwnMetadata({ mode: 0o755, mtime: 1_700_000_000_000 });
    top.close();
    deep.close();
    await world.sync({ ...run, policy: "prefer-alpha" });
    const copy = "n.conflict-beta-20231114T221320Z";
    assertBoth(world, {
      n: "file",
      [`${copy}/one`]: "1",
      [`${copy}/deep/two`]: "2".repeat(200_000),
    });
  });

  Deno.test(`bidirectional() changes nothing where nothing was changed, ${how}`, async () => {
    const world = new TwoWayWorld(
      { a: "a", "d/x": "x", l: { symlink: "a" } },
      { b: "b" },
    );
    await world.sync(run);
    const { saves } = world.records;
    const before = structuredClone([
      world.alpha.counters.mutations,
      world.beta.counters.mutations,
    ]);
    const summary = await world.sync(run);
    assertEquals(summary.rounds, 1);
    assertEquals(
      [world.alpha.counters.mutations, world.beta.counters.mutations],
      before,
    );
    assertEquals(world.records.saves, saves);
  });

  Deno.test(`bidirectional() halts before one side is emptied after the other, ${how}`, async () => {
    const world = new TwoWayWorld({ a: "a", "d/b": "b" }, {});
    await world.sync(run);
    await remove(world.alpha, "a");
    await remove(world.alpha, "d");
    await assertRejects(
      () => world.sync(run),
      GuardError,
      "lost all of its entries",
    );
    assertEquals(world.dump("beta").size, 2);
    const allowDelete = { kind: "all" } as const;
    const limits = { maxDelete: undefined, allowDelete };
    await world.sync({ ...run, limits });
    assertBoth(world, {});
  });
}

Deno.test("bidirectional() halts before an unusual share of one side is deleted", async () => {
  const tree = Object.fromEntries(
    Array.from({ length: 60 }, (_, i) => [`f${i}`, `${i}`]),
  );
  const world = new TwoWayWorld(tree, tree);
  await world.sync();
  for (let i = 0; i < 40; i++) await remove(world.beta, `f${i}`);
  await save(world.beta, "new", "new");
  const error = await assertRejects(() => world.sync(), GuardError);
  assert(error.message.includes("40 of 60 entries"), error.message);
  assert(error.message.includes("--allow-delete 40"), error.message);
  assertEquals(world.dump("alpha").size, 60);
  assertEquals(world.dump("beta").size, 21);
});

Deno.test("bidirectional() keeps to --max-delete on each side", async () => {
  const tree = { a: "a", b: "b", c: "c", d: "d" };
  const world = new TwoWayWorld(tree, tree);
  await world.sync();
  await remove(world.alpha, "a");
  await remove(world.alpha, "b");
  const limits = {
    maxDelete: { kind: "count", count: 1 },
    allowDelete: undefined,
  } as const;
  await assertRejects(() => world.sync({ limits }), GuardError, "--max-delete");
  assertEquals(world.dump("beta").size, 4);
});

Deno.test("bidirectional() leaves manual conflicts, and tells them in each run", async () => {
  const world = new TwoWayWorld({ a: "1", b: "b" }, { a: "2" });
  for (let i = 0; i < 2; i++) {
    const summary = await world.sync({ policy: "manual" });
    assertEquals(summary.conflicts.map(({ path }) => path as string), ["a"]);
    assertEquals(summary.conflicts[0]!.winner, undefined);
    assertEquals(Object.fromEntries(world.dump("alpha")), { a: "1", b: "b" });
    assertEquals(Object.fromEntries(world.dump("beta")), { a: "2", b: "b" });
  }
});

Deno.test("bidirectional() deletes nothing whose absence can't be confirmed", async () => {
  const tree = { a: "a", b: "b", "d/x": "x" };
  const world = new TwoWayWorld(tree, tree);
  await world.sync();
  // A listing that overlooks entries, as after a read error.
  const summary = await world.sync({
    wrap: (side, endpoint) =>
      side === "alpha" ? withoutSeeing(endpoint, "a") : endpoint,
  });
  assertEquals(world.dump("beta").get("a"), "a");
  assertEquals(summary.changes.beta.deleted, 0);
  const again = await world.sync();
  assertEquals(again.problems, []);
  assertBoth(world, tree);
});

/** An endpoint whose scans overlook a name at the top. */
function withoutSeeing(endpoint: Endpoint, name: string): Endpoint {
  return new Proxy(endpoint, {
    get(inner, property): unknown {
      const value = Reflect.get(inner, property, inner);
      if (property !== "scan") {
        return typeof value === "function" ? value.bind(inner) : value;
      }
      return async (...args: Parameters<Endpoint["scan"]>) => {
        const snapshot = await inner.scan(...args);
        const children = new Map(snapshot.root.children);
        children.delete(name as Name);
        return { ...snapshot, root: { ...snapshot.root, children } };
      };
    },
  });
}

Deno.test("bidirectional() looks again at what was edited while it worked", async () => {
  const tree = { a: "a", b: "b" };
  const world = new TwoWayWorld(tree, tree);
  await world.sync();
  await save(world.alpha, "a", "alpha's", 1_700_000_000_000);
  let edits = 0;
  const summary = await world.sync({
    wrap: (side, endpoint) =>
      side === "alpha" ? endpoint : beforeTransition(endpoint, async () => {
        if (edits++ === 0) {
          await save(world.beta, "a", "beta's", 1_700_000_001_000);
        }
      }),
  });
  assert(edits > 1);
  assertEquals(summary.problems, []);
  const copy = "a.conflict-alpha-20231114T221320Z";
  assertBoth(world, { a: "beta's", b: "b", [copy]: "alpha's" });
});

/** An endpoint that does something before each transition. */
function beforeTransition(
  endpoint: Endpoint,
  act: () => Promise<void>,
): Endpoint {
  return new Proxy(endpoint, {
    get(inner, property): unknown {
      const value = Reflect.get(inner, property, inner);
      if (property !== "transition") {
        return typeof value === "function" ? value.bind(inner) : value;
      }
      return async (...args: Parameters<Endpoint["transition"]>) => {
        await act();
        return await inner.transition(...args);
      };
    },
  });
}

Deno.test("bidirectional() remembers of a transition only what was achieved", async () => {
  const world = new TwoWayWorld({ a: "a", b: "b" }, {});
  world.fault = (side, method, path) =>
    side === "beta" && method === "moveNew" && path.endsWith("/a")
      ? new FileSystemError("io", "Cannot move a: broken")
      : undefined;
  const summary = await world.sync();
  assertEquals(summary.problems.map(({ problem }) => problem.path as string), [
    "a",
  ]);
  world.fault = undefined;
  // Had it been taken for agreed, it would be deleted now.
  await world.sync();
  assertBoth(world, { a: "a", b: "b" });
});

Deno.test("bidirectional() takes sides that remember different runs as on a first run", async () => {
  for (const lose of ["alpha", "beta", "neither"] as const) {
    const tree = { a: "a", b: "b", c: "c" };
    const world = new TwoWayWorld(tree, tree);
    await world.sync();
    const [bytes, tokens] = [world.records.bytes, world.pairing.tokens];
    await save(world.alpha, "a", "2");
    await world.sync();
    await save(world.alpha, "a", "3");
    await world.sync();
    await remove(world.beta, "b");
    // As after a restore of what one side remembers.
    if (lose === "alpha") world.records.bytes = bytes;
    if (lose === "beta") world.pairing.tokens = tokens;
    await world.sync();
    const isDeleted = lose === "neither";
    assertEquals(world.dump("beta").has("b"), !isDeleted, lose);
    assertEquals(world.dump("alpha").has("b"), !isDeleted, lose);
    assertEquals(world.warnings.length, isDeleted ? 0 : 1, lose);
  }
});

Deno.test("bidirectional() does not guess what a damaged memory said", async () => {
  const tree = { a: "a", b: "b" };
  const world = new TwoWayWorld(tree, tree);
  await world.sync();
  await remove(world.beta, "b");
  world.records.bytes![60]! ^= 1;
  await world.sync();
  assertBoth(world, tree);
  assertEquals(world.warnings.length, 1);
  await remove(world.beta, "b");
  await world.sync();
  assertBoth(world, { a: "a" });
  assertEquals(world.warnings.length, 1);
});

Deno.test("bidirectional() forgets what was agreed on with another directory", async () => {
  const tree = { a: "a", b: "b", c: "c" };
  const world = new TwoWayWorld(tree, tree);
  await world.sync();
  await remove(world.beta, "b");
  world.pairing.isReplaced = true;
  await world.sync();
  assertBoth(world, tree);
});

/** Larger than what is sent without being described first. */
const LARGE = new Random(5).bytes(60_000).toHex();
const MIDDLE = LARGE.length / 2;

/** What both sides of the worlds below have at first, and what each does then. */
const START = {
  "large, edited at both": LARGE,
  same: "same",
  "edited at alpha": "0",
  "edited at beta": "0",
  "edited at both": "0",
  "deleted at alpha": "0",
  "deleted at alpha, edited at beta": "0",
  "d/a": "0",
  "d/b": "0",
  "e/a": "0",
  "e/b": "0",
  kind: "0",
};

/** Contents that nobody may lose. */
const EDITS = [
  "1",
  "2",
  "3a",
  "3b",
  "4",
  "5",
  "6",
  "7".repeat(70_000),
  "8",
  `${LARGE.slice(0, MIDDLE)}9a${LARGE.slice(MIDDLE)}`,
  `${LARGE}9b`,
];

async function diverged(run: WorldRun): Promise<TwoWayWorld> {
  const world = new TwoWayWorld(START, START);
  await world.sync(run);
  await save(world.alpha, "edited at alpha", EDITS[0]!);
  await save(world.beta, "edited at beta", EDITS[1]!);
  await save(world.alpha, "edited at both", EDITS[2]!, 1_700_000_000_000);
  await save(world.beta, "edited at both", EDITS[3]!, 1_700_000_001_000);
  await remove(world.alpha, "deleted at alpha");
  await remove(world.alpha, "deleted at alpha, edited at beta");
  await save(world.beta, "deleted at alpha, edited at beta", EDITS[4]!);
  await save(world.alpha, "d/new", EDITS[5]!);
  await remove(world.beta, "d/a");
  await remove(world.alpha, "e");
  await save(world.beta, "e/new", EDITS[6]!);
  await save(world.beta, "large", EDITS[7]!);
  const both = "large, edited at both";
  await save(world.alpha, both, EDITS[9]!, 1_700_000_000_000);
  await save(world.beta, both, EDITS[10]!, 1_700_000_001_000);
  await remove(world.alpha, "kind");
  (await world.alpha.openRoot("/kind", { create: true })).close();
  await save(world.alpha, "kind/inner", EDITS[8]!);
  return world;
}

async function assertNothingLost(
  world: TwoWayWorld,
  run: WorldRun,
  when: string,
): Promise<void> {
  const kept = new Set([...world.contents("alpha"), ...world.contents("beta")]);
  for (const edit of EDITS) assert(kept.has(edit), `${edit} is lost, ${when}`);
  world.dieAtStep = Infinity;
  const summary = await world.sync(run);
  assertEquals(summary.problems, [], when);
  assertEquals(world.dump("alpha"), world.dump("beta"), when);
  const after = world.contents("alpha");
  for (const edit of EDITS) assert(after.has(edit), `${edit} is lost, ${when}`);
  for (const side of ["alpha", "beta"] as WorldSide[]) {
    // What could neither stay nor go when a call failed is kept for people.
    const left = Object.keys(world[side].dump()).filter((path) =>
      path.startsWith(".lockstep") && !path.startsWith(".lockstep/kept")
    );
    assertEquals(left, [], when);
  }
  const { rounds, changes } = await world.sync(run);
  assertEquals([rounds, changes.alpha.created, changes.beta.created], [
    1,
    0,
    0,
  ]);
}

for (const [how, run] of MODES) {
  Deno.test(`bidirectional() loses nothing, wherever it is killed, ${how}`, async () => {
    let kills = 0;
    for (let step = 1;; step++) {
      const world = await diverged(run);
      world.steps = 0;
      world.dieAtStep = step;
      await world.sync(run).catch(() => {});
      if (!world.isDead) break;
      kills++;
      await assertNothingLost(world, run, `killed at step ${step}`);
    }
    assert(kills > 100, `${kills} kills`);
  });
}

Deno.test("bidirectional() knows what it has brought back from an edit, wherever it is killed", async () => {
  const before = { "f": "0", "d/f": "0", "d/g": "0", same: "0" };
  let kills = 0;
  let broughtBack = 0;
  for (let step = 1;; step++) {
    const world = new TwoWayWorld(before, before);
    await world.sync();
    await remove(world.alpha, "f");
    await remove(world.alpha, "d");
    await save(world.beta, "f", "1");
    await save(world.beta, "d/f", "1");
    world.steps = 0;
    world.dieAtStep = step;
    await world.sync().catch(() => {});
    if (!world.isDead) break;
    kills++;
    world.dieAtStep = Infinity;
    const back = ["f", "d/f"].filter((path) => world.dump("alpha").has(path));
    // As it was before: that is an edit of what alpha has by now.
    for (const path of back) await save(world.beta, path, "0");
    await world.sync();
    const when = `killed at step ${step}`;
    assertEquals(world.dump("alpha"), world.dump("beta"), when);
    for (const path of back) {
      broughtBack++;
      assertEquals(world.dump("beta").get(path), "0", `${path}, ${when}`);
    }
    assertEquals(world.dump("beta").has("d/g"), false, when);
  }
  assert(kills > 10 && broughtBack > 4, `${kills} kills, ${broughtBack} back`);
});

Deno.test("bidirectional() loses nothing, wherever the connection is cut", async () => {
  let cuts = 0;
  for (const way of ["there", "back"] as const) {
    for (let cutAtMessage = 1;; cutAtMessage++) {
      const world = await diverged({});
      const connection = { [way]: { cutAtMessage } };
      let isCut = false;
      await world.sync({ connection }).catch(() => isCut = true);
      if (!isCut) break;
      cuts++;
      await assertNothingLost(
        world,
        { connection: {} },
        `cut ${way} at message ${cutAtMessage}`,
      );
    }
  }
  assert(cuts > 20, `${cuts} cuts`);
});

Deno.test("bidirectional() loses nothing, whichever call fails", async () => {
  let failures = 0;
  const cases = [
    ["io", {}],
    ["no-space", {}],
    ["denied", {}],
    // Over a connection, files are described and made of others.
    ["io", { connection: {} }],
  ] as const;
  for (const [code, run] of cases) {
    for (let call = 1;; call += 3) {
      const world = await diverged(run);
      let calls = 0;
      world.fault = () =>
        ++calls === call
          ? new FileSystemError(code, "The call failed")
          : undefined;
      await world.sync(run).catch(() => {});
      world.fault = undefined;
      if (calls < call) break;
      failures++;
      await assertNothingLost(world, run, `${code} at call ${call}`);
    }
  }
  assert(failures > 300, `${failures} failures`);
});
