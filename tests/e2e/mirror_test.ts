import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { makeAwkwardTree } from "../support/awkward_tree.ts";
import {
  assertEnded,
  assertIdle,
  CARRIERS,
  summaryOf,
} from "../support/carriers.ts";
import { shell } from "../support/command.ts";
import { exists, link, namesIn, writeTree } from "../support/disk_tree.ts";
import { test } from "../support/needs.ts";
import {
  assertSameTree,
  assertUntouched,
  Canary,
  listTree,
} from "../support/oracle.ts";
import { listen, Program, sync } from "../support/program.ts";
import { Random } from "../support/random.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { removeTree, TempDir } from "../support/temp.ts";
import { editTree } from "../support/tree_edit.ts";

const ROUNDS = Number(Deno.env.get("LOCKSTEP_ROUNDS") ?? 30);
const MAX_IDLE_WIRE_BYTES = 2048;

for (const { name, mirror } of CARRIERS) {
  Deno.test(`a first sync makes an awkward tree equal, and a second one writes nothing, ${name}`, async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.at("target");
    const canary = new Canary(temp.at("canary"));
    makeAwkwardTree(source, { seed: 1, wide: 5_000, sparse: true });
    const sourceBefore = listTree(source);

    assertEnded(await mirror(source, target));
    await assertSameTree(source, target);
    assert(!exists(temp.at("target", ".lockstep")), "staging is gone");

    const targetBefore = listTree(target);
    assertIdle(await mirror(source, target));
    assertUntouched(target, targetBefore);
    assertUntouched(source, sourceBefore);
    canary.assertAlive();
    assertEquals(namesIn(temp.path), ["canary", "source", "target"]);
  });

  Deno.test(`an awkward target is emptied, ${name}`, async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    const canary = new Canary(temp.at("canary"));
    makeAwkwardTree(target, { seed: 2 });
    writeTree(target, {
      "to canary": link(canary.path),
      "to file": link(`${canary.path}/file`),
    });
    const extra = listTree(target).size - 1;

    const ended = await mirror(source, target);
    assertEnded(ended);
    assertEquals(namesIn(target), []);
    await assertSameTree(source, target);
    assert(summaryOf(ended).deleted >= extra);
    canary.assertAlive();
  });

  Deno.test(`one awkward tree turns into another, ${name}`, async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    makeAwkwardTree(source, { seed: 3 });
    makeAwkwardTree(target, { seed: 4 });
    assertEnded(await mirror(source, target));
    await assertSameTree(source, target);
    assertIdle(await mirror(source, target));
  });

  Deno.test(`${ROUNDS} rounds of random edits end equal, ${name}`, async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    const random = new Random(5);
    writeTree(source, { a: { b: { c: "c" } }, d: "d", e: link("d") });
    for (let round = 0; round < ROUNDS; round++) {
      // Both sides change: the target has to give way.
      const edits = editTree(source, random, random.between(1, 25));
      const strays = editTree(target, random, random.below(4));
      try {
        assertEnded(await mirror(source, target));
        await assertSameTree(source, target);
        assert(!exists(temp.at("target", ".lockstep")), "staging is gone");
      } catch (error) {
        const log = [...edits, "-- at the target:", ...strays].join("\n");
        throw new Error(`Round ${round} (seed 5):\n${log}`, { cause: error });
      }
    }
  });

  test(
    `every kind flips to every other at one path, ${name}`,
    ["symlinks"],
    async () => {
      await using temp = new TempDir();
      const canary = new Canary(temp.at("canary"));
      const kinds = {
        file: "content",
        "other file": "more content",
        empty: {},
        full: { inner: { file: "x" }, link: link("..") },
        link: link(canary.path),
        dangling: link("nowhere"),
      };
      const source = temp.directory("source");
      const target = temp.directory("target");
      for (const [from, old] of Object.entries(kinds)) {
        for (const [to, wanted] of Object.entries(kinds)) {
          writeTree(source, { deep: { [`${from} to ${to}`]: wanted } });
          writeTree(target, { deep: { [`${from} to ${to}`]: old } });
        }
      }
      assertEnded(await mirror(source, target));
      await assertSameTree(source, target);
      canary.assertAlive();
    },
  );

  test(`what is equal keeps its inode when other things change, ${name}`, [
    "modes",
  ], async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.at("target");
    writeTree(source, {
      kept: "kept",
      touched: "touched",
      moded: "moded",
      edited: "edited",
      directory: { kept: "kept", gone: "gone" },
    });
    assertEnded(await mirror(source, target));
    const before = listTree(target);
    Deno.utimeSync(`${source}/directory`, 1e9, 1e9);
    Deno.chmodSync(`${source}/moded`, 0o711);
    Deno.writeTextFileSync(`${source}/edited`, "edited again");
    Deno.removeSync(`${source}/directory/gone`);

    const ended = await mirror(source, target);
    assertEnded(ended);
    await assertSameTree(source, target);
    const after = listTree(target);
    for (const path of ["", "kept", "touched", "moded", "directory/kept"]) {
      assertEquals(after.get(path)?.inode, before.get(path)?.inode, path);
    }
    assertNotEquals(after.get("edited")?.inode, before.get("edited")?.inode);
    const { replaced, created, deleted, files, bytes } = summaryOf(ended);
    assertEquals(
      { replaced, created, deleted, files, bytes },
      { replaced: 1, created: 0, deleted: 1, files: 1, bytes: 12 },
    );
  });

  Deno.test(`--no-delete keeps what is extra, ${name}`, async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    writeTree(source, { both: "new content", only: { source: "x" }, d: {} });
    writeTree(target, { both: "old", extra: { file: "x" }, d: { extra: "x" } });
    assertEnded(await mirror(source, target, ["--no-delete"]));
    assertEquals(namesIn(target), ["both", "d", "extra", "only"]);
    assertEquals(Deno.readTextFileSync(`${target}/both`), "new content");
    assertEquals(Deno.readTextFileSync(`${target}/d/extra`), "x");
    assertEquals(Deno.readTextFileSync(`${target}/only/source`), "x");
    assertIdle(await mirror(source, target, ["--no-delete"]));

    assertEnded(await mirror(source, target));
    await assertSameTree(source, target);
  });

  Deno.test(`--checksum finds what differs only in its bytes, ${name}`, async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    writeTree(source, { d: { same: "equal", other: "AAAA" }, big: big(1) });
    assertEnded(await mirror(source, target));
    writeTree(target, { d: { other: "BBBB" }, big: big(2) });
    for (const path of ["d/other", "big", "d", ""]) {
      const { mtime } = Deno.statSync(`${source}/${path}`);
      Deno.utimeSync(`${target}/${path}`, mtime!, mtime!);
    }

    assertIdle(await mirror(source, target));
    assertEquals(Deno.readTextFileSync(`${target}/d/other`), "BBBB");

    const inode = listTree(target).get("d/same")?.inode;
    const ended = await mirror(source, target, ["--checksum"]);
    assertEnded(ended);
    assertEquals(summaryOf(ended).replaced, 2);
    assertEquals(listTree(target).get("d/same")?.inode, inode);
    await assertSameTree(source, target);
    assertIdle(await mirror(source, target, ["--checksum"]));

    function big(seed: number): Uint8Array {
      return new Random(seed).bytes(3_000_000);
    }
  });

  Deno.test(`--checksum does not send what differs only in its mtime, ${name}`, async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    writeTree(source, { file: new Random(6).bytes(500_000) });
    assertEnded(await mirror(source, target));
    const before = listTree(target).get("file");
    Deno.utimeSync(`${source}/file`, 1e9, 1e9);
    const ended = await mirror(source, target, ["--checksum"]);
    assertEnded(ended);
    assertEquals(summaryOf(ended).bytes, 0);
    assertEquals(listTree(target).get("file")?.inode, before?.inode);
    await assertSameTree(source, target);
  });

  Deno.test(`a missing source touches nothing, ${name}`, async () => {
    await using temp = new TempDir();
    const target = temp.directory("target");
    writeTree(target, { file: "kept", directory: { inner: "kept" } });
    const before = listTree(target);
    for (const source of [temp.at("missing"), temp.at("target", "file")]) {
      const ended = await mirror(source, target);
      assert(ended.code === 1 || ended.code === 2, `exit ${ended.code}`);
      assert(ended.stderr.includes(source), ended.stderr);
      assertUntouched(target, before);
    }
    assertEquals(namesIn(temp.path), ["target"]);
  });

  test(
    `I21: modes are the source's, whatever the umask, ${name}`,
    ["modes"],
    async () => {
      await using temp = new TempDir();
      const source = temp.directory("source");
      makeAwkwardTree(source, { seed: 7, wide: 5 });
      for (const umask of [0o077, 0o000, 0o777]) {
        const target = temp.directory(`target ${umask}`);
        assertEnded(await mirror(source, target, [], { umask }));
        await assertSameTree(source, target);
      }
    },
  );

  test(`I03: a tree deeper than any path can be is synced or named, ${name}`, [
    "linux",
  ], async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    // From the bottom up: no path that is used here is long.
    writeTree(temp.at("d"), { bottom: "deep down" });
    for (let level = 0; level < 1_000; level++) {
      Deno.mkdirSync(temp.at("next"));
      Deno.renameSync(temp.at("d"), temp.at("next", "directory"));
      Deno.renameSync(temp.at("next"), temp.at("d"));
    }
    Deno.renameSync(temp.at("d"), temp.at("source", "deep"));
    writeTree(source, { shallow: "shallow" });

    const ended = await mirror(source, target);
    assert(ended.code === 0 || ended.code === 3, `exit ${ended.code}`);
    assertEquals(Deno.readTextFileSync(`${target}/shallow`), "shallow");
    const list = 'cd "$1" && find . -printf "%d %y %m %s %f\\n"';
    const wanted = await shell(list, source);
    const found = await shell(list, target);
    if (ended.code === 0) assertEquals(found, wanted);
    else assert(wanted.startsWith(found.trimEnd().split("\n")[0]!));
    assertEquals(ended.code, (await mirror(source, target)).code);
  });

  test(`I13: holes stay holes, ${name}`, ["linux"], async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    const size = 512 * 1024 * 1024;
    writeTree(source, { "all hole": "", "data at the end": "" });
    Deno.truncateSync(`${source}/all hole`, size);
    Deno.truncateSync(`${source}/data at the end`, size);
    writeTree(source, { "data at the start": new Random(8).bytes(1_000_000) });
    Deno.truncateSync(`${source}/data at the start`, size);
    Deno.writeTextFileSync(`${source}/data at the end`, "end", {
      append: true,
    });
    assertEnded(await mirror(source, target));
    await assertSameTree(source, target);
    for (const name of namesIn(source)) {
      const wanted = Deno.statSync(`${source}/${name}`).blocks!;
      const found = Deno.statSync(`${target}/${name}`).blocks!;
      assert(found <= 2 * wanted + 512, `${name}: ${found} blocks, ${wanted}`);
    }
  });

  Deno.test(`nobody ever sees a file half written, ${name}`, async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    const versions = [6_000_000, 4_000_000].map((size, version) =>
      Buffer.alloc(size, 65 + version)
    );
    write(0);
    assertEnded(await mirror(source, target));

    let done = false;
    const looks = [0, 0];
    const watching = watch();
    try {
      for (let version = 1; version <= 10; version++) {
        write(version);
        assertEnded(await mirror(source, target));
      }
    } finally {
      done = true;
      await watching;
    }
    await assertSameTree(source, target);
    assert(Math.min(...looks) > 20, `looked ${looks} times only`);

    function write(version: number): void {
      writeTree(source, { d: { file: versions[version % 2]! } });
      Deno.utimeSync(`${source}/d/file`, version, version);
    }

    /** Reads the file again and again: it is always there, always one version. */
    async function watch(): Promise<void> {
      while (!done) {
        const bytes = Buffer.from(await Deno.readFile(`${target}/d/file`));
        const version = versions.findIndex((it) => it.equals(bytes));
        assert(version >= 0, `${bytes.length} bytes, of no version`);
        looks[version]!++;
      }
    }
  });

  test(
    `a source or a target that is a link to a directory is that directory, ${name}`,
    ["symlinks"],
    async () => {
      await using temp = new TempDir();
      writeTree(temp.path, {
        "real source": { file: "content" },
        "real target": { extra: "content" },
        source: link("real source"),
        target: link("real target"),
      });
      assertEnded(await mirror(temp.at("source"), `${temp.at("target")}/`));
      await assertSameTree(temp.at("real source"), temp.at("real target"));
      assertEquals(Deno.readLinkSync(temp.at("target")), "real target");
    },
  );
}

