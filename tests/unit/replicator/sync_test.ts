import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  FileSystemError,
  GuardError,
  TransportError,
  UsageError,
} from "../../../src/errors.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import { TrashDirectory } from "../../../src/fs/trash_directory.ts";
import {
  type MemoryTransportOptions,
  memoryTransports,
} from "../../../src/net/memory_transport.ts";
import type { Transport } from "../../../src/net/transport.ts";
import { newId } from "../../../src/replicator/party.ts";
import {
  sync,
  type SyncConnector,
  type SyncOptions,
} from "../../../src/replicator/sync.ts";
import { LocalEndpoint } from "../../../src/session/local_endpoint.ts";
import { Receiver } from "../../../src/session/receiver.ts";
import { systemClock } from "../../../src/session/system_clock.ts";
import { exists, writeTree } from "../../support/disk_tree.ts";
import { assertSameTree } from "../../support/oracle.ts";
import { TempDir } from "../../support/temp.ts";

const TREE = { "x.txt": "one", "d/y.txt": "two", "empty/": null } as const;

Deno.test("sync() makes a directory of any file system equal to another", async () => {
  const from = MemoryFileSystem.from({ "a/x": "new", "a/d/y": "1" });
  const to = MemoryFileSystem.from({ "b/x": "older", "b/extra": "2" });
  const events: string[] = [];
  const { changes, problems, rounds } = await sync(
    { fileSystem: from, path: "a" },
    { fileSystem: to, path: "b" },
    { onEvent: ({ kind }) => void events.push(kind) },
  );
  assertEquals(to.dump(), { "b/x": "new", "b/d/y": "1" });
  assertEquals(
    [changes.created, changes.replaced, changes.deleted, rounds],
    [2, 1, 1, 1],
  );
  assertEquals(problems, []);
  assert(events.includes("planned") && events.includes("transfer"));
  assertEquals(from.dump(), { "a/x": "new", "a/d/y": "1" });
});

Deno.test("sync() keeps to its options", async () => {
  const cases: [SyncOptions, Record<string, unknown>][] = [
    [{ deletes: false }, { x: "new", l: { symlink: "x" }, extra: "2" }],
    [{ symlinks: "skip" }, { x: "new" }],
    [{ symlinks: "follow" }, { x: "new", l: "new" }],
    [{ ignore: { rules: ["x"], files: [] } }, {
      x: "old",
      l: { symlink: "x" },
    }],
  ];
  for (const [options, expected] of cases) {
    const fs = MemoryFileSystem.from({
      "a/x": "new",
      "a/l": { symlink: "x" },
      "b/x": "old",
      "b/extra": "2",
    });
    const places = ["a", "b"].map((path) => ({ fileSystem: fs, path }));
    await sync(places[0]!, places[1]!, options);
    assertEquals(fs.dump("b"), expected as Record<string, string>);
  }
});

Deno.test("sync() compares content if it is told to", async () => {
  const now = (): number => 1_600_000_000_000;
  const from = MemoryFileSystem.from({ x: "new" }, { now });
  const to = MemoryFileSystem.from({ x: "old" }, { now });
  const [a, b] = [{ fileSystem: from, path: "" }, { fileSystem: to, path: "" }];
  await sync(a, b);
  assertEquals(to.dump(), { x: "old" });
  await sync(a, b, { checksum: true });
  assertEquals(to.dump(), { x: "new" });
});

Deno.test("sync() halts before it deletes more than it may", async () => {
  const from = MemoryFileSystem.from({ x: "1" });
  const to = MemoryFileSystem.from({ x: "1", y: "2", z: "3" });
  const maxDelete = { kind: "count", count: 1 } as const;
  await assertRejects(
    () =>
      sync({ fileSystem: from, path: "" }, { fileSystem: to, path: "" }, {
        maxDelete,
      }),
    GuardError,
  );
  assertEquals(to.dump(), { x: "1", y: "2", z: "3" });
});

