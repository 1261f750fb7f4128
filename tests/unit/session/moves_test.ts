/** Renames at a source become renames at its target, on both file systems. */
import { assert, assertEquals } from "@std/assert";
import type { Clock } from "../../../src/core/clock.ts";
import { originsOf } from "../../../src/core/origins.ts";
import { GuardError } from "../../../src/errors.ts";
import { DenoFileSystem } from "../../../src/fs/deno_fs.ts";
import type { Directory, FileSystem } from "../../../src/fs/file_system.ts";
import { MemoryFileSystem } from "../../../src/fs/memory_fs.ts";
import type { Endpoint } from "../../../src/session/endpoint.ts";
import type { MirrorSummary } from "../../../src/session/events.ts";
import { LocalEndpoint } from "../../../src/session/local_endpoint.ts";
import { mirror, type MirrorOptions } from "../../../src/session/mirror.ts";
import { RemoteEndpoint } from "../../../src/session/remote_endpoint.ts";
import type { Review, RoundGuard } from "../../../src/session/round_guard.ts";
import { serveEndpoint } from "../../../src/session/serve_endpoint.ts";
import type { Snapshot } from "../../../src/core/snapshot.ts";
import type { Name } from "../../../src/core/path.ts";
import { namesOf, parseRelPath } from "../../../src/core/path.ts";
import { sessionPair } from "../../support/session_pair.ts";
import { TempDir } from "../../support/temp.ts";
import { PLAIN_SCAN } from "../../support/plain_scan.ts";

const OPTIONS: MirrorOptions = {
  checksum: false,
  symlinks: "copy",
  deletes: true,
};
const DONE = { kind: "done", message: "" } as const;
/** One tree under test: what can be done to it by name. */
class Tree {
  readonly #root: Directory;

  constructor(root: Directory) {
    this.#root = root;
  }

  async write(path: string, text: string, mtime = 1_000): Promise<void> {
    const { directory, name } = await this.#reach(path, true);
    if (await directory.lookup(name)) await directory.removeFile(name);
    const bytes = new TextEncoder().encode(text);
    await directory.createFile(name, bytes, { mode: 0o644, mtime });
  }

  async make(path: string): Promise<void> {
    await this.#reach(`${path}/x`, true);
  }

  async link(path: string, target: string): Promise<void> {
    const { directory, name } = await this.#reach(path, true);
    await directory.createSymlink(name, target, 5_000);
  }

  async twin(from: string, to: string): Promise<void> {
    const a = await this.#reach(from);
    const b = await this.#reach(to, true);
    await a.directory.link(a.name, b.directory, b.name);
  }

  async rename(from: string, to: string): Promise<void> {
    const a = await this.#reach(from);
    const b = await this.#reach(to, true);
    await a.directory.rename(a.name, b.directory, b.name);
  }

  async chmod(path: string, mode: number): Promise<void> {
    const { directory, name } = await this.#reach(path);
    const { mtime } = (await directory.lookup(name))!;
    await directory.setMetadata(name, { mode, mtime });
  }

  async remove(path: string): Promise<void> {
    const { directory, name } = await this.#reach(path);
    const stat = await directory.lookup(name);
    if (stat?.kind !== "directory") return await directory.removeFile(name);
    const inner = await directory.openDirectory(name);
    for (const { name: child } of (await inner.list()).entries) {
      await this.remove(`${path}/${child}`);
    }
    inner.close();
    await directory.removeDirectory(name);
  }

  async inode(path: string): Promise<number | undefined> {
    try {
      const { directory, name } = await this.#reach(path);
      return (await directory.lookup(name))?.inode;
    } catch {
      return undefined;
    }
  }

  /** All that is in it, as text. */
  async describe(): Promise<string[]> {
    const lines: string[] = [];
    const walk = async (directory: Directory, base: string): Promise<void> => {
      for (const { name, stat, target } of (await directory.list()).entries) {
        const path = base + name;
        const own = `${path} ${stat.kind} ${
          stat.mode.toString(8)
        } ${stat.mtime}`;
        if (stat.kind === "directory") {
          lines.push(own);
          const inner = await directory.openDirectory(name);
          await walk(inner, `${path}/`);
          inner.close();
        } else if (stat.kind === "file") {
          const into = new Uint8Array(stat.size);
          await directory.readFile(name, into);
          lines.push(`${own} ${new TextDecoder().decode(into)}`);
        } else lines.push(`${own} ${target}`);
      }
    };
    await walk(this.#root, "");
    const { mode, mtime } = await this.#root.stat();
    return [`${mode.toString(8)} ${mtime}`, ...lines.sort()];
  }

  async #reach(
    path: string,
    create = false,
  ): Promise<{ directory: Directory; name: Name }> {
    const names = namesOf(parseRelPath(path));
    let directory = this.#root;
    for (const name of names.slice(0, -1)) {
      if (create && await directory.lookup(name) === undefined) {
        await directory.createDirectory(name);
        await directory.setMetadata(name, { mode: 0o755, mtime: 2_000 });
      }
      directory = await directory.openDirectory(name);
    }
    return { directory, name: names.at(-1)! };
  }
}

