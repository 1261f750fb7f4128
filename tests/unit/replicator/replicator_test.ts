import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Name } from "../../../src/core/path.ts";
import type { Directory } from "../../../src/fs/file_system.ts";
import { FileSystemError, GuardError, SyncError } from "../../../src/errors.ts";
import { hooked } from "../../../src/fs/hooked_fs.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import { MAX_MESSAGE_BYTES } from "../../../src/protocol/limits.ts";
import { ReplicatorSource } from "../../../src/replicator/replicator_source.ts";
import { ReplicatorTarget } from "../../../src/replicator/replicator_target.ts";
import {
  type Carrier,
  FAST_CLOCK,
  FORMS,
  ReplicatorKit,
} from "../../support/replicator_kit.ts";
import { until } from "../../support/until.ts";

const TREE = {
  "x.txt": "one",
  "d/y.txt": "two",
  "d/e/z": new Uint8Array([1, 2, 255]),
  "empty/": null,
  "link": { symlink: "x.txt" },
} as const;

const FILE = { mode: 0o644, mtime: 1_234_567_890_123 };

for (const form of Object.keys(FORMS)) {
  Deno.test(`a replicator makes the target equal, carried as ${form}`, async () => {
    await using kit = new ReplicatorKit(TREE, { form });
    const { changes, problems } = await kit.source.start();
    assertEquals(changes.created, 7);
    assertEquals(problems, []);
    assertEquals(kit.targetTree, { ...TREE });
    assertEquals(kit.errors, []);
  });
}

Deno.test("a replicator follows each change, without being told", async () => {
  await using kit = new ReplicatorKit(TREE);
  await kit.source.start();
  const root = await kit.from.openRoot("/a");
  await root.createFile(as("new"), bytes("new"), FILE);
  await until("the new file", () => "new" in kit.targetTree);
  await root.rename(as("d"), root, as("moved"));
  await until("the move", () => "moved/e/z" in kit.targetTree);
  await root.removeFile(as("x.txt"));
  await until("the removal", () => !("x.txt" in kit.targetTree));
  await until(
    "all",
    () => Deno.inspect(kit.sourceTree) === Deno.inspect(kit.targetTree),
  );
});

Deno.test("a replicator renames at the target what was renamed, and sends none of it", async () => {
  const content = new Uint8Array(300_000).map((_, i) => i * i);
  await using kit = new ReplicatorKit({
    "file": content,
    "d/e/large": content,
    "d/small": "s",
    "stays": "here",
  });
  await kit.source.start();
  for (
    const [what, move] of [
      ["a file", (root) => root.rename(as("file"), root, as("renamed"))],
      ["a directory", (root) => root.rename(as("d"), root, as("moved"))],
      ["back", (root) => root.rename(as("moved"), root, as("d"))],
    ] as readonly (readonly [string, (root: Directory) => Promise<void>])[]
  ) {
    const { writes, bytes } = await kit.cost(move);
    assertEquals(kit.targetTree, kit.sourceTree, what);
    // At the most, what is taken out of its place is written down.
    assert(writes <= 1, what);
    assert(bytes < 4_000, `${what}: ${bytes} bytes were carried`);
  }
  assertEquals(kit.errors, []);
});

Deno.test("a replicator writes nothing where the content is equal already", async () => {
  await using kit = new ReplicatorKit(TREE, { target: TREE });
  const { changes } = await kit.source.start();
  assertEquals([changes.created, changes.replaced, changes.deleted], [0, 0, 0]);
  const { writes, mutations } = kit.to.counters;
  assertEquals(writes, 0);
  const made = Object.entries(mutations).filter(([method, count]) =>
    count > 0 && !/^set(Own)?Metadata$/.test(method)
  );
  assertEquals(made, []);
  const { mutations: later } = await kit.cost(() => Promise.resolve());
  assertEquals(later, {});
});

