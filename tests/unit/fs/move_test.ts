/** Moves at a target, whatever happens meanwhile. */
import { assert, assertEquals } from "@std/assert";
import type { Clock } from "../../../src/core/clock.ts";
import { applyMoves, findMoves, type Move } from "../../../src/core/moves.ts";
import { originsOf } from "../../../src/core/origins.ts";
import { type Name, parseRelPath } from "../../../src/core/path.ts";
import type { Snapshot } from "../../../src/core/snapshot.ts";
import { FileSystemError } from "../../../src/errors.ts";
import type { Directory } from "../../../src/fs/file_system.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import type { MemoryMethod } from "../../../src/fs/memory_state.ts";
import type { PlainTree } from "../../../src/fs/memory_tree.ts";
import { scan } from "../../../src/fs/scan.ts";
import { LocalEndpoint } from "../../../src/session/local_endpoint.ts";
import { mirror } from "../../../src/session/mirror.ts";
import { hooked } from "../../../src/fs/hooked_fs.ts";
import { PLAIN_SCAN } from "../../support/plain_scan.ts";

const DONE = { kind: "done", message: "" } as const;

const TREE: PlainTree = {
  file: "content",
  "dir/inner": "inner",
  "dir/sub/deep": "deep",
  "gone/file": "from a directory that goes",
  other: "other",
};

/** What was renamed at the source, and what was changed besides. */
async function alter(root: Directory): Promise<void> {
  await root.createDirectory("new" as Name);
  const made = await root.openDirectory("new" as Name);
  await made.createDirectory("deep" as Name);
  const deep = await made.openDirectory("deep" as Name);
  await root.rename("file" as Name, deep, "file2" as Name);
  const dir = await root.openDirectory("dir" as Name);
  await dir.rename("inner" as Name, root, "inner2" as Name);
  await root.rename("dir" as Name, made, "dir2" as Name);
  const gone = await root.openDirectory("gone" as Name);
  await gone.rename("file" as Name, dir, "from gone" as Name);
  await root.removeDirectory("gone" as Name);
  const { mtime } = (await root.lookup("inner2" as Name))!;
  await root.setMetadata("inner2" as Name, { mode: 0o600, mtime });
  for (const directory of [made, deep, dir, gone]) directory.close();
}

/** Two sides that were equal, and the source as it was then. */
interface Sides {
  readonly source: MemoryFileSystem;
  readonly target: MemoryFileSystem;
  readonly before: Snapshot;
}

async function sides(): Promise<Sides> {
  const source = MemoryFileSystem.from(TREE);
  const target = new MemoryFileSystem();
  const made: Sides = { source, target, before: await look(source) };
  await mirrorOnce(made);
  await alter(await source.openRoot("/"));
  return made;
}

async function look(fileSystem: MemoryFileSystem): Promise<Snapshot> {
  const root = await fileSystem.openRoot("/");
  return await scan(root, PLAIN_SCAN);
}

const HURRIED: Clock = {
  now: () => 0,
  after(_, then): () => void {
    const timer = setTimeout(then, 0);
    return () => clearTimeout(timer);
  },
};

/** A whole run, as a command does it: how many entries it has moved. */
async function mirrorOnce(
  { source, target, before }: Sides,
): Promise<number> {
  const from = await LocalEndpoint.open(source, "/");
  const to = await LocalEndpoint.open(target, "/");
  let outcome: { kind: "done" | "failed"; message: string } = {
    kind: "failed",
    message: "",
  };
  try {
    await to.recover();
    const { changes, problems } = await mirror(from, to, {
      checksum: false,
      symlinks: "copy",
      deletes: true,
      clock: HURRIED,
      origins: (here) => originsOf(before.root, here.root),
    });
    if (problems.length > 0) throw new Error(problems[0]!.problem.message);
    outcome = DONE;
    return changes.moved;
  } finally {
    await to.close(outcome);
    await from.close(DONE);
  }
}

