import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { Change } from "../../../src/core/change.ts";
import { type RelPath, ROOT } from "../../../src/core/path.ts";
import type { DirectoryEntry } from "../../../src/core/entry.ts";
import { entryAt } from "../../../src/core/snapshot.ts";
import { GuardError } from "../../../src/errors.ts";
import { isUnusual, lossOf } from "../../../src/hub/approvals.ts";
import { openStore } from "../../../src/hub/data_directory.ts";
import { HubEndpoint } from "../../../src/hub/hub_endpoint.ts";
import { HubTrees } from "../../../src/hub/hub_tree.ts";
import { openMemoryStore } from "../../../src/hub/sqlite_store.ts";
import type { HubStore, ProposedChange } from "../../../src/hub/store.ts";
import { ANY, at, put } from "../../contract/hub_store_contract.ts";
import { TempDir } from "../../support/temp.ts";
import { directory, file } from "../../support/trees.ts";

const SCAN = {
  ...{ checksum: true, symlinks: "copy", modes: true } as const,
  ignore: { rules: [], files: [] },
};
const PEER = "a".repeat(32);
const LOSS = { paths: [at("d")], files: 150, total: 200 };

function manyFiles(count: number): Record<string, ReturnType<typeof file>> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`f${i}`, file({ size: i })]),
  );
}

Deno.test("more than 100 files, and more than half of all, are unusual", () => {
  for (
    const [files, total, expected] of [
      [100, 100, false],
      [101, 202, false],
      [101, 201, true],
      [150, 200, true],
      [5_000, 20_000, false],
    ] as const
  ) assertEquals(isUnusual({ paths: [], files, total }), expected, `${files}`);
});

Deno.test("what goes at one path and comes at another was renamed", () => {
  const tree = directory(manyFiles(150));
  const gone: Change = { path: at("old"), old: tree, new: undefined };
  const come: Change = { path: at("new"), old: undefined, new: tree };
  assertEquals(lossOf([gone], 200).files, 150);
  assertEquals(lossOf([gone, come], 200).files, 0);
  const other = directory(manyFiles(40));
  assertEquals(
    lossOf([gone, { ...come, new: other }], 200),
    { paths: [at("old")], files: 110, total: 200 },
  );
  // What is approved, and all below it, does not count.
  assertEquals(lossOf([gone], 200, [at("old")]).files, 0);
  assertEquals(lossOf([gone], 200, [at("older")]).files, 150);
  // A file in place of a directory takes it away; one in place of a file does not.
  const replaced: Change = {
    path: at("old"),
    old: tree,
    new: file({ size: 999 }),
  };
  assertEquals(lossOf([replaced], 200).files, 150);
  // What is only renamed needs nobody's approval.
  const alone: Change = { path: at("alone"), old: file(), new: undefined };
  assertEquals(lossOf([gone, come, alone], 200), {
    paths: [at("alone")],
    files: 1,
    total: 200,
  });
  const edited: Change = {
    path: at("f"),
    old: file({ size: 1 }),
    new: file({ size: 2 }),
  };
  assertEquals(lossOf([edited], 200).paths, []);
});

Deno.test("an unusual loss waits until it is approved, for this client and these paths", async () => {
  const time = { now: 1_000 };
  const store = openMemoryStore(() => time.now);
  const { approvals } = store;
  approvals.review("laptop", { ...LOSS, files: 90 });
  assertThrows(() => approvals.review("laptop", LOSS), GuardError, "approve 1");
  // Another try is the same request.
  assertThrows(() => approvals.review("laptop", LOSS), GuardError, "approve 1");
  assertEquals(approvals.list().map(({ id, files }) => [id, files]), [[
    1,
    150,
  ]]);
  assertEquals(approvals.decide(1, "approved"), true);
  assertEquals(approvals.decide(1, "rejected"), false);
  assertEquals(approvals.approvedFor("laptop").map(({ paths }) => paths), [
    [at("d")],
  ]);
  assertEquals(approvals.approvedFor("desktop"), []);
  assertEquals(approvals.list(), []);
  time.now += 25 * 3_600_000;
  assertEquals(approvals.approvedFor("laptop"), []);
  await store.close();
});