/** A source and a target that were equal once, and are about to differ. */
interface World {
  readonly from: Tree;
  readonly to: Tree;
  readonly source: LocalEndpoint;
  readonly target: Endpoint;
  /** The target itself, also where `target` is far. */
  readonly near: LocalEndpoint;
  /** Mirrors with the evidence of the last mirror. */
  mirror(options?: Partial<MirrorOptions>): Promise<MirrorSummary>;
  /** Bytes on the wire so far; 0 where there is none. */
  wire(): number;
}

type Work = (world: World) => Promise<void>;

async function inWorld(
  places: readonly [[FileSystem, string], [FileSystem, string]],
  far: boolean,
  work: Work,
): Promise<void> {
  const [[a, fromPath], [b, toPath]] = places;
  const source = await LocalEndpoint.open(a, fromPath, { create: true });
  const near = await LocalEndpoint.open(b, toPath, {
    create: true,
    durable: false,
  });
  const pair = far ? await sessionPair() : undefined;
  const served = pair && serveEndpoint(pair.server, near, { role: "target" });
  const target = pair === undefined ? near : new RemoteEndpoint(pair.client);
  let before: Snapshot | undefined;
  try {
    await work({
      from: new Tree(await a.openRoot(fromPath)),
      to: new Tree(await b.openRoot(toPath)),
      source,
      target,
      near,
      wire: () =>
        pair === undefined
          ? 0
          : pair.client.counts.sent + pair.client.counts.received,
      async mirror(options = {}): Promise<MirrorSummary> {
        const summary = await mirror(source, target, {
          ...OPTIONS,
          origins: (here) =>
            before === undefined
              ? new Map()
              : originsOf(before.root, here.root),
          ...options,
        });
        before = await source.scan(PLAIN_SCAN);
        return summary;
      },
    });
  } finally {
    await source.close(DONE);
    await target.close(DONE);
    await served;
  }
}

/** Runs `work` in memory and on the disk, with a target near and far. */
function test(name: string, work: Work): void {
  for (const far of [false, true]) {
    const where = far ? "over a session" : "here";
    Deno.test(`${name}, in memory, ${where}`, async () => {
      let now = 100_000;
      const system = (): MemoryFileSystem =>
        new MemoryFileSystem({ now: () => now += 1_000 });
      await inWorld([[system(), "/"], [system(), "/"]], far, work);
    });
    Deno.test(`${name}, on a disk, ${where}`, async () => {
      await using temp = new TempDir();
      const system = new DenoFileSystem();
      await inWorld(
        [[system, temp.at("a")], [system, temp.at("b")]],
        far,
        work,
      );
    });
  }
}

async function assertSame({ from, to }: World): Promise<void> {
  assertEquals(await to.describe(), await from.describe());
}

async function assertIdle(world: World): Promise<void> {
  const { changes } = await world.mirror();
  assertEquals({ ...changes }, {
    created: 0,
    replaced: 0,
    touched: 0,
    deleted: 0,
    moved: 0,
    files: 0,
    bytes: 0,
  });
}

test("mirror() renames a file that was renamed", async (world) => {
  const { from, to } = world;
  await from.write("old", "content");
  await from.write("dir/stays", "content");
  await world.mirror();
  const inode = await to.inode("old");
  await from.rename("old", "dir/new");
  const { changes, problems } = await world.mirror();
  assertEquals(problems, []);
  assertEquals(changes.moved, 1);
  assertEquals(changes.files, 0);
  assertEquals(changes.deleted, 0);
  assertEquals(await to.inode("dir/new"), inode);
  await assertSame(world);
  await assertIdle(world);
});

