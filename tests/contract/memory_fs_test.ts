import { assertEquals, assertRejects } from "@std/assert";
import type { Name } from "../../src/core/path.ts";
import { FileSystemError } from "../../src/errors.ts";
import { MemoryFileSystem } from "../../src/fs/memory_fs.ts";
import type {
  FileSystemTraits,
  WatchEvent,
  WatchReach,
} from "../../src/fs/file_system.ts";
import { fileSystemContract, watchContract } from "../../src/fs/contract.ts";

fileSystemContract("MemoryFileSystem", async () => {
  const fs = new MemoryFileSystem();
  (await fs.openRoot("some/root", { create: true })).close();
  return { fs, root: "some/root", close: () => Promise.resolve() };
});

for (const reach of ["recursive", "children"] as const) {
  watchContract(`MemoryFileSystem that watches ${reach}`, async () => {
    const fs = new MemoryFileSystem({ traits: watching(reach) });
    (await fs.openRoot("some/root", { create: true })).close();
    return {
      fs,
      root: "some/root",
      close(): Promise<void> {
        assertEquals(fs.watches.active, 0);
        return Promise.resolve();
      },
    };
  });
}

Deno.test("MemoryFileSystem ends, loses and limits watches", async () => {
  const fs = MemoryFileSystem.from({ "a/b": "", "c/": null }, {
    traits: watching("children"),
  });
  const events: WatchEvent[] = [];
  const listener = (event: WatchEvent): void => void events.push(event);
  const root = await fs.openRoot("");
  const a = await root.openDirectory("a" as Name);
  const c = await root.openDirectory("c" as Name);
  fs.watches.limit = 2;
  await a.watch(listener);
  await c.watch(listener);
  await root.watch(listener);
  assertEquals(fs.watches.active, 2);
  fs.watches.overflow();
  await root.removeDirectory("c" as Name);
  fs.watches.passes = () => false;
  await a.removeFile("b" as Name);
  fs.watches.end({ reason: "failed", message: "it broke" });
  assertEquals(
    events.map((event) => event.kind === "ended" ? event.reason : event.kind),
    ["limit", "unknown", "unknown", "gone", "failed"],
  );
  assertEquals(fs.watches.active, 0);
});

Deno.test("MemoryFileSystem can do without watching", async () => {
  const fs = new MemoryFileSystem({ traits: watching("none") });
  const events: WatchEvent[] = [];
  const root = await fs.openRoot("");
  await root.watch((event) => void events.push(event));
  assertEquals(events.map(({ kind }) => kind), ["ended"]);
});

function watching(watches: WatchReach): FileSystemTraits {
  return { modes: true, symlinks: true, owners: true, watches };
}

const TREE = {
  "a/b.txt": "text",
  "a/bytes": Uint8Array.of(0xff),
  "empty/": null,
  "fifo": { special: true },
  "link": { symlink: "a/b.txt" },
} as const;

const DISK_FULL = new FileSystemError("no-space", "Cannot write: disk full");

Deno.test("MemoryFileSystem dumps what it was made from", () => {
  const fs = MemoryFileSystem.from(TREE);
  assertEquals(fs.dump(), { ...TREE });
  assertEquals(fs.dump("a"), {
    "b.txt": "text",
    "bytes": Uint8Array.of(0xff),
  });
});

Deno.test("MemoryFileSystem refuses special files to readers", async () => {
  const root = await MemoryFileSystem.from(TREE).openRoot("");
  const { entries } = await root.list();
  const fifo = entries.find((entry) => entry.name === "fifo");
  assertEquals(fifo?.stat.kind, "special");
  const fault = await assertRejects(
    () => root.readFile("fifo" as Name, new Uint8Array(1)),
    FileSystemError,
  );
  assertEquals(fault.code, "unsupported");
});

Deno.test("MemoryFileSystem fails the next call of a method on a name", async () => {
  const fs = MemoryFileSystem.from({ "a": "1", "b": "2" });
  const root = await fs.openRoot("/");
  fs.failNext("removeFile", "b", DISK_FULL);
  await root.removeFile("a" as Name);
  await assertRejects(() => root.removeFile("b" as Name), FileSystemError);
  assertEquals(fs.dump(), { "b": "2" });
  await root.removeFile("b" as Name);
  assertEquals(fs.dump(), {});
});