Deno.test("equal trees cost no more than 2 KB on the wire", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  const target = temp.directory("target");
  makeAwkwardTree(source, { seed: 9, wide: 5_000 });
  await using receiver = await listen(target, ["--keep-listening"]);
  assertEnded(await sync(source, receiver.url));

  await using proxy = new TcpProxy(receiver.port);
  const before = listTree(target);
  const ended = await sync(source, proxy.url);
  assertIdle(ended);
  assertUntouched(target, before);
  const { toServer, toClient } = proxy.counts;
  assert(
    toServer + toClient <= MAX_IDLE_WIRE_BYTES,
    `${toServer} + ${toClient} bytes`,
  );
  const { sent, received } = summaryOf(ended);
  assert(sent > 0 && sent <= toServer, `says ${sent}, was ${toServer}`);
  assert(received > 0 && received <= toClient);
});

Deno.test("a small change costs little on the wire, however many files there are", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  const target = temp.directory("target");
  const random = new Random(10);
  for (let i = 0; i < 50; i++) {
    const files = Array.from(
      { length: 100 },
      (_, j) => [`file ${j}`, random.bytes(50)],
    );
    writeTree(source, { [`directory ${i}`]: Object.fromEntries(files) });
  }
  await using receiver = await listen(target, ["--keep-listening"]);
  assertEnded(await sync(source, receiver.url));
  writeTree(source, { "directory 7": { "file 7": "changed" } });

  await using proxy = new TcpProxy(receiver.port);
  assertEnded(await sync(source, proxy.url));
  await assertSameTree(source, target);
  const { toServer, toClient } = proxy.counts;
  // One listing of 50 directories, one of 100 files.
  assert(toServer + toClient < 24_000, `${toServer} + ${toClient} bytes`);
});

