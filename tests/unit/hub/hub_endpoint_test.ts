import { assert, assertEquals, assertRejects } from "@std/assert";
import { parseRelPath } from "../../../src/core/path.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import { HubEndpoint } from "../../../src/hub/hub_endpoint.ts";
import { HubTrees } from "../../../src/hub/hub_tree.ts";
import { openMemoryStore } from "../../../src/hub/sqlite_store.ts";
import type { ContentWriter, HubStore } from "../../../src/hub/store.ts";
import type { Endpoint } from "../../../src/session/endpoint.ts";
import type { MirrorSummary } from "../../../src/session/events.ts";
import { LocalEndpoint } from "../../../src/session/local_endpoint.ts";
import { mirror } from "../../../src/session/mirror.ts";
import { at, put } from "../../contract/hub_store_contract.ts";
import { Random } from "../../support/random.ts";
import { file } from "../../support/trees.ts";
import { until } from "../../support/until.ts";

const MIRROR = { checksum: false, symlinks: "copy", deletes: true } as const;
const CHECKSUM = { ...MIRROR, checksum: true };

class Scene implements AsyncDisposable {
  readonly store: HubStore = openMemoryStore();
  readonly trees = new HubTrees(this.store);

  endpoint(): HubEndpoint {
    const { store, trees } = this;
    return new HubEndpoint({ store, trees, client: "tester" });
  }

  async push(
    from: MemoryFileSystem,
    options: typeof MIRROR | typeof CHECKSUM = MIRROR,
  ): Promise<MirrorSummary> {
    return await between(
      await LocalEndpoint.open(from, ""),
      this.endpoint(),
      options,
    );
  }

