/** What becomes of an entry that is to go, where a disk does not let it. */
import { assertEquals, assertRejects } from "@std/assert";
import type { Change } from "../../../src/core/change.ts";
import type { TrackedEntry } from "../../../src/core/entry.ts";
import type { Name } from "../../../src/core/path.ts";
import {
  FileSystemError,
  type FileSystemErrorCode,
} from "../../../src/errors.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import type { MemoryMethod } from "../../../src/fs/memory_state.ts";
import { LocalEndpoint } from "../../../src/session/local_endpoint.ts";
import { path, symlink } from "../../support/trees.ts";
import { PLAIN_SCAN } from "../../support/plain_scan.ts";

const DONE = { kind: "done", message: "" } as const;
/** What goes wrong while a change is carried out. */
interface Trouble {
  readonly failing?: {
    readonly method: MemoryMethod;
    readonly name: string;
    readonly code: FileSystemErrorCode;
  };
  /** What somebody else does right before each call. */
  readonly meanwhile?: (
    fs: MemoryFileSystem,
    method: string,
    at: string,
  ) => Promise<void>;
}

/** What is left of a tree, and why, after `change` was carried out on it. */
async function carriedOut(
  of: string,
  wanted: Change["new"],
  trouble: Trouble,
): Promise<{ left: unknown; done: number; problems: string[] }> {
  const fs = MemoryFileSystem.from({ "t/a": "1", "t/d/b": "2" }, {
    latency: async (method, at) => {
      if (isBegun) await trouble.meanwhile?.(fs, method, at);
    },
  });
  let isBegun = false;
  const target = await LocalEndpoint.open(fs, "t", { durable: false });
  const { root } = await target.scan(PLAIN_SCAN);
  const old = [...root.children].find(([name]) => name === of)![1];
  const changes: Change[] = [
    { path: path(of), old: old as TrackedEntry, new: wanted },
  ];
  await target.stage(changes);
  isBegun = true;
  if (trouble.failing !== undefined) fs.failCall(trouble.failing);
  const { done, problems } = await target.transition(changes);
  await target.close(DONE);
  return {
    left: fs.dump("t"),
    done: done[0]!,
    problems: problems.map(({ path, code }) => `${path}: ${code}`),
  };
}

Deno.test("what can't leave its place stays, and is named", async () => {
  const left = { "a": "1", "d/b": "2" };
  for (const name of ["a", "d"]) {
    const failing = { method: "rename", name, code: "io" } as const;
    const found = await carriedOut(name, undefined, { failing });
    assertEquals(found, { left, done: 0, problems: [`${name}: failed`] });
  }
});

Deno.test("a directory that can't be moved is given up where it is, a file is not", async () => {
  const failing = { method: "rename", code: "cross-device" } as const;
  const gone = (name: string): ReturnType<typeof carriedOut> =>
    carriedOut(name, undefined, { failing: { ...failing, name } });
  assertEquals(await gone("d"), {
    left: { "a": "1" },
    done: 1,
    problems: [],
  });
  assertEquals(await gone("a"), {
    left: { "a": "1", "d/b": "2" },
    done: 0,
    problems: ["a: failed"],
  });
});

Deno.test("what can't have two names is replaced all the same; what can't be held is not", async () => {
  const wanted = symlink("there");
  const replaced = (
    code: FileSystemErrorCode,
  ): ReturnType<typeof carriedOut> =>
    carriedOut("a", wanted, { failing: { method: "link", name: "a", code } });
  assertEquals(
    await replaced("unsupported"),
    { left: { "a": { symlink: "there" }, "d/b": "2" }, done: 1, problems: [] },
  );
  assertEquals(await replaced("io"), {
    left: { "a": "1", "d/b": "2" },
    done: 0,
    problems: ["a: failed"],
  });
});

/** Makes a file of somebody else at `at`. */
async function save(fs: MemoryFileSystem, at: string): Promise<void> {
  const [, parent, name] = /^(.*)\/(.*)$/.exec(at)!;
  const directory = await fs.openRoot(parent!, { create: true });
  const metadata = { mode: 0o644, mtime: 9_000 };
  await directory.createFile(name as Name, new Uint8Array(1), metadata);
  directory.close();
}

Deno.test("a directory in which somebody saves right before it goes comes back", async () => {
  let isSaved = false;
  const found = await carriedOut("d", undefined, {
    meanwhile: async (fs, method, at) => {
      if (isSaved || method !== "rename" || at !== "t/d") return;
      isSaved = true;
      await save(fs, "t/d/new");
    },
  });
  assertEquals(found, {
    left: { "a": "1", "d/b": "2", "d/new": "\0" },
    done: 0,
    problems: ["d: stale"],
  });
});

Deno.test("a directory that can't come back, for its place is taken, is kept", async () => {
  let step = 0;
  const found = await carriedOut("d", undefined, {
    meanwhile: async (fs, method, at) => {
      if (step === 0 && method === "rename" && at === "t/d") {
        step++;
        await save(fs, "t/d/new");
      } else if (step === 1 && method === "list") {
        step++;
        await save(fs, "t/d/other");
      }
    },
  });
  assertEquals(found, {
    left: {
      "a": "1",
      "d/other": "\0",
      ".lockstep/kept/0/b": "2",
      ".lockstep/kept/0/new": "\0",
    },
    done: 0,
    problems: ["d: kept", "d: stale"],
  });
});

Deno.test("nobody scans a tree of which something is held that can't be put back for now", async () => {
  const fs = MemoryFileSystem.from({ "t/a": "1", "t/d/b": "2" });
  const first = await LocalEndpoint.open(fs, "t");
  const { root } = await first.scan(PLAIN_SCAN);
  const old = [...root.children].find(([name]) => name === "a")![1];
  const changes: Change[] = [
    { path: path("a"), old: old as TrackedEntry, new: undefined },
  ];
  await first.stage(changes);
  // It has left its place by the time that the disk fails for good.
  const fail = (): FileSystemError => new FileSystemError("io", "It fails");
  fs.fault = (method, at) =>
    fs.dump("t")["a"] === undefined && method === "flush" && at === "t"
      ? fail()
      : method === "list" && at === "t/.lockstep"
      ? fail()
      : undefined;
  await assertRejects(() => first.transition(changes), FileSystemError);
  await assertRejects(() => first.scan(PLAIN_SCAN), FileSystemError);
  await first.close({ kind: "failed", message: "" });

  const second = await LocalEndpoint.open(fs, "t");
  await assertRejects(() => second.recover(), FileSystemError, "It fails");
  fs.fault = undefined;
  await second.recover();
  assertEquals(fs.dump("t")["a"], "1");
  await second.close(DONE);
});