test(
  "a sync of equal trees makes no system call that writes",
  ["strace"],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    makeAwkwardTree(source, { seed: 11, wide: 20 });
    assertEnded(await sync(source, target));
    assertEquals(await writes(), []);
    Deno.utimeSync(`${source}/sizes/1`, 1, 1);
    assert((await writes()).length > 0, "strace sees no writing at all");

    /** The calls of a sync that write, but for those of Deno's own caches. */
    async function writes(): Promise<string[]> {
      const cache = Deno.env.get("DENO_DIR") ?? "/deno/";
      const logs = temp.directory("logs");
      const calls = [
        ...["mkdir", "mkdirat", "rename", "renameat", "renameat2", "unlink"],
        ...["unlinkat", "rmdir", "link", "linkat", "symlink", "symlinkat"],
        ...["chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown"],
        ...["utime", "utimes", "utimensat", "futimesat", "truncate"],
        ...["ftruncate", "mknod", "mknodat", "setxattr"],
        ...["open", "openat", "creat"],
      ];
      const trace = `trace=?${calls.join(",?")}`;
      assertEnded(
        // What is remembered of runs lies elsewhere.
        await sync(source, target, ["--no-state"], {
          under: ["strace", "-ff", "-qqyz", "-o", `${logs}/log`, "-e", trace],
        }),
      );
      const lines = namesIn(logs).flatMap((name) =>
        Deno.readTextFileSync(`${logs}/${name}`).split("\n")
      );
      await removeTree(logs);
      return lines.filter((line) =>
        line !== "" && !line.includes(cache) && !/"\/dev\/[^/]+"/.test(line) &&
        (!line.startsWith("open") || /O_WRONLY|O_RDWR|O_CREAT/.test(line))
      );
    }
  },
);