async function assertEqual({ source, target }: Sides): Promise<void> {
  const [a, b] = [await look(source), await look(target)];
  assertEquals(b.root.digest, a.root.digest);
  assertEquals([b.root.mtime, b.root.mode], [a.root.mtime, a.root.mode]);
  assertEquals(target.dump(), source.dump());
}

Deno.test("move() carries out all that was found, and leaves the rest to the diff", async () => {
  const both = await sides();
  assertEquals(await mirrorOnce(both), 4);
  await assertEqual(both);
});

Deno.test("E10: whichever call of a move is the last one, no content is lost, and the next run ends it", async () => {
  const contents = Object.values(TREE) as string[];
  for (let last = 1;; last++) {
    const both = await sides();
    let calls = 0;
    let dead = false;
    both.target.fault = (method, path) => {
      if (method === "openRoot") return undefined;
      dead ||= ++calls > last;
      return dead
        ? new FileSystemError("io", `Cannot ${method} ${path}: it is dead`)
        : undefined;
    };
    await mirrorOnce(both).catch(() => {});
    both.target.fault = undefined;
    const left = Object.values(both.target.dump());
    for (const content of contents) {
      assert(left.includes(content), `call ${last}: "${content}" is lost`);
    }
    await mirrorOnce(both);
    await assertEqual(both);
    if (!dead) return;
  }
});

Deno.test("move() fails alone where a single call fails, and the run makes up for it", async () => {
  const methods: readonly MemoryMethod[] = [
    ...["link", "rename", "createDirectory", "setOwnMetadata", "lookup"],
    ...["setMetadata", "removeFile", "openDirectory", "stat"],
  ] as MemoryMethod[];
  for (const chosen of methods) {
    for (let n = 1;; n++) {
      const both = await sides();
      let calls = 0;
      both.target.fault = (method, path) =>
        method === chosen && ++calls === n
          ? new FileSystemError("denied", `Cannot ${method} ${path}: ordered`)
          : undefined;
      await mirrorOnce(both).catch(() => {});
      both.target.fault = undefined;
      await mirrorOnce(both);
      await assertEqual(both);
      if (calls < n) break;
    }
  }
});

Deno.test("G07: what somebody saves at any moment of a move is there afterwards", async () => {
  for (let at = 1;; at++) {
    const { source, target, before } = await sides();
    const there = await look(target);
    const here = await look(source);
    const origins = originsOf(before.root, here.root);
    const { moves } = findMoves(there.root, here.root, origins);
    const outside = await target.openRoot("/");
    let calls = 0;
    const system = hooked(target, async () => {
      if (++calls !== at) return;
      // As editors do it, if the file is there.
      if (await outside.lookup("file" as Name) === undefined) return;
      const bytes = new TextEncoder().encode("saved by somebody");
      const metadata = { mode: 0o644, mtime: 9 };
      await outside.createFile("saving" as Name, bytes, metadata);
      await outside.rename("saving" as Name, outside, "file" as Name);
    });
    const endpoint = await LocalEndpoint.open(system, "/");
    await endpoint.move(moves);
    const saved = Object.values(target.dump());
    const wasSaved = Object.entries(target.dump())
      .some(([path, content]) =>
        !path.startsWith(".lockstep") && content === "saved by somebody"
      );
    const isPlain = saved.includes("content");
    assert(wasSaved || isPlain, `before call ${at}`);
    if (calls >= at && !wasSaved) {
      // The file had left its place by then: nothing could be saved there.
      const paths = Object.keys(target.dump());
      assert(paths.includes("new/deep/file2"), `before call ${at}`);
    }
    await endpoint.close(DONE);
    if (calls < at) return;
  }
});

Deno.test("applyMoves() refuses what does not fit the tree", async () => {
  const { target } = await sides();
  const { root } = await look(target);
  const move: Move = {
    from: parseRelPath("file"),
    to: parseRelPath("other"),
    entry: root.children.get("file" as Name) as Move["entry"],
    parents: [],
  };
  for (const wrong of [move, { ...move, to: parseRelPath("a/b") }]) {
    let failed = false;
    try {
      applyMoves(root, [wrong]);
    } catch (error) {
      failed = error instanceof RangeError;
    }
    assert(failed);
  }
});
