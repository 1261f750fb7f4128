/** Somebody is at work in the tree while it is read, or while it is changed. */
import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import {
  assertEnded,
  assertIdle,
  CARRIERS,
  problemPaths,
  summaryOf,
} from "../support/carriers.ts";
import { exists, writeTree } from "../support/disk_tree.ts";
import { meanwhile } from "../support/meanwhile.ts";
import { assertSameTree, Canary, listTree } from "../support/oracle.ts";
import { type Ended, listen, startSync, sync } from "../support/program.ts";
import { Random } from "../support/random.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { TempDir } from "../support/temp.ts";

/** A file of this size is read in several calls. */
const LARGE = 1_000_000;

/** The bytes that files in motion hold: any version is a prefix of these. */
const STREAM = Buffer.from(new Random(71).bytes(12 * LARGE));

/** Fails unless the file is absent, or a version that once was: by its size, too. */
function assertVersion(path: string, sizes: ReadonlySet<number>): void {
  if (!exists(path)) return;
  const bytes = Deno.readFileSync(path);
  const isPrefix = STREAM.subarray(0, bytes.length).equals(bytes);
  assert(
    isPrefix && sizes.has(bytes.length),
    `${path}: ${bytes.length} bytes, of no version`,
  );
}

/** Removes the directory at `path`, unless somebody puts something in meanwhile. */
function removeBusy(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    // ENOTEMPTY has no class of its own.
    if (exists(path) || error instanceof Deno.errors.NotFound) return;
    throw error;
  }
}

/** Fails unless a run ended well, or named what it left out. */
function assertHonest(ended: Ended, moving: string): void {
  assert(ended.code === 0 || ended.code === 3, `exit ${ended.code}`);
  assertEquals(ended.code === 3, problemPaths(ended).includes(moving));
}

/** What is done to the file `path`, which holds a prefix of the stream. */
const MOTIONS: readonly {
  readonly name: string;
  readonly move: (path: string, count: number) => void;
}[] = [
  {
    name: "G01: a file that grows",
    move(path, count): void {
      const at = Deno.statSync(path).size;
      const end = Math.min(at + 100 + count % 900, STREAM.length);
      Deno.writeFileSync(path, STREAM.subarray(at, end), { append: true });
    },
  },
  {
    name: "G02: a file that shrinks",
    move(path, count): void {
      const { size } = Deno.statSync(path);
      if (size > 0) Deno.truncateSync(path, count % 9 === 0 ? 0 : size >> 1);
      else Deno.writeFileSync(path, STREAM.subarray(0, LARGE));
    },
  },
];

Deno.test("G01: a new file that grows on its way is never seen in part", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  const target = temp.directory("target");
  const size = STREAM.length - LARGE;
  writeTree(source, { new: { log: STREAM.subarray(0, size), still: "still" } });
  await using receiver = await listen(target);
  await using proxy = new TcpProxy(receiver.port, () => ({
    toServer: { bytesPerSecond: 8 * LARGE },
  }));
  await using sender = startSync(source, proxy.url, ["--retry-for", "0"]);
  await proxy.passed(LARGE);
  const more = { append: true };
  Deno.writeFileSync(`${source}/new/log`, STREAM.subarray(size), more);

  const sizes = new Set([size, STREAM.length]);
  const { result, moves } = await meanwhile(
    () => assertVersion(`${target}/new/log`, sizes),
    () => sender.ended,
  );
  assertEnded(result);
  assert(moves > 10, `looked ${moves} times only`);
  assert(summaryOf(result).rounds > 1);
  assertEnded(await receiver.ended);
  await assertSameTree(source, target);
  assertIdle(await sync(source, target));
});

