import { assert, assertEquals } from "@std/assert";
import {
  assertEnded,
  assertIdle,
  CARRIERS,
  problemPaths,
} from "../support/carriers.ts";
import { shell } from "../support/command.ts";
import { exists, namesIn, writeTree } from "../support/disk_tree.ts";
import { test } from "../support/needs.ts";
import {
  assertSameTree,
  assertUntouched,
  listTree,
  NO_SPECIALS,
} from "../support/oracle.ts";
import { Random } from "../support/random.ts";
import { TempDir } from "../support/temp.ts";

/** Runs what follows as a root that may not read what is closed to it. */
const UNPRIVILEGED = [
  "setpriv",
  "--bounding-set=-dac_override,-dac_read_search,-fowner",
];

for (const { name, mirror } of CARRIERS) {
  test(
    `I08: a fifo and a socket at the source are named, and all else is synced, ${name}`,
    ["mkfifo"],
    async () => {
      await using temp = new TempDir();
      const source = temp.directory("source");
      const target = temp.directory("target");
      writeTree(source, { directory: { file: "content" }, file: "content" });
      await shell('mkfifo "$1/fifo" "$1/directory/fifo"', source);
      using _socket = Deno.listen({
        transport: "unix",
        path: `${source}/directory/socket`,
      });
      const ended = await mirror(source, target);
      assertEnded(ended, 3);
      assertEquals(problemPaths(ended), [
        "directory/fifo",
        "directory/socket",
        "fifo",
      ]);
      await assertSameTree(source, target, { rsync: NO_SPECIALS });
      assertEquals(namesIn(target), ["directory", "file"]);

      const before = listTree(target);
      assertEnded(await mirror(source, target), 3);
      assertUntouched(target, before);
    },
  );

  test(
    `I08: devices are named and never made, ${name}`,
    ["root", "linux"],
    async () => {
      await using temp = new TempDir();
      const source = temp.directory("source");
      const target = temp.directory("target");
      writeTree(source, { file: "content" });
      await shell(
        'mknod "$1/null" c 1 3; mknod "$1/loop" b 7 0; mknod "$1/out" c 0 0',
        source,
      );
      const ended = await mirror(source, target);
      assertEnded(ended, 3);
      assertEquals(problemPaths(ended), ["loop", "null", "out"]);
      assertEquals(namesIn(target), ["file"]);
      await assertSameTree(source, target, { rsync: NO_SPECIALS });
    },
  );

  test(
    `I08: special files at the target are left alone, ${name}`,
    ["mkfifo"],
    async () => {
      await using temp = new TempDir();
      const source = temp.directory("source");
      const target = temp.directory("target");
      writeTree(source, { "in the way": "content", shared: { file: "x" } });
      writeTree(target, { extra: { file: "goes" }, shared: { old: "goes" } });
      await shell(
        'mkfifo "$1/in the way" "$1/extra/fifo" "$1/shared/fifo" "$1/alone"',
        target,
      );
      const ended = await mirror(source, target);
      assertEnded(ended, 3);
      const named = problemPaths(ended);
      for (const path of ["in the way", "extra/fifo", "shared/fifo", "alone"]) {
        assert(named.includes(path), `${path} is not among ${named}`);
        assert(!Deno.lstatSync(`${target}/${path}`).isFile);
      }
      assertEquals(namesIn(`${target}/extra`), ["fifo"]);
      assertEquals(namesIn(`${target}/shared`), ["fifo", "file"]);
    },
  );

  test(
    `I04: names that are not valid UTF-8 are named, and left alone on both sides, ${name}`,
    ["linux", "bash"],
    async () => {
      await using temp = new TempDir();
      const source = temp.directory("source");
      const target = temp.directory("target");
      writeTree(source, { directory: { good: "good", "\ufffd": "good" } });
      writeTree(target, { extra: { file: "goes" } });
      await shell("echo 1 > \"$1\"/directory/$'bad\\xff'", source);
      await shell("echo 2 > \"$1\"/directory/$'bad\\xfe'", source);
      await shell(
        "mkdir \"$1\"/$'dir\\xc3'; touch \"$1\"/$'dir\\xc3'/x",
        source,
      );
      await shell("echo 3 > \"$1\"/extra/$'keep\\xff'", target);
      const kept = await shell(
        'cd "$1/extra" && ls -lni --time-style=+%s | tail -n +2',
        target,
      );

      const ended = await mirror(source, target);
      assertEnded(ended, 3);
      const named = problemPaths(ended).join("\n");
      for (const part of ["directory/bad", "dir", "extra/keep"]) {
        assert(named.includes(part), `${part} is not among ${named}`);
      }
      assertEquals(namesIn(`${target}/directory`), ["good", "\ufffd"]);
      assert(!exists(`${target}/extra/file`));
      const now = await shell(
        'cd "$1/extra" && ls -lni --time-style=+%s | tail -n +2',
        target,
      );
      assertEquals(
        now,
        kept.split("\n").filter((it) => !it.endsWith("file")).join("\n"),
      );
      await assertSameTree(source, target, {
        rsync: ["--exclude=bad*", "--exclude=dir?"],
        except: ["extra"],
        metadata: false,
      });
    },
  );

  test(
    `I14: set-uid, set-gid and sticky bits are dropped, ${name}`,
    ["modes"],
    async () => {
      await using temp = new TempDir();
      const source = temp.directory("source");
      const target = temp.directory("target");
      writeTree(source, { file: "x", directory: { inner: "x" }, late: "x" });
      Deno.chmodSync(`${source}/file`, 0o6755);
      Deno.chmodSync(`${source}/directory`, 0o3775);
      assertEnded(await mirror(source, target));
      Deno.chmodSync(`${source}/late`, 0o4711);
      assertEnded(await mirror(source, target));
      const states = listTree(target);
      assertEquals(states.get("file")?.mode, 0o755);
      assertEquals(states.get("directory")?.mode, 0o775);
      assertEquals(states.get("late")?.mode, 0o711);
      assertIdle(await mirror(source, target));
    },
  );

  test(
    `F07: what the source can't read is named, and not taken for deleted, ${name}`,
    ["setpriv"],
    async () => {
      await using temp = new TempDir();
      const source = temp.directory("source");
      const target = temp.directory("target");
      const tree = {
        file: "old",
        directory: { inner: "old", deep: { deeper: "old" } },
        open: "old",
        gone: "old",
      };
      writeTree(source, tree);
      assertEnded(await mirror(source, target));
      writeTree(source, { file: "changed", open: "changed" });
      Deno.removeSync(`${source}/gone`);
      Deno.chmodSync(`${source}/file`, 0o000);
      Deno.chmodSync(`${source}/directory`, 0o000);

      const ended = await mirror(source, target, [], { under: UNPRIVILEGED });
      assertEnded(ended, 3);
      assertEquals(problemPaths(ended), ["directory", "file"]);
      assertEquals(Deno.readTextFileSync(`${target}/file`), "old");
      const deep = Deno.readTextFileSync(`${target}/directory/deep/deeper`);
      assertEquals(deep, "old");
      assertEquals(Deno.readTextFileSync(`${target}/open`), "changed");
      assert(!exists(`${target}/gone`));

      assertEnded(await mirror(source, target));
      await assertSameTree(source, target);
    },
  );

  test(
    `F08: an immutable file at the target is named, and all else is synced, ${name}`,
    ["chattr"],
    async () => {
      await using temp = new TempDir();
      const source = temp.directory("source");
      const target = temp.directory("target");
      writeTree(source, { a: "new", file: "new content", z: { new: "new" } });
      writeTree(target, {
        file: "old",
        frozen: { inner: "old" },
        extra: "old",
      });
      await shell('chattr +i "$1/file" "$1/frozen/inner"', target);
      const ended = await mirror(source, target);
      assertEnded(ended, 3);
      const named = problemPaths(ended);
      assert(named.includes("file"), `${named}`);
      assert(named.some((path) => path.startsWith("frozen")), `${named}`);
      assertEquals(Deno.readTextFileSync(`${target}/file`), "old");
      assertEquals(namesIn(target), ["a", "file", "frozen", "z"]);

      await shell('chattr -i "$1/file" "$1/frozen/inner"', target);
      assertEnded(await mirror(source, target));
      await assertSameTree(source, target);
      assert(!exists(`${target}/.lockstep`));
    },
  );

  test(
    `F10, F11: what is mounted inside a tree is named and not crossed, ${name}`,
    [
      "mount",
    ],
    async () => {
      await using temp = new TempDir();
      const source = temp.directory("source");
      const target = temp.directory("target");
      writeTree(source, { file: "x", mounted: {}, "at target": { file: "x" } });
      writeTree(target, { "at target": {}, extra: {} });
      const mounts = [
        `${source}/mounted`,
        `${target}/at target`,
        `${target}/extra`,
      ];
      for (const path of mounts) {
        await shell('mount -t tmpfs none "$1"; echo x > "$1/other"', path);
      }
      try {
        const ended = await mirror(source, target);
        assertEnded(ended, 3);
        const named = problemPaths(ended);
        for (const path of ["mounted", "at target", "extra"]) {
          assert(named.includes(path), `${path} is not among ${named}`);
        }
        assert(!exists(`${target}/mounted/other`));
        assertEquals(namesIn(`${target}/at target`), ["other"]);
        assertEquals(namesIn(`${target}/extra`), ["other"]);
        assertEquals(Deno.readTextFileSync(`${target}/file`), "x");
      } finally {
        for (const path of mounts) await shell('umount "$1"', path);
      }
    },
  );

  test(
    `F01: a full disk leaves old files whole, and the next run goes on, ${name}`,
    ["mount"],
    async () => {
      await using temp = new TempDir();
      const source = temp.directory("source");
      const target = temp.directory("target");
      await shell('mount -t tmpfs -o size=2m none "$1"', target);
      try {
        const random = new Random(1);
        writeTree(source, { big: random.bytes(100_000), small: "small" });
        assertEnded(await mirror(source, target));
        const old = Deno.readFileSync(`${target}/big`);
        writeTree(source, {
          big: random.bytes(4_000_000),
          more: random.bytes(4_000_000),
          small: "other",
        });
        const ended = await mirror(source, target);
        assert(ended.code === 3 || ended.code === 1, `exit ${ended.code}`);
        assert(/space/i.test(ended.stderr + ended.stdout), ended.stderr);
        assertEquals(Deno.readFileSync(`${target}/big`), old);
        assert(!exists(`${target}/more`));

        await shell('mount -o remount,size=50m "$1"', target);
        assertEnded(await mirror(source, target));
        await assertSameTree(source, target);
        assert(!exists(`${target}/.lockstep`));
      } finally {
        await shell('umount "$1"', target);
      }
    },
  );
}
