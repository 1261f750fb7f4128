import { assert, assertEquals, assertRejects } from "@std/assert";
import { FileSystemError } from "../../../src/errors.ts";
import type { Directory } from "../../../src/fs/file_system.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import type { PlainTree } from "../../../src/fs/memory_tree.ts";
import {
  cleanStaged,
  removeStale,
  STALE_AFTER_MS,
} from "../../../src/fs/stale_staging.ts";
import { StagingArea } from "../../../src/fs/staging_area.ts";

const STAGED_AT = 1_700_000_000_000;
const MAY_GO = STAGED_AT + STALE_AFTER_MS + 1;

/** A tree at which a run was broken off, beside all else that may lie there. */
const TREE: PlainTree = {
  "mine": "content",
  "d/mine": "more",
  ".lockstep/lock": "",
  ".lockstep/stage/a": "12345",
  ".lockstep/stage/d/e/b": "123",
  ".lockstep/stage/d/link": { symlink: "x" },
  ".lockstep/stage/empty/": null,
  ".lockstep/kept/0": "changed meanwhile",
  ".lockstep/trash/2026-11-21T00-51-07.123Z/files/x": "thrown away",
  ".lockstep/restore/copy": "on its way back",
};

const withoutStage = Object.fromEntries(
  Object.entries(TREE).filter(([path]) =>
    !path.startsWith(".lockstep/stage") && path !== ".lockstep/lock"
  ),
);

/** `tree` as it was made at {@link STAGED_AT}, and its root. */
async function made(
  tree: PlainTree,
): Promise<{ fileSystem: MemoryFileSystem; root: Directory }> {
  const fileSystem = MemoryFileSystem.from(tree, { now: () => STAGED_AT });
  return { fileSystem, root: await fileSystem.openRoot("/") };
}

Deno.test("removeStale() removes what was staged too long ago, and nothing else", async () => {
  const { fileSystem, root } = await made(TREE);
  await removeStale(root, MAY_GO - 1);
  assertEquals(fileSystem.dump(), TREE);
  await removeStale(root, MAY_GO);
  assertEquals(fileSystem.dump(), withoutStage);
});

Deno.test("removeStale() goes by the newest entry, however deep, and by mtime as well as ctime", async () => {
  let now = STAGED_AT;
  for (const change of ["create", "touch"]) {
    now = STAGED_AT;
    const fileSystem = MemoryFileSystem.from(TREE, { now: () => now });
    const root = await fileSystem.openRoot("/");
    const own = await root.openDirectory(".lockstep" as never);
    const stage = await own.openDirectory("stage" as never);
    const d = await stage.openDirectory("d" as never);
    const e = await d.openDirectory("e" as never);
    if (change === "create") {
      now += 1_000;
      await e.createFile("new" as never, new Uint8Array(1), {
        mode: 0o644,
        mtime: 0,
      });
    } else {
      await e.setMetadata("b" as never, {
        mode: 0o644,
        mtime: STAGED_AT + 1_000,
      });
    }
    const before = fileSystem.dump();
    await removeStale(root, MAY_GO);
    assertEquals(fileSystem.dump(), before, change);
    await removeStale(root, MAY_GO + 1_000);
    assertEquals(fileSystem.dump(), withoutStage, change);
  }
});

Deno.test("removeStale() leaves a root alone that has nothing staged", async () => {
  for (const tree of [{ a: "x" }, { ".lockstep/kept/0": "x" }]) {
    const { fileSystem, root } = await made(tree);
    await removeStale(root, Infinity);
    assertEquals(fileSystem.dump(), tree);
  }
});

Deno.test("removeStale() and cleanStaged() leave alone where another one is at work", async () => {
  const { fileSystem, root } = await made(TREE);
  const other = await StagingArea.open(root);
  const before = fileSystem.dump();
  await removeStale(root, MAY_GO);
  for (const dryRun of [true, false]) {
    const error = await assertRejects(
      () => cleanStaged(root, { dryRun }),
      FileSystemError,
      "another Lockstep is at work there",
    );
    assertEquals(error.code, "locked");
  }
  assertEquals(fileSystem.dump(), before);
  await other.close();
  await cleanStaged(root, { dryRun: false });
  assertEquals(fileSystem.dump(), withoutStage);
});

Deno.test("removeStale() is no reason to fail", async () => {
  const { fileSystem, root } = await made(TREE);
  fileSystem.failNext("list", undefined, new FileSystemError("io", "broken"));
  await removeStale(root, MAY_GO);
  assertEquals(fileSystem.dump(), TREE);
});

Deno.test("cleanStaged() counts what it removes, and with dryRun only counts", async () => {
  const { fileSystem, root } = await made(TREE);
  const totals = { files: 3, bytes: 8, kept: [] };
  assertEquals(await cleanStaged(root, { dryRun: true }), totals);
  assertEquals(fileSystem.dump(), TREE);
  assertEquals(await cleanStaged(root, { dryRun: false }), totals);
  assertEquals(fileSystem.dump(), withoutStage);
  const nothing = { files: 0, bytes: 0, kept: [] };
  for (const dryRun of [true, false]) {
    assertEquals(await cleanStaged(root, { dryRun }), nothing);
  }
  assertEquals(fileSystem.dump(), withoutStage);
});

Deno.test("cleanStaged() leaves no .lockstep where nothing has to stay, and the root as it was", async () => {
  const { fileSystem, root } = await made({
    "mine": "content",
    ".lockstep/stage/a": "12345",
  });
  await root.setOwnMetadata({ mode: 0o555, mtime: 7 });
  await cleanStaged(root, { dryRun: false });
  assertEquals(fileSystem.dump(), { mine: "content" });
  const { mode, mtime } = await root.stat();
  assertEquals([mode, mtime], [0o555, 7]);
});

Deno.test("cleanStaged() puts back what a killed run had taken out of its place", async () => {
  const journal = [
    ["lockstep-held", 1, false],
    ["0", "d/deleted", "file", 3, STAGED_AT, 0, "deleted"],
  ];
  const { fileSystem, root } = await made({
    "d/mine": "more",
    ".lockstep/stage/a": "12345",
    ".lockstep/held/0": "old",
    ".lockstep/held/1": "unknown",
    ".lockstep/held/journal": journal.map((line) => JSON.stringify(line))
      .join("\n") + "\n",
  });
  const { kept, files } = await cleanStaged(root, { dryRun: false });
  const after = Object.values(fileSystem.dump());
  assertEquals(files, 1);
  assertEquals(after.toSorted(), ["more", "old", "unknown"]);
  assert(kept.length > 0);
});

Deno.test("cleanStaged() removes nothing where the recovery fails", async () => {
  const { fileSystem, root } = await made({
    ...TREE,
    ".lockstep/held/0": "old",
  });
  const before = fileSystem.dump();
  fileSystem.failNext("openDirectory", "held", new FileSystemError("io", "no"));
  await assertRejects(
    () => cleanStaged(root, { dryRun: false }),
    FileSystemError,
  );
  assertEquals(fileSystem.dump(), before);
});