for (const { name: carrier, mirror } of CARRIERS) {
  for (const { name, move } of MOTIONS) {
    Deno.test(`${name} while it is read is sent whole or named, ${carrier}`, async () => {
      await using temp = new TempDir();
      const canary = new Canary(temp.at("canary"));
      const source = temp.directory("source");
      const target = temp.directory("target");
      writeTree(source, {
        moving: STREAM.subarray(0, LARGE),
        directory: { moving: STREAM.subarray(0, LARGE) },
        still: "still",
      });
      // A file that is written anew is empty for a moment.
      const sizes = new Set([0, LARGE]);
      const { result, moves } = await meanwhile((count) => {
        for (const path of ["moving", "directory/moving"]) {
          move(`${source}/${path}`, count);
          sizes.add(Deno.statSync(`${source}/${path}`).size);
        }
      }, () => mirror(source, target));
      assert(moves > 10, `only ${moves} moves`);
      assert(result.code === 0 || result.code === 3, `exit ${result.code}`);
      for (const path of ["moving", "directory/moving"]) {
        assertVersion(`${target}/${path}`, sizes);
        if (!exists(`${target}/${path}`)) {
          assert(problemPaths(result).includes(path), `${path} is not named`);
        }
      }
      assertEquals(Deno.readTextFileSync(`${target}/still`), "still");

      assertEnded(await mirror(source, target));
      await assertSameTree(source, target);
      assertIdle(await mirror(source, target));
      canary.assertAlive();
    });
  }

  Deno.test(`G03: a file that is replaced while it is read is one version, ${carrier}`, async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    const [path, next] = [`${source}/moving`, temp.at("next")];
    // All of one size: each has a byte of its own, and its time.
    const versions = new Set<string>();
    const replace = (count: number): void => {
      Deno.writeFileSync(next, Buffer.alloc(LARGE, count % 256));
      versions.add(versionOf(next));
      Deno.renameSync(next, path);
    };
    for (let round = 0; round < 3; round++) {
      replace(round);
      await meanwhile(replace, () => mirror(source, target));
      if (!exists(`${target}/moving`)) continue;
      assert(versions.has(versionOf(`${target}/moving`)), "of no version");
    }
    assertEnded(await mirror(source, target));
    await assertSameTree(source, target);

    function versionOf(path: string): string {
      const bytes = Buffer.from(Deno.readFileSync(path));
      const byte = bytes[0]!;
      assert(bytes.equals(Buffer.alloc(LARGE, byte)), "bytes of two versions");
      return `${byte} ${Deno.statSync(path).mtime!.getTime()}`;
    }
  });

  Deno.test(`G04: a file with other bytes and its old time is found with --checksum, ${carrier}`, async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    writeTree(source, { file: "one version", directory: { file: "same" } });
    const times = ["file", ""].map((path) =>
      [path, Deno.statSync(`${source}/${path}`).mtime!] as const
    );
    assertEnded(await mirror(source, target));
    writeTree(source, { file: "the other!!" });
    for (const [path, mtime] of times) {
      Deno.utimeSync(`${source}/${path}`, mtime, mtime);
    }
    // Size, time and mode say that it is equal.
    assertIdle(await mirror(source, target));
    const ended = await mirror(source, target, ["--checksum"]);
    assertEnded(ended);
    assertEquals(summaryOf(ended).replaced, 1);
    await assertSameTree(source, target);
  });

  Deno.test(`G05: edits in the same tick as the scan are not lost, ${carrier}`, async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    const names = ["a", "b", "directory/c"];
    writeTree(source, { directory: {} });
    for (let round = 0; round < 3; round++) {
      // All versions have one size: only time tells them apart.
      await meanwhile((count) => {
        const text = `${String(round)} ${String(count).padStart(9)}`;
        for (const name of names) {
          Deno.writeTextFileSync(`${source}/${name}`, text);
        }
      }, () => mirror(source, target));
      assertEnded(await mirror(source, target));
      await assertSameTree(source, target);
    }
  });

  Deno.test(`G06: what vanishes during the scan takes nothing else with it, ${carrier}`, async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    const plant = (i: number): void =>
      writeTree(source, {
        [`directory ${i}`]: {
          still: "still",
          gone: { a: "a", deep: { b: "b" } },
        },
      });
    for (let i = 0; i < 40; i++) plant(i);
    assertEnded(await mirror(source, target));
    const { result, moves } = await meanwhile((count) => {
      const i = count % 40;
      const gone = `${source}/directory ${i}/gone`;
      if (!exists(gone)) plant(i);
      else Deno.removeSync(gone, { recursive: true });
    }, () => mirror(source, target));
    assert(moves > 10, `only ${moves} moves`);
    assert(result.code === 0 || result.code === 3, `exit ${result.code}`);
    for (let i = 0; i < 40; i++) {
      const still = `${target}/directory ${i}/still`;
      assertEquals(Deno.readTextFileSync(still), "still");
    }
    assertEnded(await mirror(source, target));
    await assertSameTree(source, target);
  });

  Deno.test(`G06: what comes and goes at the target meanwhile hinders nothing, ${carrier}`, async () => {
    await using temp = new TempDir();
    const canary = new Canary(temp.at("canary"));
    const source = temp.directory("source");
    const target = temp.directory("target");
    for (let i = 0; i < 40; i++) {
      const at = `directory ${i}`;
      writeTree(source, { [at]: { file: `new ${i}`, new: { inner: "new" } } });
      writeTree(target, { [at]: { file: "old", gone: { inner: "old" } } });
    }
    const { result, moves } = await meanwhile((count) => {
      const at = `${target}/directory ${count % 40}`;
      if (!exists(at)) writeTree(at, { stray: "stray", file: "other" });
      else if (count % 3 === 0) removeBusy(at);
      else writeTree(at, { [`stray ${count}`]: "stray", file: "saved" });
    }, () => mirror(source, target));
    assert(moves > 10, `only ${moves} moves`);
    assert(result.code === 0 || result.code === 3, `exit ${result.code}`);
    canary.assertAlive();
    assertEnded(await mirror(source, target));
    // What was saved in the last moment may have been kept.
    await assertSameTree(source, target, { except: [".lockstep"] });
  });

  Deno.test(`G18: a chain of renames ends with the right content at each name, ${carrier}`, async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    // By size and time alone, two files of one size and one moment are the same.
    writeTree(source, { a: "1", b: "22", c: { inner: "333" }, d: "4444" });
    assertEnded(await mirror(source, target));
    for (const [from, to] of ["de", "cd", "bc", "ab"].map((it) => [...it])) {
      Deno.renameSync(`${source}/${from}`, `${source}/${to}`);
    }
    assertEnded(await mirror(source, target));
    await assertSameTree(source, target);
    assertIdle(await mirror(source, target));
  });

  Deno.test(`G22: what was synced and is ignored now stays where it is, ${carrier}`, async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    writeTree(source, { log: "old", d: { log: "old", file: "old" } });
    assertEnded(await mirror(source, target));
    writeTree(source, { log: "changed", d: { file: "changed" } });
    Deno.removeSync(`${source}/d/log`);
    const before = listTree(target);
    const args = ["--exclude", "log"];
    assertEnded(await mirror(source, target, args));
    const after = listTree(target);
    for (const path of ["log", "d/log"]) {
      assertEquals(after.get(path), before.get(path));
    }
    assertEquals(Deno.readTextFileSync(`${target}/d/file`), "changed");
    assertIdle(await mirror(source, target, args));
    // And back: then they are as all else.
    assertEnded(await mirror(source, target));
    await assertSameTree(source, target);
  });

  Deno.test(`G21: a file that never rests is named, and keeps nobody waiting, ${carrier}`, async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    writeTree(source, {
      log: STREAM.subarray(0, LARGE),
      a: "a",
      z: { z: "z" },
    });
    const sizes = new Set([LARGE]);
    const { result } = await meanwhile((count) => {
      const at = Deno.statSync(`${source}/log`).size;
      sizes.add(at);
      const bytes = STREAM.subarray(at, at + 1 + count % 50);
      Deno.writeFileSync(`${source}/log`, bytes, { append: true });
    }, () => mirror(source, target));
    assertHonest(result, "log");
    assertEquals(result.code, 3);
    assertVersion(`${target}/log`, sizes);
    assertEquals(Deno.readTextFileSync(`${target}/z/z`), "z");
    assertEnded(await mirror(source, target));
    await assertSameTree(source, target);
  });
}