Deno.test("MemoryFileSystem fails the call that it is told to", async () => {
  const fs = MemoryFileSystem.from({ "a/x": "1", "b/x": "2" });
  const root = await fs.openRoot("/");
  fs.failCall({ method: "openDirectory", nth: 2, code: "denied" });
  fs.failCall({ method: "openDirectory", nth: 3, name: "a", code: "io" });
  const codes: string[] = [];
  for (const name of ["a", "b", "a", "a", "b", "a"]) {
    try {
      (await root.openDirectory(name as Name)).close();
      codes.push("-");
    } catch (error) {
      codes.push((error as FileSystemError).code);
    }
  }
  assertEquals(codes, ["-", "denied", "-", "io", "-", "-"]);
});

Deno.test("MemoryFileSystem takes its time if it is told to", async () => {
  const waited: string[] = [];
  const fs = MemoryFileSystem.from({ "a/x": "1", "b/": null }, {
    latency: async (method, path) => {
      await new Promise((resolve) => setTimeout(resolve));
      waited.push(`${method} ${path}`);
    },
  });
  const root = await fs.openRoot("/");
  const a = await root.openDirectory("a" as Name);
  await a.rename("x" as Name, root, "y" as Name);
  assertEquals(waited, ["openDirectory /a", "rename /a/x"]);
  assertEquals(fs.dump(), { "a/": null, "b/": null, "y": "1" });
});

Deno.test("MemoryFileSystem asks its fault before each call", async () => {
  const fs = MemoryFileSystem.from({ "d/a": "1", "d/b": "2" });
  const asked: string[] = [];
  fs.fault = (method, path) => {
    asked.push(`${method} ${path}`);
    return method === "listed" && path === "d/b" ? DISK_FULL : undefined;
  };
  const root = await fs.openRoot("");
  const directory = await root.openDirectory("d" as Name);
  const { entries, failed } = await directory.list();
  assertEquals(entries.map((entry) => entry.name) as string[], ["a"]);
  assertEquals(failed, [{
    name: "b",
    reason: "unreadable",
    message: DISK_FULL.message,
  }]);
  assertEquals(asked, [
    "openRoot ",
    "openDirectory d",
    "list d",
    "listed d/a",
    "listed d/b",
  ]);
});

Deno.test("MemoryFileSystem counts what is done", async () => {
  const fs = MemoryFileSystem.from({ "a": "12345" });
  const root = await fs.openRoot("");
  await root.list();
  await root.readFile("a" as Name, new Uint8Array(3));
  const file = await root.openWritable("a" as Name);
  await file.write(new Uint8Array(7), 0);
  await file.truncate(2);
  file.close();
  await root.removeFile("a" as Name);
  await assertRejects(() => root.removeFile("a" as Name));
  const { mutations, ...counters } = fs.counters;
  assertEquals(counters, {
    reads: 1,
    bytesRead: 3,
    writes: 1,
    bytesWritten: 7,
    listings: 1,
    flushes: 0,
  });
  const done = Object.entries(mutations).filter(([, times]) => times > 0);
  assertEquals(Object.fromEntries(done), {
    openWritable: 1,
    write: 1,
    truncate: 1,
    removeFile: 1,
  });
});

Deno.test("MemoryFileSystem dates entries by the clock it is given", async () => {
  let now = 5000;
  const fs = new MemoryFileSystem({ now: () => now });
  const root = await fs.openRoot("");
  now = 6000;
  await root.createDirectory("a" as Name);
  assertEquals((await root.lookup("a" as Name))?.mtime, 6000);
  assertEquals((await root.stat()).mtime, 6000);
});

Deno.test("MemoryFileSystem can do without modes and links", async () => {
  const traits = { modes: false, symlinks: false, owners: false };
  const root = await new MemoryFileSystem({ traits }).openRoot("");
  await root.createDirectory("a" as Name);
  assertEquals((await root.lookup("a" as Name))?.mode, 0o755);
  const error = await assertRejects(
    () => root.createSymlink("l" as Name, "a", 0),
    FileSystemError,
  );
  assertEquals(error.code, "unsupported");
});