Deno.test("a side whose deletion is rejected is like a new one afterwards", async () => {
  const store = openMemoryStore();
  const { approvals, pairings } = store;
  const tokens = { current: "1".repeat(32), previous: undefined };
  await pairings.commit(PEER, tokens);
  assertThrows(() => approvals.review("laptop", LOSS, PEER), GuardError);
  approvals.decide(1, "rejected");
  assertEquals((await pairings.look(PEER)).tokens, undefined);
  assertThrows(
    () => approvals.review("laptop", LOSS, PEER),
    GuardError,
    "rejected",
  );
  await store.close();
});

Deno.test("deletions one by one add up while they follow each other", async () => {
  const time = { now: 0 };
  const store = openMemoryStore(() => time.now);
  const { approvals } = store;
  let left = 200;
  const remove = async (client: string): Promise<void> => {
    const path = `f${left}` as RelPath;
    await approvals.reviewOne(client, path, 1, () => Promise.resolve(left));
    left--;
  };
  for (let i = 0; i < 100; i++) await remove("laptop");
  await assertRejects(() => remove("laptop"), GuardError, "101 of 200");
  await remove("desktop");
  time.now += 10_000;
  await remove("laptop");
  await store.close();
});

Deno.test("what a client deletes bit by bit counts as one, over connections and starts", async () => {
  await using temp = new TempDir();
  const time = { now: 1_000_000 };
  const data = temp.at("data");
  const open = (): Promise<HubStore> =>
    openStore(data, { now: () => time.now });
  let store = await open();
  for (let i = 0; i < 200; i++) await put(store, `f${i}`, `content ${i}`);
  const paths = (first: number, count: number): RelPath[] =>
    Array.from({ length: count }, (_, i) => at(`f${first + i}`));
  /** One round of `client` that deletes. */
  const remove = async (
    client: string,
    gone: readonly RelPath[],
  ): Promise<void> => {
    const total = await store.countFiles(ROOT);
    const loss = { paths: gone, files: gone.length, total };
    store.approvals.review(client, loss);
    const states = gone.map((path) => ({
      path,
      state: { kind: "deleted" } as const,
      expected: ANY,
    }));
    await store.commit(states, { client, operation: "sync" });
  };
  await remove("laptop", paths(0, 60));
  await remove("desktop", paths(60, 1));
  await store.close();
  store = await open();
  await assertRejects(
    () => remove("laptop", paths(61, 60)),
    GuardError,
    "120 of 199 files of the hub would be deleted, with 60 of the last 10 minutes",
  );
  await remove("desktop", paths(61, 60));
  // What is there again does not count, whoever has brought it back.
  for (let i = 0; i < 60; i++) await put(store, `f${i}`, "again");
  await remove("laptop", paths(0, 60));
  // Nor does what went long ago.
  time.now += 600_000;
  for (let i = 0; i < 100; i++) await put(store, `g${i}`, `content ${i}`);
  await remove("laptop", paths(121, 60));
  const some = Array.from({ length: 50 }, (_, i) => at(`g${i}`));
  await assertRejects(() => remove("laptop", some), GuardError, "110 of 179");
  // Who approves has seen how many they are.
  store.approvals.decide(store.approvals.list().at(-1)!.id, "approved");
  await remove("laptop", paths(191, 5));
  await store.close();
});