test("mirror() renames a directory as one, and keeps its files", async (world) => {
  const { from, to } = world;
  for (let i = 0; i < 200; i++) await from.write(`old/d${i % 7}/f${i}`, `${i}`);
  await from.link("old/link", "d1/f1");
  await from.write("stays", "1");
  await world.mirror();
  const inodes = [await to.inode("old/d3"), await to.inode("old/d3/f3")];
  await from.rename("old", "new");
  const wire = world.wire();
  const { changes, problems } = await world.mirror();
  assertEquals(problems, []);
  assertEquals(changes.moved, 1);
  assertEquals(changes.created + changes.deleted + changes.files, 0);
  assertEquals(
    [await to.inode("new/d3"), await to.inode("new/d3/f3")],
    inodes,
  );
  assert(world.wire() - wire < 2_000, `${world.wire() - wire} bytes`);
  await assertSame(world);
  await assertIdle(world);
});

test("mirror() moves into directories that are new", async (world) => {
  const { from, to } = world;
  await from.write("a/file", "content");
  await from.write("b/dir/inner", "inner");
  await world.mirror();
  const inodes = [await to.inode("a/file"), await to.inode("b/dir/inner")];
  await from.rename("a/file", "new/deep/er/file");
  await from.rename("b/dir", "new/dir");
  await from.chmod("new/deep/er", 0o550);
  const { changes } = await world.mirror();
  assertEquals([changes.moved, changes.files], [2, 0]);
  assertEquals(
    [await to.inode("new/deep/er/file"), await to.inode("new/dir/inner")],
    inodes,
  );
  await assertSame(world);
  await assertIdle(world);
});

test("mirror() moves a directory, and then carries out what changed in it", async (world) => {
  const { from, to } = world;
  for (const name of ["a", "b", "c", "d"]) {
    await from.write(`old/${name}`, name);
    await from.write(`old/sub/${name}`, name);
  }
  await world.mirror();
  const inodes = [await to.inode("old"), await to.inode("old/sub/c")];
  await from.rename("old", "new");
  await from.write("new/a", "other content");
  await from.chmod("new/b", 0o600);
  await from.remove("new/c");
  await from.write("new/sub/e", "e");
  await from.rename("new/sub/c", "new/c from sub");
  await from.rename("new/sub", "new/sub2");
  const { changes } = await world.mirror();
  assertEquals([changes.moved, changes.files], [3, 2]);
  assertEquals(
    [await to.inode("new"), await to.inode("new/c from sub")],
    inodes,
  );
  await assertSame(world);
  await assertIdle(world);
});

test("mirror() moves a file whose mode and time change, and touches it", async (world) => {
  const { from, to } = world;
  await from.write("old", "content");
  await world.mirror();
  const inode = await to.inode("old");
  // The directory's own time is to differ, too.
  await new Promise((resolve) => setTimeout(resolve, 5));
  await from.rename("old", "new");
  await from.chmod("new", 0o600);
  const { changes, problems } = await world.mirror();
  assertEquals(problems, []);
  assertEquals([changes.moved, changes.touched, changes.files], [1, 2, 0]);
  assertEquals(await to.inode("new"), inode);
  await assertSame(world);
});

test("mirror() moves out of a directory that goes, and into one that moves", async (world) => {
  const { from, to } = world;
  await from.write("gone/deep/file", "1");
  await from.write("gone/other", "2");
  await from.write("old/x", "3");
  await from.write("single", "4");
  await world.mirror();
  const inodes = [await to.inode("gone/deep/file"), await to.inode("single")];
  await from.rename("old", "new");
  await from.rename("single", "new/single");
  await from.rename("gone/deep/file", "new/file");
  await from.remove("gone");
  const { changes } = await world.mirror();
  assertEquals([changes.moved, changes.files], [3, 0]);
  assertEquals(
    [await to.inode("new/file"), await to.inode("new/single")],
    inodes,
  );
  await assertSame(world);
  await assertIdle(world);
});

test("mirror() sends what swaps, chains and overwrites", async (world) => {
  const { from } = world;
  for (const [i, name] of ["a", "b", "c1", "c2", "o1", "o2"].entries()) {
    await from.write(name, `content of ${name}`, 1_000 + i);
  }
  await from.write("x/1", "x");
  await from.write("y/1", "y!");
  await world.mirror();
  await from.rename("a", "tmp");
  await from.rename("b", "a");
  await from.rename("tmp", "b");
  await from.rename("c2", "c3");
  await from.rename("c1", "c2");
  await from.rename("o1", "o2");
  await from.rename("x", "tmp");
  await from.rename("y", "x");
  await from.rename("tmp", "y");
  const { changes, problems } = await world.mirror();
  assertEquals(problems, []);
  assertEquals(changes.moved, 0);
  await assertSame(world);
  await assertIdle(world);
});