Deno.test("listen makes the output directory with its parents", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  writeTree(source, { file: "content" });
  const target = temp.at("not", "yet", "there");
  await using receiver = await listen(target);
  assert(Deno.statSync(target).isDirectory);
  assertEnded(await sync(source, receiver.url));
  assertEnded(await receiver.ended);
  await assertSameTree(source, target);
});

Deno.test("listen ends after one sender; with --keep-listening it serves the next", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  await using once = await listen(temp.at("once"));
  await using always = await listen(temp.at("always"), ["--keep-listening"]);
  for (let i = 0; i < 3; i++) {
    writeTree(source, { [`file ${i}`]: `content ${i}` });
    assertEnded(await sync(source, always.url));
    await assertSameTree(source, temp.at("always"));
  }
  assertEnded(await sync(source, once.url));
  assertEnded(await once.ended);
  await always.event("ended", { outcome: "done" });
});

Deno.test("the sender ends only after all is in place", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  makeAwkwardTree(source, { seed: 12, wide: 1_000 });
  await using receiver = await listen(temp.at("target"));
  // The confirmation comes late: the sender has to wait for it.
  await using proxy = new TcpProxy(receiver.port, () => ({
    toClient: { delayMs: 50 },
  }));
  assertEnded(await sync(source, proxy.url));
  await assertSameTree(source, temp.at("target"));
});

Deno.test("a target inside the source, and the other way round, is refused", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  writeTree(source, { file: "content", inner: { file: "content" } });
  const before = listTree(temp.path);
  const pairs = [
    [source, temp.at("source", "inner")],
    [source, source],
    [temp.at("source", "inner"), source],
    [source, temp.at("source", "new", "target")],
  ] as const;
  for (const [from, to] of pairs) {
    assertEnded(await sync(from, to), 2);
    assertUntouched(temp.path, before);
  }
});

Deno.test("two syncs to one target do not mix: one is told so", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  const target = temp.directory("target");
  makeAwkwardTree(source, { seed: 13, wide: 3_000 });
  const args = ["sync", "--from", source, "--to", target, "--json"];
  await using one = new Program(args);
  await using two = new Program(args);
  const codes = [(await one.ended).code, (await two.ended).code].sort();
  // Either they did not meet, or the later one found the target locked.
  assert(codes[0] === 0 && [0, 1, 5].includes(codes[1]!), `exit ${codes}`);
  await assertSameTree(source, target);
  assert(!exists(temp.at("target", ".lockstep")));
});