Deno.test("each change costs the target the writes that it needs", async () => {
  await using kit = new ReplicatorKit(TREE);
  await kit.source.start();
  // The staging area is made and removed; its lock is a file.
  const staging = { createDirectory: 2, removeFile: 1, removeDirectory: 2 };
  const parent = { setOwnMetadata: 1 };
  // What is replaced or deleted is held, and written down, until it is proven.
  const holding = { createDirectory: 3, removeDirectory: 3 };

  const touched = await kit.cost((root) =>
    root.setMetadata(as("x.txt"), { mode: 0o600, mtime: 5_000 })
  );
  assertEquals([touched.writes, touched.mutations], [0, { setMetadata: 1 }]);

  const dated = await kit.cost(async (root) => {
    const d = await root.openDirectory(as("d"));
    await d.setOwnMetadata({ mode: 0o700, mtime: 6_000 });
    d.close();
  });
  assertEquals([dated.writes, dated.mutations], [0, { setOwnMetadata: 1 }]);

  const created = await kit.cost((root) =>
    root.createFile(as("new"), bytes("0123456789"), FILE)
  );
  assertEquals(created.writes, 1);
  assertEquals(created.mutations, {
    ...staging,
    ...parent,
    createFile: 1,
    moveNew: 1,
  });

  const made = await kit.cost((root) => root.createDirectory(as("made")));
  assertEquals(made.writes, 0);
  assertEquals(made.mutations, {
    ...staging,
    ...parent,
    createDirectory: 3,
    rename: 1,
    setMetadata: 1,
  });

  const written = await kit.cost(async (root) => {
    const file = await root.openWritable(as("new"));
    await file.write(bytes("x"), 3);
    file.close();
  });
  assertEquals(written.writes, 2);
  assertEquals(written.mutations, {
    ...holding,
    ...parent,
    createFile: 2,
    link: 1,
    rename: 1,
    removeFile: 3,
  });

  const removed = await kit.cost((root) => root.removeFile(as("new")));
  assertEquals(removed.mutations.createFile, 1);
  assertEquals(removed.mutations.rename, 1);
  assertEquals(kit.targetTree, kit.sourceTree);
});

Deno.test("a known directory that gains a file is sent that file alone", async () => {
  const large = new Uint8Array(300_000).fill(7);
  await using kit = new ReplicatorKit({ "d/large": large, "d/e/large": large });
  await kit.source.start();
  const { bytes: sent, writes } = await kit.cost(async (root) => {
    const d = await root.openDirectory(as("d"));
    await d.createFile(as("small"), bytes("small"), FILE);
    d.close();
  });
  assertEquals(writes, 1);
  assert(sent < 2_000, `${sent} bytes were sent`);
  assertEquals(kit.targetTree, kit.sourceTree);
});

Deno.test("no request or response is longer than a message", async () => {
  const content = new Uint8Array(1_000_000).map((_, i) => i * i);
  const many = Object.fromEntries(
    Array.from({ length: 9_000 }, (_, i) => [`many/${"n".repeat(40)}${i}`, ""]),
  );
  await using kit = new ReplicatorKit({ content, ...many }, { target: many });
  await kit.source.start();
  assertEquals(kit.targetTree, kit.sourceTree);
  const longest = Math.max(
    ...kit.carried.map(({ request }) => request.message.length),
  );
  assert(longest <= MAX_MESSAGE_BYTES, `${longest}`);
  assert(kit.carried.every(({ bytes }) => bytes < 2 * MAX_MESSAGE_BYTES));
});

Deno.test("watches of the children alone: one for each directory, while it is there", async () => {
  await using kit = new ReplicatorKit(TREE, { watches: "children" });
  await kit.source.start();
  assertEquals(kit.from.watches.active, 4);
  const root = await kit.from.openRoot("/a");
  await root.createDirectory(as("new"));
  const fresh = await root.openDirectory(as("new"));
  await until(
    "a watch on the new directory",
    () => kit.from.watches.active === 5,
  );
  await fresh.createFile(as("deep"), bytes("deep"), FILE);
  await until("what is in it", () => "new/deep" in kit.targetTree);
  await fresh.removeFile(as("deep"));
  await root.removeDirectory(as("new"));
  assertEquals(kit.from.watches.active, 4);
  // What leaves the tree, but not the file system, is let go as well.
  const top = await kit.from.openRoot("/");
  await root.rename(as("d"), top, as("elsewhere"));
  await kit.source.flush();
  assertEquals(kit.from.watches.active, 2);
  await top.rename(as("elsewhere"), root, as("back"));
  await kit.source.flush();
  assertEquals(kit.from.watches.active, 4);
  assertEquals(kit.targetTree, kit.sourceTree);
  await kit.source.close();
  assertEquals(kit.from.watches.active, 0);
});