test("mirror() takes no twin for a renamed file", async (world) => {
  const { from } = world;
  await from.write("old", "one");
  await from.write("dir/old", "one");
  await world.mirror();
  // Same size and time, often the same inode number: but other content.
  await from.remove("old");
  await from.write("new", "two");
  await from.remove("dir");
  await from.write("dir2/old", "two");
  const { changes } = await world.mirror();
  assertEquals([changes.moved, changes.files], [0, 2]);
  await assertSame(world);
});

test("mirror() sends what has several names that come and go", async (world) => {
  const { from } = world;
  await from.write("a", "content");
  await from.twin("a", "b");
  await from.write("x", "content of x");
  await from.twin("x", "kept");
  await world.mirror();
  await from.rename("a", "c");
  await from.rename("b", "d");
  await from.rename("x", "y");
  const { changes } = await world.mirror();
  assertEquals(changes.moved, 1);
  await assertSame(world);
  await assertIdle(world);
});

test("mirror() falls back to content where the target has changed", async (world) => {
  const { from, to } = world;
  await from.write("file", "content");
  await from.write("dir/file", "content");
  await from.write("fine", "content of it");
  await world.mirror();
  await from.rename("file", "file2");
  await from.rename("dir", "dir2");
  await from.rename("fine", "fine2");
  const move = world.near.move.bind(world.near);
  world.near.move = async (moves, signal) => {
    // After the scan: somebody saves, and puts another directory there.
    await to.write("file", "edited by somebody", 9_000);
    await to.rename("dir", "elsewhere");
    await to.write("dir/mine", "somebody's");
    return await move(moves, signal);
  };
  const { changes, problems } = await world.mirror();
  world.near.move = move;
  assertEquals(problems, []);
  assertEquals(changes.moved, 1);
  await assertSame(world);
  await assertIdle(world);
});