Deno.test("what a client has renamed, at once or later, is no loss", async () => {
  const store = openMemoryStore();
  const review = (files: number): void =>
    store.approvals.review("laptop", { paths: [], files, total: 60 });
  const who = { client: "laptop", operation: "sync" } as const;
  const gone = (path: RelPath): ProposedChange => {
    return { path, state: { kind: "deleted" }, expected: ANY };
  };
  for (let i = 0; i < 120; i++) {
    await put(store, `f${i}`, `content ${i % 60}`, ANY, "laptop");
    const path = at(`f${i}`);
    const record = (await store.latest(path))!;
    const { size, mtime, mode } = record;
    const digest = record.digest!;
    const state = { kind: "file", size, mtime, mode, digest } as const;
    const come = { path: at(`g${i}`), state, expected: ANY };
    const sets = i % 2 === 0 ? [[come, gone(path)]] : [[gone(path)], [come]];
    for (const set of sets) await store.commit(set, who);
  }
  review(60);
  // What was there before says nothing, though it is the same.
  for (let i = 0; i < 60; i++) await store.commit([gone(at(`g${i}`))], who);
  assertThrows(() => review(60), GuardError, "120 of 120");
  await store.close();
});

/** A scene in which `laptop` deletes what somebody approves. */
async function approvedDeletion(): Promise<{
  readonly store: HubStore;
  readonly endpoint: () => HubEndpoint;
  /** What it would delete now; to be staged by `by`. */
  readonly changes: (by: HubEndpoint) => Promise<Change[]>;
}> {
  const store = openMemoryStore();
  const trees = new HubTrees(store);
  await fill(store);
  const endpoint = (): HubEndpoint =>
    new HubEndpoint({ store, trees, client: "laptop" });
  const changes = async (by: HubEndpoint): Promise<Change[]> => {
    const { root } = await by.scan(SCAN);
    const old = entryAt(root, at("d")) as DirectoryEntry;
    return [{ path: at("d"), old, new: undefined }];
  };
  const asking = endpoint();
  const wanted = await changes(asking);
  await assertRejects(() => asking.stage(wanted), GuardError, "approve 1");
  await asking.close();
  store.approvals.decide(1, "approved");
  return { store, endpoint, changes };
}

async function fill(store: HubStore): Promise<void> {
  for (let i = 0; i < 150; i++) await put(store, `d/f${i}`, `content ${i}`);
}

Deno.test("an approval is used up by the change set that deletes what it was given for", async () => {
  const { store, endpoint, changes } = await approvedDeletion();
  const side = endpoint();
  // A set that is not taken uses nothing up.
  const tried = await changes(side);
  await side.stage(tried);
  const given = await changes(side);
  await side.stage(given);
  assertEquals((await side.transition(given)).problems, []);
  assertEquals(await store.countFiles(ROOT), 0);
  assertEquals(store.approvals.approvedFor("laptop"), []);
  // What it deleted was asked about, and does not count with what follows.
  await put(store, "other", "content");
  store.approvals.review("laptop", {
    paths: [at("other")],
    files: 1,
    total: 1,
  });
  await fill(store);
  const again = await changes(side);
  await assertRejects(
    () => side.stage(again),
    GuardError,
    "150 of 151 files of the hub would be deleted, and nothing was changed: that waits for an approval there (lockstep approve 2)",
  );
  await side.close();
  await store.close();
});

Deno.test("of two change sets that count on one approval only the first is taken", async () => {
  const { store, endpoint, changes } = await approvedDeletion();
  const [one, other] = [endpoint(), endpoint()];
  const first = await changes(one);
  const second = await changes(other);
  await one.stage(first);
  await other.stage(second);
  await one.transition(first);
  await fill(store);
  // It has seen what is there again, and still has what was approved before.
  await other.scan(SCAN);
  await assertRejects(
    () => other.transition(second),
    GuardError,
    "was used up meanwhile",
  );
  assertEquals(await store.countFiles(ROOT), 150);
  await one.close();
  await other.close();
  await store.close();
});

Deno.test("a change set that is refused leaves its approval as it is", async () => {
  const { store } = await approvedDeletion();
  const { refused } = await store.commit([{
    path: at("d"),
    state: { kind: "deleted" },
    expected: { kind: "revision", revision: 999 },
    subtree: true,
  }], { client: "laptop", operation: "delete", approvals: [1] });
  assertEquals(refused.length, 1);
  assertEquals(store.approvals.approvedFor("laptop").length, 1);
  await store.close();
});