Deno.test("sync() moves what it replaces and deletes to a trash", async () => {
  const fs = MemoryFileSystem.from({ "a/x": "new", "b/x": "old", "b/y": "2" });
  using trash = await TrashDirectory.open(fs, "trash", {
    root: "b",
    now: () => new Date("2026-01-02T03:04:05Z"),
    durable: true,
  });
  const place = (path: string) => ({ fileSystem: fs, path });
  await sync(place("a"), place("b"), { trash });
  assertEquals(fs.dump("b"), { x: "new" });
  const kept = Object.entries(fs.dump("trash"))
    .filter(([path]) => path.includes("/files/"))
    .map(([path, content]) => [path.replace(/.*\/files\//, ""), content]);
  assertEquals(kept, [["x", "old"], ["y", "2"]]);
});

Deno.test("sync() mirrors no directory into itself", async () => {
  const fs = MemoryFileSystem.from({
    "a/b/c": "1",
    "other/x": "2",
    "link": { symlink: "a/b" },
  });
  const refused: [string, string, string][] = [
    ["a", "a", "are the same directory"],
    ["a", "a/.", "are the same directory"],
    ["a", "a/b", "lies inside"],
    ["a", "a/new/deep", "lies inside"],
    ["a", "link", "lies inside"],
    ["a/b", "a", "lies inside"],
    ["link", "a", "lies inside"],
    ["a", "", "lies inside"],
  ];
  const before = fs.dump();
  const place = (path: string) => ({ fileSystem: fs, path });
  for (const [from, to, reason] of refused) {
    await assertRejects(
      () => sync(place(from), place(to)),
      UsageError,
      reason,
      `${from} to ${to}`,
    );
  }
  assertEquals(fs.dump(), before);
  await sync(place("a"), place("other"));
  await sync(place("a"), place("new/deep"));
  assertEquals(fs.dump("new/deep"), { "b/c": "1" });
});

Deno.test("sync() works with paths of this machine, and refuses their overlap", async () => {
  await using temp = new TempDir();
  writeTree(temp.directory("a"), { x: "one", d: { y: "two" } });
  const { changes } = await sync(temp.at("a"), temp.at("b", "new"));
  assertEquals(changes.created, 3);
  await assertSameTree(temp.at("a"), temp.at("b", "new"));
  Deno.symlinkSync("a", temp.at("link"));
  for (const to of [temp.at("a"), temp.at("link"), temp.at("a", "d", "z")]) {
    await assertRejects(() => sync(temp.at("a"), to), UsageError);
  }
  await assertRejects(() => sync("ws://host", temp.at("b")), UsageError);
  await assertRejects(
    () => sync(temp.at("missing"), temp.at("c")),
    FileSystemError,
  );
  assertEquals(exists(temp.at("c")), false);
});

Deno.test("sync() works with the caller's endpoints, and leaves them open", async () => {
  const fs = MemoryFileSystem.from({ "a/x": "1" });
  const source = await LocalEndpoint.open(fs, "a");
  const target = await LocalEndpoint.open(fs, "b", { create: true });
  for (const count of [1, 0]) {
    const { changes } = await sync(source, target);
    assertEquals(changes.created, count);
  }
  await assertRejects(
    () => sync(source, target, { durable: false }),
    UsageError,
  );
  await source.close({ kind: "done", message: "" });
  await target.close({ kind: "done", message: "" });
  assertEquals(fs.dump("b"), { x: "1" });
});

Deno.test("sync() works over any transport, and again where one is lost", async () => {
  const from = MemoryFileSystem.from({ ...TREE });
  const to = new MemoryFileSystem();
  const cut = { there: { cutAtMessage: 3 } };
  const { connector, stopped } = receiverIn(to, [cut, {}]);
  const events: string[] = [];
  const { problems } = await sync({ fileSystem: from, path: "" }, connector, {
    onEvent: ({ kind }) => void events.push(kind),
  });
  await stopped();
  assertEquals(problems, []);
  assertEquals(to.dump("b"), { ...TREE });
  assertEquals(events.filter((kind) => kind === "retrying").length, 1);
});

Deno.test("sync() gives up where nobody can be reached", async () => {
  const from = MemoryFileSystem.from({ ...TREE });
  const connector = {
    connect: () => Promise.reject(new TransportError("nobody", "unreachable")),
  };
  await assertRejects(
    () => sync({ fileSystem: from, path: "" }, connector, { retryForMs: 0 }),
    TransportError,
    "nobody",
  );
});

Deno.test("sync() stops when its signal says so", async () => {
  const from = MemoryFileSystem.from({ x: "x".repeat(1_000_000) });
  const to = new MemoryFileSystem();
  for (const remote of [false, true]) {
    const abort = new AbortController();
    const { connector, stopped } = receiverIn(to, [{}]);
    const target = remote ? connector : { fileSystem: to, path: "b" };
    const running = sync({ fileSystem: from, path: "" }, target, {
      signal: abort.signal,
      onEvent({ kind }): void {
        if (kind === "transfer") abort.abort(new Error("enough"));
      },
    });
    await assertRejects(() => running, Error, "enough");
    await stopped();
    assertEquals("b/x" in to.dump(), false);
  }
  const gone = AbortSignal.abort(new Error("at once"));
  const place = { fileSystem: from, path: "" };
  await assertRejects(
    () => sync(place, { fileSystem: to, path: "c" }, { signal: gone }),
    Error,
    "at once",
  );
});

/** A receiver over pairs in memory, each with these faults; it writes to "b". */
function receiverIn(
  fs: MemoryFileSystem,
  faults: readonly MemoryTransportOptions[],
): { connector: SyncConnector; stopped: () => Promise<void> } {
  const receiver = new Receiver({
    open: () => LocalEndpoint.open(fs, "b", { create: true }),
    software: "test",
    clientId: newId(),
    clock: systemClock,
  });
  const served: Promise<void>[] = [];
  let next = 0;
  return {
    connector: {
      connect(): Promise<Transport> {
        const [here, there] = memoryTransports(faults[next++]);
        served.push(receiver.accept(there));
        return Promise.resolve(here);
      },
    },
    stopped: async () => void await Promise.all(served),
  };
}