test("mirror() moves nothing over what somebody has put there", async (world) => {
  const { from, to } = world;
  await from.write("file", "content");
  await from.write("dir/file", "content");
  await from.write("empty/file", "content");
  await world.mirror();
  await from.rename("file", "file2");
  await from.rename("dir", "dir2");
  await from.rename("empty", "empty2");
  const move = world.near.move.bind(world.near);
  let after: string[] = [];
  world.near.move = async (moves, signal) => {
    await to.write("file2", "somebody's", 9_000);
    await to.write("dir2/theirs", "somebody's", 9_000);
    await to.make("empty2");
    const inode = await to.inode("empty2");
    const result = await move(moves, signal);
    assertEquals([...result.done], [0, 0, 0]);
    assertEquals(await to.inode("empty2"), inode);
    after = await to.describe();
    return result;
  };
  await world.mirror();
  assert(after.some((line) => /^file2 .* somebody's$/.test(line)));
  assert(after.some((line) => /^file .* content$/.test(line)));
  assert(after.some((line) => /^dir2\/theirs .* somebody's$/.test(line)));
  assert(after.some((line) => /^dir\/file .* content$/.test(line)));
  await assertSame(world);
});

test("mirror() leaves a directory that holds ignored entries", async (world) => {
  const { from, to } = world;
  const ignore = { rules: ["*.log"], files: [] };
  await from.write("old/file", "content");
  await from.write("fine/file", "content too");
  await from.write("fine/mine.log", "of the source");
  await world.mirror({ ignore });
  await to.write("old/its.log", "of the target");
  await from.rename("old", "new");
  await from.rename("fine", "fine2");
  await world.mirror({ ignore });
  const lines = await to.describe();
  assert(lines.some((line) => line.startsWith("old/its.log")));
  assert(lines.some((line) => line.startsWith("new/file")));
  assert(lines.some((line) => line.startsWith("fine2/file")));
  assert(!lines.some((line) => line.startsWith("old/file")));
  assert(!lines.some((line) => line.includes("mine.log")));
});

test("mirror() moves read-only directories", async (world) => {
  const { from, to } = world;
  await from.write("ro/old/file", "content");
  await from.write("ro/old2/file", "content 2");
  await from.make("ro2");
  await from.chmod("ro/old", 0o555);
  await world.mirror();
  const inodes = [await to.inode("ro/old/file"), await to.inode("ro/old2")];
  await from.rename("ro/old", "ro2/new");
  await from.rename("ro/old2", "ro/new2");
  await from.chmod("ro", 0o555);
  await from.chmod("ro2", 0o555);
  const { changes } = await world.mirror();
  assertEquals([changes.moved, changes.files], [2, 0]);
  assertEquals(
    [await to.inode("ro2/new/file"), await to.inode("ro/new2")],
    inodes,
  );
  await assertSame(world);
  await assertIdle(world);
});

test("mirror() moves nothing while nothing may be deleted", async (world) => {
  const { from, to } = world;
  await from.write("old", "content");
  await world.mirror();
  await from.rename("old", "new");
  const { changes } = await world.mirror({ deletes: false });
  assertEquals([changes.moved, changes.files], [0, 1]);
  assert(await to.inode("old") !== undefined);
});

test("mirror() moves what has the same digest, where that counts", async (world) => {
  const { from, to } = world;
  await from.write("same", "content");
  await from.write("other", "content");
  await world.mirror();
  // The target's file is another one, though size and time are the same.
  await to.write("other", "CONTENT");
  await from.rename("same", "same2");
  await from.rename("other", "other2");
  const { changes } = await world.mirror({ checksum: true });
  assertEquals([changes.moved, changes.files], [1, 1]);
  await assertSame(world);
});

test("mirror() lists no directory to move it, whatever the source ignores in it", async (world) => {
  const { from, to } = world;
  const ignore = { rules: ["*.log"], files: [] };
  for (let i = 0; i < 200; i++) await from.write(`old/d/f${i}`, `${i}`);
  await from.write("old/mine.log", "of the source");
  await from.write("old/d/mine.log", "of the source");
  await world.mirror({ ignore });
  const inode = await to.inode("old/d/f7");
  await from.rename("old", "new");
  const wire = world.wire();
  const { changes } = await world.mirror({ ignore });
  assertEquals([changes.moved, changes.files], [1, 0]);
  assert(world.wire() - wire < 2_000, `${world.wire() - wire} bytes`);
  assertEquals(await to.inode("new/d/f7"), inode);
});

test("mirror() looks into a directory that can't be moved after all", async (world) => {
  const { from, to } = world;
  const ignore = { rules: ["*.log"], files: [] };
  await from.write("old/file", "content");
  await from.write("old/sub/file", "content");
  await world.mirror({ ignore });
  await to.write("old/sub/its.log", "of the target");
  await to.write("new", "in the way");
  await from.rename("old", "new");
  const { changes } = await world.mirror({ ignore });
  assertEquals(changes.moved, 0);
  const lines = await to.describe();
  assert(lines.some((line) => line.startsWith("old/sub/its.log")));
  assert(lines.some((line) => line.startsWith("new/sub/file")));
  assert(!lines.some((line) => line.startsWith("old/file")));
});

test("mirror() moves nothing that the source is not sure to have lost", async (world) => {
  const { from, to, source } = world;
  await from.write("old", "content");
  await from.write("dir/file", "content");
  await world.mirror();
  await from.rename("old", "new");
  await from.rename("dir", "dir2");
  const confirm = source.confirmAbsent.bind(source);
  source.confirmAbsent = (absent) =>
    Promise.resolve(
      absent.filter((path) => path === "old").map((path) => ({
        path,
        code: "stale" as const,
        message: "it is there again",
      })),
    );
  const clock: Clock = {
    now: () => 0,
    after: (_, then) => {
      queueMicrotask(then);
      return () => {};
    },
  };
  const { changes, problems } = await world.mirror({ clock });
  assertEquals(changes.moved, 0);
  assertEquals(problems.map(({ problem }) => problem.path), ["old"]);
  assert(await to.inode("old") !== undefined);
  assert(await to.inode("new") !== undefined);
  source.confirmAbsent = confirm;
  await world.mirror();
  await assertSame(world);
});

test("mirror() halts nothing, but deletes nothing either, where a guard objects after moves", async (world) => {
  const { from, to } = world;
  await from.write("fine", "content");
  await from.write("stale", "content");
  await world.mirror();
  await from.rename("fine", "fine2");
  await from.rename("stale", "stale2");
  const move = world.near.move.bind(world.near);
  world.near.move = async (moves, signal) => {
    await to.write("stale", "edited by somebody", 9_000);
    return await move(moves, signal);
  };
  const guard: RoundGuard = {
    review({ changes }): Review {
      if (changes.some((change) => change.new === undefined)) {
        throw new GuardError("nothing is to be deleted");
      }
      return { changes, problems: [] };
    },
    completed: () => Promise.resolve(),
  };
  const { changes, problems } = await world.mirror({ guards: [guard] });
  assertEquals([changes.moved, changes.deleted], [1, 0]);
  assertEquals(problems.map(({ problem }) => problem.code), ["blocked"]);
  const lines = await to.describe();
  assert(lines.some((line) => line.endsWith("edited by somebody")));
});