Deno.test("a source goes on by looking where no more watches are allowed", async () => {
  await using kit = new ReplicatorKit(TREE, { watches: "children" });
  kit.from.watches.limit = 2;
  await kit.source.start();
  assertEquals(kit.from.watches.active, 2);
  assert(kit.errors[0]?.message.includes("no more watches are allowed"));
  const root = await kit.from.openRoot("/a");
  const d = await root.openDirectory(as("d"));
  const e = await d.openDirectory(as("e"));
  await e.createFile(as("unheard"), bytes("x"), FILE);
  await until("the file", () => "d/e/unheard" in kit.targetTree);
});

Deno.test("a source goes on by looking where nothing can be watched", async () => {
  await using kit = new ReplicatorKit(TREE, { watches: "none" });
  await kit.source.start();
  const root = await kit.from.openRoot("/a");
  await root.createFile(as("unheard"), bytes("x"), FILE);
  await until("the file", () => "unheard" in kit.targetTree);
});

Deno.test("requests that fail, get lost or come twice are made again, and do nothing twice", async () => {
  let number = 0;
  const carrier: Carrier = async (request, deliver) => {
    switch (number++ % 4) {
      case 0:
        throw new Error("The carrier is down");
      case 1:
        await deliver(request);
        throw new Error("The response is lost");
      case 2: {
        const [first, second] = await Promise.all([
          deliver(request),
          deliver(request),
        ]);
        assertEquals(first.message, second.message);
        return second;
      }
      default:
        return await deliver(request);
    }
  };
  await using kit = new ReplicatorKit(TREE, { carrier });
  await kit.source.start();
  assertEquals(kit.targetTree, { ...TREE });
  // Each file was staged once.
  assertEquals(kit.to.counters.mutations.createFile, 3);
  assert(kit.errors.length > 0);
  await kit.cost((root) => root.removeFile(as("x.txt")));
  assertEquals(kit.targetTree, kit.sourceTree);
});

Deno.test("a damaged request or response is made again", async () => {
  let number = 0;
  const carrier: Carrier = async (request, deliver) => {
    const turn = number++ % 3;
    if (turn === 0) return await deliver(flipped(request));
    const response = await deliver(request);
    return turn === 1 ? flipped(response) : response;
  };
  await using kit = new ReplicatorKit(TREE, { carrier });
  await kit.source.start();
  await kit.cost((root) => root.createFile(as("new"), bytes("new"), FILE));
  assertEquals(kit.targetTree, kit.sourceTree);
});

Deno.test("a target that has begun anew is introduced to again", async () => {
  await using kit = new ReplicatorKit(TREE);
  await kit.source.start();
  await kit.target.close();
  kit.target = new ReplicatorTarget(kit.to, "/b");
  await kit.cost((root) => root.createFile(as("new"), bytes("new"), FILE));
  assertEquals(kit.targetTree, kit.sourceTree);
  assert(kit.errors.every((error) => error instanceof SyncError));
});

Deno.test("another source takes the place of the one before, and both lose nothing", async () => {
  await using kit = new ReplicatorKit(TREE);
  await kit.source.start();
  const other = new ReplicatorSource(
    kit.from,
    "/a",
    (request) => kit.target.handle(request),
    { clock: FAST_CLOCK },
  );
  await other.start();
  await kit.cost((root) => root.createFile(as("new"), bytes("new"), FILE));
  assertEquals(kit.targetTree, kit.sourceTree);
  await other.close();
});

Deno.test("a source says so when the target can't be reached", async () => {
  const carrier: Carrier = () =>
    Promise.reject(new Error("The carrier is down"));
  await using kit = new ReplicatorKit(TREE, { carrier, retryForMs: 2_000 });
  const error = await assertRejects(() => kit.source.start(), SyncError);
  assertEquals(error.code, "unreachable");
  assert(error.message.includes("The carrier is down"));
  assertEquals(kit.from.watches.active, 0);
});

Deno.test("a source says so when the target's root is a file", async () => {
  const from = MemoryFileSystem.from({ "a/x": "1" });
  const to = MemoryFileSystem.from({ b: "a file" });
  const target = new ReplicatorTarget(to, "/b");
  const source = new ReplicatorSource(from, "/a", (r) => target.handle(r));
  const error = await assertRejects(() => source.start(), FileSystemError);
  assertEquals([error.code, error.isForeign], ["not-a-directory", true]);
  assertEquals(to.dump(), { b: "a file" });
  await target.close();
});

