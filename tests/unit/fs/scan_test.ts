import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Entry } from "../../../src/core/entry.ts";
import { parseRelPath } from "../../../src/core/path.ts";
import {
  entryAt,
  NO_IGNORE,
  type ScanOptions,
  type Snapshot,
} from "../../../src/core/snapshot.ts";
import { FileSystemError } from "../../../src/errors.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import { scan, type ScanControl } from "../../../src/fs/scan.ts";

const OPTIONS: ScanOptions = {
  checksum: false,
  symlinks: "copy",
  modes: true,
  ignore: NO_IGNORE,
};

async function scanAll(
  fileSystem: MemoryFileSystem,
  options: Partial<ScanOptions> = {},
  control?: ScanControl,
): Promise<Snapshot> {
  const root = await fileSystem.openRoot("/");
  try {
    return await scan(root, { ...OPTIONS, ...options }, control);
  } finally {
    root.close();
  }
}

function at(snapshot: Snapshot, path: string): Entry | undefined {
  return entryAt(snapshot.root, parseRelPath(path));
}

Deno.test("scan() sees files, directories and links, in name order", async () => {
  const fileSystem = MemoryFileSystem.from({
    b: "bb",
    "a/z": "1",
    "a/y": "22",
    "c/": null,
    d: { symlink: "../out" },
  });
  const snapshot = await scanAll(fileSystem);
  assertEquals([...snapshot.root.children.keys()] as string[], [
    "a",
    "b",
    "c",
    "d",
  ]);
  assertEquals(snapshot.totals, {
    directories: 2,
    files: 3,
    symlinks: 1,
    bytes: 5,
  });
  const link = at(snapshot, "d");
  assertEquals(link?.kind === "symlink" && link.target, "../out");
  assertEquals(snapshot.problems, []);
});

Deno.test("scan() passes over the staging area, at the top only", async () => {
  const fileSystem = MemoryFileSystem.from({
    ".lockstep/stage/x": "staged",
    "a/.lockstep/y": "a user's",
  });
  const snapshot = await scanAll(fileSystem);
  assertEquals(at(snapshot, ".lockstep"), undefined);
  assertEquals(at(snapshot, "a/.lockstep/y")?.kind, "file");
});

Deno.test("scan() keeps what can't be read as a problem, and names it", async () => {
  const fileSystem = MemoryFileSystem.from({ "a/x": "1", "b/y": "2" });
  fileSystem.failNext(
    "openDirectory",
    "a",
    new FileSystemError("denied", 'Cannot open "a": permission denied'),
  );
  const snapshot = await scanAll(fileSystem);
  assertEquals(at(snapshot, "a")?.kind, "problem");
  assertEquals(at(snapshot, "b/y")?.kind, "file");
  assertEquals(
    snapshot.problems.map(({ path, code }) => [path as string, code]),
    [["a", "unreadable"]],
  );
});

Deno.test("scan() fails when the root itself can't be listed", async () => {
  const fileSystem = MemoryFileSystem.from({ a: "1" });
  fileSystem.failNext(
    "list",
    undefined,
    new FileSystemError("io", "Cannot list: input/output error"),
  );
  await assertRejects(() => scanAll(fileSystem), FileSystemError, "list");
});

Deno.test("scan() leaves special files out, and names them", async () => {
  const snapshot = await scanAll(
    MemoryFileSystem.from({ pipe: { special: true } }),
  );
  assertEquals(at(snapshot, "pipe"), {
    kind: "untracked",
    reason: "special-file",
  });
  assertEquals(snapshot.problems[0]?.code, "skipped");
});

Deno.test("scan() keeps a name that is not UTF-8 as something that is there", async () => {
  const fileSystem = MemoryFileSystem.from({ "d/ok": "1", "d/bad": "2" });
  fileSystem.failNext(
    "listed",
    "bad",
    new FileSystemError("unsafe-path", "its name is not valid UTF-8"),
  );
  const snapshot = await scanAll(fileSystem);
  assertEquals(at(snapshot, "d/bad"), {
    kind: "untracked",
    reason: "invalid-name",
  });
});

Deno.test("scan() skips links when it is told so, without a word", async () => {
  const snapshot = await scanAll(
    MemoryFileSystem.from({ a: { symlink: "b" } }),
    { symlinks: "skip" },
  );
  assertEquals(at(snapshot, "a")?.kind, "untracked");
  assertEquals(snapshot.problems, []);
});

Deno.test("scan() follows links when it is told so", async () => {
  const snapshot = await scanAll(
    MemoryFileSystem.from({
      "real/x": "12345",
      dir: { symlink: "real" },
      file: { symlink: "real/x" },
      dangling: { symlink: "nowhere" },
    }),
    { symlinks: "follow" },
  );
  assertEquals(at(snapshot, "dir/x")?.kind, "file");
  const file = at(snapshot, "file");
  assertEquals(file?.kind === "file" && file.size, 5);
  assertEquals(at(snapshot, "dangling")?.kind, "problem");
});

Deno.test("scan() does not follow a link into a directory that holds it", async () => {
  const snapshot = await scanAll(
    MemoryFileSystem.from({ "a/b/up": { symlink: "../.." }, "a/x": "1" }),
    { symlinks: "follow" },
  );
  assertEquals(at(snapshot, "a/b/up")?.kind, "problem");
  assert(snapshot.problems[0]?.message.includes("leads back"));
});

Deno.test("scan() digests content with checksum, and nothing without", async () => {
  const fileSystem = MemoryFileSystem.from({ a: "abc" });
  const plain = at(await scanAll(fileSystem), "a");
  assertEquals(plain?.kind === "file" && plain.digest, undefined);
  assertEquals(fileSystem.counters.reads, 0);
  const read = at(await scanAll(fileSystem, { checksum: true }), "a");
  assertEquals(
    read?.kind === "file" && read.digest,
    // The example of FIPS 180-4.
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
});

Deno.test("scan() stops when it is told to", async () => {
  const abort = new AbortController();
  await assertRejects(
    () =>
      scanAll(MemoryFileSystem.from({ "a/b/c": "1" }), {}, {
        signal: abort.signal,
        onProgress: () => abort.abort(new Error("enough")),
      }),
    Error,
    "enough",
  );
});