  async pull(
    to: MemoryFileSystem,
    options: typeof MIRROR | typeof CHECKSUM = MIRROR,
  ): Promise<MirrorSummary> {
    const target = await LocalEndpoint.open(to, "", { create: true });
    return await between(this.endpoint(), target, options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.store.close();
  }
}

async function between(
  source: Endpoint,
  target: Endpoint,
  options: Parameters<typeof mirror>[2],
): Promise<MirrorSummary> {
  const summary = await mirror(source, target, options);
  assertEquals(summary.problems, []);
  await source.close({ kind: "done", message: "" });
  await target.close({ kind: "done", message: "" });
  return summary;
}

function changesOf({ changes }: MirrorSummary): number[] {
  const { created, replaced, touched, deleted } = changes;
  return [created, replaced, touched, deleted];
}

const TREE = {
  "a/b.txt": "text",
  "a/deep/er/empty/": null,
  "a/link": { symlink: "b.txt" },
  "dangling": { symlink: "../nowhere" },
  "none": "",
  "__proto__": "a name like others",
  "big": new Random(1).bytes(700_000),
  "zeros": new Uint8Array(600_000),
} as const;

Deno.test("a tree that goes to a hub and back is equal, and goes only once", async () => {
  await using scene = new Scene();
  const source = MemoryFileSystem.from(TREE);
  await scene.push(source);
  const copy = new MemoryFileSystem();
  await scene.pull(copy);
  assertEquals(copy.dump(), source.dump());
  for (const options of [MIRROR, CHECKSUM]) {
    assertEquals(changesOf(await scene.push(source, options)), [0, 0, 0, 0]);
    assertEquals(changesOf(await scene.pull(copy, options)), [0, 0, 0, 0]);
  }
});

Deno.test("what is replaced, moved and deleted reaches the hub as one change set", async () => {
  await using scene = new Scene();
  await scene.push(MemoryFileSystem.from(TREE));
  const { head } = await scene.store.totals();
  const { none: _, "a/b.txt": __, ...rest } = TREE;
  const edited = MemoryFileSystem.from({
    ...rest,
    "a/b.txt/now/a/directory": "x",
    "dangling": "a file now",
    "moved/big": TREE.big,
  });
  const summary = await scene.push(edited, CHECKSUM);
  assert(changesOf(summary)[0]! > 0);
  const changes = await scene.store.changes({ after: head, limit: 100 });
  assertEquals(new Set(changes.map((change) => change.changeSet)).size, 1);
  assertEquals(changes[0]!.operation, "sync");
  const copy = new MemoryFileSystem();
  await scene.pull(copy, CHECKSUM);
  assertEquals(copy.dump(), edited.dump());
  // All of it can be had back.
  const old = await scene.store.at(parseRelPath("a/b.txt"), head);
  assertEquals(old?.size, 4);
});

Deno.test("content that the hub has is not asked for, where its digest is known", async () => {
  await using scene = new Scene();
  const source = MemoryFileSystem.from(TREE);
  await scene.push(source);
  const more = MemoryFileSystem.from({ ...TREE, "copy of big": TREE.big });
  let bytes = 0;
  await between(
    await LocalEndpoint.open(more, ""),
    scene.endpoint(),
    {
      ...CHECKSUM,
      onEvent: (event): void => {
        if (event.kind === "transfer") bytes = event.bytes;
      },
    },
  );
  assertEquals(bytes, 0);
  assertEquals(
    (await scene.store.latest(at("copy of big")))?.size,
    TREE.big.length,
  );
});

Deno.test("what somebody changes after the scan is stale, and the rest is done", async () => {
  await using scene = new Scene();
  await scene.push(MemoryFileSystem.from({ "f": "one", "g": "one" }));
  const source = await LocalEndpoint.open(
    MemoryFileSystem.from({ "f": "from the source", "g": "from the source" }),
    "",
  );
  const target = scene.endpoint();
  const options = {
    ...CHECKSUM,
    modes: true,
    ignore: { rules: [], files: [] },
  };
  const here = await source.scan(options);
  const there = await target.scan({ ...options, checksum: false });
  const changes = ["f", "g"].map((name) => ({
    path: parseRelPath(name),
    old: there.root.children.get(name as never) as never,
    new: here.root.children.get(name as never) as never,
  }));
  const { writable, wants } = await target.stage(changes);
  assertEquals(wants, [{ first: 0, count: 2, resume: undefined }]);
  const requests = changes.map((change, index) => ({
    index,
    path: change.path,
    entry: change.new,
    resume: undefined,
  }));
  await source.supply(requests).pipeTo(writable);
  const mine = await put(scene.store, "f", "somebody else's");
  const { done, problems } = await target.transition(changes);
  assertEquals([...done], [0, 1]);
  assertEquals(problems.map(({ path, code }) => [path, code]), [[
    "f",
    "stale",
  ]]);
  assertEquals((await scene.store.latest(at("f")))?.revision, mine.revision);
  assertEquals((await scene.store.latest(at("g")))?.size, 15);
  await source.close({ kind: "done", message: "" });
});

Deno.test("A20: a hole of any length ends with the session that brings it", async () => {
  await using scene = new Scene();
  const { store } = scene;
  const write = store.write.bind(store);
  let bytes = 0;
  store.write = (client): ContentWriter => {
    const writer = write(client);
    return {
      append(part): void {
        bytes += part.length;
        writer.append(part);
      },
      finish: () => writer.finish(),
      abort: () => writer.abort(),
    };
  };
  const size = 2 ** 33;
  const target = scene.endpoint();
  await target.scan({
    ...MIRROR,
    modes: true,
    ignore: { rules: [], files: [] },
  });
  const { writable } = await target.stage([
    { path: at("f"), old: undefined, new: file({ size }) },
  ]);
  const writer = writable.getWriter();
  const piece = { index: 0, offset: 0, last: true } as const;
  const writing = writer.write({
    pieces: [{ ...piece, kind: "hole", length: size }],
    byteLength: 0,
  });
  const refused = assertRejects(() => writing);
  await until("it has begun", () => bytes > 0);
  await writer.abort(new Error("The connection is lost"));
  await refused;
  assert(bytes < size, `${bytes} bytes`);
  await target.close();
});

Deno.test("a hub's tree that is brought up to date is the one that is made anew", async () => {
  await using scene = new Scene();
  const random = new Random(2);
  const known = new HubTrees(scene.store);
  const names = ["a", "b", "a/x", "a/y", "b/x/y", "c"];
  for (let round = 0; round < 60; round++) {
    const path = random.pick(names);
    if (random.below(3) > 0) {
      await put(scene.store, path, `${round}`).catch(() => {});
    } else {
      await scene.store.commit([{
        path: at(path),
        state: { kind: "deleted" },
        expected: { kind: "any" },
        subtree: true,
      }], { client: "x", operation: "delete" });
    }
    for (
      const traits of [
        { digests: true, modes: true },
        { digests: false, modes: false },
      ]
    ) {
      const grown = await known.current(traits);
      const made = await new HubTrees(scene.store).current(traits);
      assertEquals(grown, made, `round ${round}`);
    }
  }
});

Deno.test("a hub's tree forgets what was deleted, also when the deletion is forgotten", async () => {
  await using scene = new Scene();
  const traits = { digests: true, modes: true };
  await put(scene.store, "f", "text");
  await scene.trees.current(traits);
  await scene.store.commit([{
    path: at("f"),
    state: { kind: "deleted" },
    expected: { kind: "any" },
  }], { client: "x", operation: "delete" });
  await scene.store.collect({ versions: 0, ageMs: -1_000 });
  const { root } = await scene.trees.current(traits);
  assertEquals([...root.children.keys()], []);
});

Deno.test("a hub endpoint tells of what others change, and not of its own changes", async () => {
  await using scene = new Scene();
  const told = { own: 0, other: 0 };
  const [own, other] = [scene.endpoint(), scene.endpoint()];
  await own.notices.subscribe(() => void told.own++);
  await other.notices.subscribe(() => void told.other++);
  const source = MemoryFileSystem.from({ a: "1", "d/b": "2" });
  await between(await LocalEndpoint.open(source, ""), own, MIRROR);
  assertEquals(told.own, 0);
  assert(told.other > 0);
  const before = told.other;
  await other.close();
  await put(scene.store, "c", "3");
  assertEquals(told, { own: 0, other: before });
});

Deno.test("I06: names that differ in case only are two files at a hub", async () => {
  await using scene = new Scene();
  const tree = { "A": "upper", "a": "lower", "D/x": "1", "d/x": "2" };
  const source = MemoryFileSystem.from(tree);
  await scene.push(source);
  const copy = new MemoryFileSystem();
  await scene.pull(copy, CHECKSUM);
  assertEquals(copy.dump(), source.dump());
  await scene.push(MemoryFileSystem.from({ "a": "lower", "d/x": "2" }));
  assertEquals((await scene.store.latest(at("A")))?.kind, "deleted");
  assertEquals((await scene.store.latest(at("a")))?.kind, "file");
});