Deno.test("a source that can't be read touches nothing", async () => {
  const to = MemoryFileSystem.from({ "b/kept": "kept" });
  const target = new ReplicatorTarget(to, "/b");
  const source = new ReplicatorSource(
    new MemoryFileSystem(),
    "/missing",
    (request) => target.handle(request),
  );
  await assertRejects(() => source.start(), FileSystemError);
  assertEquals(to.dump(), { "b/kept": "kept" });
});

Deno.test("a root that another directory has taken the place of deletes nothing", async () => {
  await using kit = new ReplicatorKit(TREE);
  await kit.source.start();
  const top = await kit.from.openRoot("/");
  await top.rename(as("a"), top, as("unmounted"));
  await until("an error", () => kit.errors.length > 0);
  await top.createDirectory(as("a"));
  await until(
    "another error",
    () => kit.errors.some((error) => error instanceof GuardError),
  );
  assertEquals(kit.targetTree, { ...TREE });
  await top.removeDirectory(as("a"));
  await top.rename(as("unmounted"), top, as("a"));
  await kit.cost((root) => root.removeFile(as("x.txt")));
  assertEquals(kit.targetTree, kit.sourceTree);
});

Deno.test("a file that is changed while it is read is tried again", async () => {
  const from = MemoryFileSystem.from({ "a/file": "x".repeat(200_000) });
  const to = new MemoryFileSystem();
  let changes = 0;
  const busy = hooked(from, async (method, path) => {
    if (method !== "read" || path !== "/a/file" || changes > 4) return;
    changes++;
    const root = await from.openRoot("/a");
    const file = await root.openWritable(as("file"));
    await file.write(bytes(`change ${changes}`), 0);
    file.close();
    root.close();
  });
  const target = new ReplicatorTarget(to, "/b");
  const source = new ReplicatorSource(
    busy,
    "/a",
    (request) => target.handle(structuredClone(request)),
    { clock: FAST_CLOCK, settleMs: 0 },
  );
  await source.start();
  await until(
    "the last version",
    () => Deno.inspect(to.dump("b")) === Deno.inspect(from.dump("a")),
  );
  assertEquals(changes, 5);
  await source.close();
  await target.close();
});

Deno.test("nothing beside the roots is touched", async () => {
  const from = MemoryFileSystem.from({ "a/x": "1", "beside": "2" });
  const to = MemoryFileSystem.from({ "b/old": "3", "beside": "4", "c/d": "5" });
  const target = new ReplicatorTarget(to, "/b");
  const source = new ReplicatorSource(from, "/a", (r) => target.handle(r));
  await source.start();
  await source.close();
  await target.close();
  assertEquals(to.dump(), { "b/x": "1", "beside": "4", "c/d": "5" });
  assertEquals(from.dump(), { "a/x": "1", "beside": "2" });
});

Deno.test("a source can be closed while its handler never answers", async () => {
  const handing = Promise.withResolvers<void>();
  const carrier: Carrier = () => {
    handing.resolve();
    return new Promise(() => {});
  };
  const kit = new ReplicatorKit(TREE, { carrier });
  const started = kit.source.start();
  started.catch(() => {});
  await handing.promise;
  await kit.source.close();
  await assertRejects(() => started);
  await assertRejects(() => kit.source.flush(), TypeError);
  assertEquals(kit.from.watches.active, 0);
  await kit.target.close();
});

Deno.test("a source is closed in the middle of a file, and the next one goes on", async () => {
  const content = new Uint8Array(2_000_000).map((_, i) => i * i * i);
  const enough = Promise.withResolvers<void>();
  let requests = 0;
  const carrier: Carrier = async (request, deliver) => {
    if (++requests === 7) {
      enough.resolve();
      return await new Promise(() => {});
    }
    return await deliver(request);
  };
  const kit = new ReplicatorKit({ content }, { carrier });
  const started = kit.source.start();
  started.catch(() => {});
  await enough.promise;
  await kit.source.close();
  await assertRejects(() => started);
  const again = new ReplicatorSource(
    kit.from,
    "/a",
    (request) => kit.target.handle(request),
  );
  await again.start();
  assertEquals(kit.targetTree, { content });
  await again.close();
  await kit.target.close();
  assertEquals(kit.to.dump(), { "b/content": content });
});

function flipped(message: unknown): unknown {
  const { session, number, message: original } = message as {
    readonly session: string;
    readonly number: number;
    readonly message: Uint8Array;
  };
  const copy = original.slice();
  if (copy.length > 0) copy[copy.length - 1]! ^= 1;
  return { session, number, message: copy };
}

function as(name: string): Name {
  return name as Name;
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
