/** The operation log of a sync: what it says, where it may be, and full disks. */
import { assert, assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import type { LogEntry } from "../../src/cli/log/log_line.ts";
import { assertEnded, CARRIERS } from "../support/carriers.ts";
import { shell } from "../support/command.ts";
import { exists, link, namesIn, writeTree } from "../support/disk_tree.ts";
import { parseLogLine } from "../support/log_line.ts";
import { test } from "../support/needs.ts";
import { assertSameTree } from "../support/oracle.ts";
import { run, startSync, sync } from "../support/program.ts";
import { TempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** The entries of a log; fails unless every line is one. */
function read(log: string): LogEntry[] {
  const text = Deno.readTextFileSync(log);
  assert(text.endsWith("\n"), "the last line is whole");
  return text.trimEnd().split("\n").map((line) => {
    const entry = parseLogLine(line);
    assert(entry !== undefined, line);
    return entry;
  });
}

const ODD_NAMES = [
  "new\nline",
  'quo"te',
  "back\\slash",
  "esc\x1b[31m",
  " space ",
  "-> arrow",
  "ü\u202egnp.exe",
  "#note",
  "x".repeat(250),
];

for (const { name, mirror } of CARRIERS) {
  test(
    `the log has a line for each path, with the digest of its content, ${name}`,
    ["symlinks"],
    async () => {
      await using temp = new TempDir();
      const source = temp.directory("source");
      const large = new Uint8Array(3_000_000);
      large.fill(7, 1_000_000, 1_500_000);
      writeTree(source, {
        large,
        empty: "",
        dir: { link: link("nowhere"), small: "text" },
        ...Object.fromEntries(ODD_NAMES.map((name) => [name, name])),
      });
      const log = temp.at("log");
      const before = new Date();
      const ended = await mirror(source, temp.at("target"), [
        "--log-file",
        log,
      ]);
      assertEnded(ended);
      await assertSameTree(source, temp.at("target"));
      const entries = read(log);
      const found = new Map(
        entries.map(({ path, name, digest }) => [path, [name, digest]]),
      );
      assertEquals(found.size, entries.length);
      const expected: Record<string, unknown> = {
        "": ["touch", undefined],
        large: ["create", sha256(large)],
        empty: ["create", sha256("")],
        dir: ["create", undefined],
        "dir/link": ["create", undefined],
        "dir/small": ["create", sha256("text")],
        ...Object.fromEntries(
          ODD_NAMES.map((name) => [name, ["create", sha256(name)]]),
        ),
      };
      assertEquals(Object.fromEntries(found), expected);
      for (const { time } of entries) {
        assert(time >= before && time <= new Date());
      }
      const told = ended.events.filter(({ event }) => event === "operation");
      assertEquals(
        told.map(({ op, path, digest }) => [op, path, digest]),
        entries.map(({ name, path, digest = null }) => [name, path, digest]),
      );
      // Nothing to do: nothing to say.
      assertEnded(
        await mirror(source, temp.at("target"), ["--log-file", log]),
      );
      assertEquals(read(log).length, entries.length);
    },
  );

  test(
    `what a checksum or a mode makes differ has its digest as well, ${name}`,
    ["modes"],
    async () => {
      await using temp = new TempDir();
      const source = temp.directory("source");
      const target = temp.at("target");
      writeTree(source, { a: "one", b: "two", c: "three" });
      assertEnded(await mirror(source, target));
      // Same size and time, other bytes.
      const { mtime } = Deno.statSync(`${target}/a`);
      Deno.writeTextFileSync(`${target}/a`, "eno");
      Deno.utimeSync(`${target}/a`, mtime!, mtime!);
      Deno.chmodSync(`${source}/b`, 0o600);
      Deno.removeSync(`${source}/c`);
      const log = temp.at("log");
      assertEnded(
        await mirror(source, target, ["--checksum", "--log-file", log]),
      );
      const lines = read(log).filter(({ path }) => path !== "")
        .map(({ name, path, digest }) => [name, path as string, digest]);
      assertEquals(lines, [
        ["modify", "a", sha256("one")],
        ["touch", "b", sha256("two")],
        ["delete", "c", sha256("three")],
      ]);
      Deno.chmodSync(`${source}/b`, 0o640);
      assertEnded(await mirror(source, target, ["--log-file", log]));
      const last = read(log).at(-1)!;
      assertEquals([last.name, last.digest], ["touch", sha256("two")]);
    },
  );
}

test("only what was achieved is in the log", ["mount"], async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  const target = temp.directory("target");
  writeTree(source, { small: "text", large: "x".repeat(500_000) });
  await shell('mount -t tmpfs -o size=200k none "$1"', target);
  try {
    const log = temp.at("log");
    const ended = await sync(source, target, ["--log-file", log]);
    assertEnded(ended, 3);
    const paths = read(log).map(({ path }) => path as string);
    assert(paths.includes("small"));
    assert(!paths.includes("large"), `${paths}`);
  } finally {
    await shell('umount "$1"', target);
  }
});

test(
  "the console shows operations with --verbose or a log, unless quiet",
  [],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    writeTree(source, { "a\x1b": "one" });
    const line = `create ${sha256("one")} "a\\u001b"`;
    for (
      const [i, [args, isShown]] of ([
        [[], false],
        [["--verbose"], true],
        [["--log-file", temp.at("log")], true],
        [["--log-file", temp.at("log"), "--quiet"], false],
      ] as const).entries()
    ) {
      const to = temp.at(`target-${i}`);
      const ended = await run(["sync", "-f", source, "-t", to, ...args]);
      assertEnded(ended);
      assertEquals(ended.stdout.includes(line), isShown, ended.stdout);
    }
    assertEquals(read(temp.at("log")).length, 4);
  },
);

test(
  "a log inside the source or the target is refused",
  ["symlinks"],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    temp.directory("source/sub");
    writeTree(temp.path, { way: link("source/sub"), to: link("target") });
    const before = namesIn(source);
    for (
      const log of [
        `${source}/log`,
        `${source}/sub/../log`,
        `${temp.path}/way/log`,
        `${temp.path}/to/log`,
        `${target}/log`,
        `${target}/.lockstep/log`,
      ]
    ) {
      const args = ["sync", "-f", source, "-t", target, "--log-file", log];
      const ended = await run(args);
      // Its directory has to be there.
      assertEquals(ended.code, log.includes(".lockstep") ? 1 : 2, ended.stderr);
    }
    assertEquals([namesIn(source), namesIn(target)], [before, []]);
    const dry = await run([
      ...["sync", "-f", source, "-t", target, "--dry-run"],
      ...["--log-file", temp.at("log")],
    ]);
    assertEquals([dry.code, exists(temp.at("log"))], [2, false]);
  },
);

test("a full log makes room for a new one", ["signals"], async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  for (let i = 0; i < 200; i++) writeTree(source, { [`file-${i}`]: `${i}` });
  const args = ["--log-file", temp.at("op.log"), "--log-max-size", "4K"];
  const ended = await sync(source, temp.at("target"), [
    ...args,
    ...["--log-keep", "3"],
  ]);
  assertEnded(ended);
  const logs = namesIn(temp.path).filter((name) => name.startsWith("op.log"));
  assertEquals(logs, ["op.log", "op.log.1", "op.log.2", "op.log.3"]);
  const paths = logs.reverse().flatMap((name) => {
    assert(Deno.statSync(temp.at(name)).size <= 4_096);
    return read(temp.at(name)).map(({ path }) => path as string);
  });
  const told = ended.events.filter(({ event }) => event === "operation");
  assertEquals(paths, told.map(({ path }) => path).slice(-paths.length));
});

test(
  "a log that can't be written stops a sync before it begins",
  ["mount"],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    writeTree(source, { a: "one" });
    const disk = temp.directory("disk");
    await shell('mount -t tmpfs -o size=64k none "$1"', disk);
    try {
      await shell('cat /dev/zero > "$1/zeros" || true', disk);
      const full = await sync(source, temp.at("target"), [
        "--log-file",
        `${disk}/log`,
      ]);
      assertEnded(full, 1);
      await shell('mount -o remount,ro "$1"', disk);
      const closed = await sync(source, temp.at("target"), [
        "--log-file",
        `${disk}/log`,
      ]);
      assertEnded(closed, 1);
      assert(!exists(temp.at("target")));
    } finally {
      await shell('umount "$1"', disk);
    }
  },
);

test(
  "a log whose disk fills up later is warned of once; the sync goes on, and ends with 3",
  ["mount", "signals"],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.at("target");
    writeTree(source, { a: "one" });
    const disk = temp.directory("disk");
    await shell('mount -t tmpfs -o size=64k none "$1"', disk);
    try {
      const args = ["--interval", "20", "--log-file", `${disk}/log`];
      await using sender = startSync(source, target, args);
      await sender.event("synced");
      await shell('cat /dev/zero > "$1/zeros" || true', disk);
      for (let i = 0; i < 40; i++) {
        writeTree(source, { [`${"long".repeat(60)}-${i}`]: "x" });
      }
      await sender.event("warning");
      await until("the last file", () => namesIn(target).length === 41);
      await assertSameTree(source, target);
      Deno.removeSync(`${disk}/zeros`);
      writeTree(source, { last: "x" });
      await until(
        "its line",
        () => Deno.readTextFileSync(`${disk}/log`).includes('"last"'),
      );
      sender.kill("SIGTERM");
      const ended = await sender.ended;
      assertEnded(ended, 3);
      const warnings = ended.events.filter(({ event }) => event === "warning");
      assertEquals(warnings.length, 1);
      const lines = Deno.readTextFileSync(`${disk}/log`).trimEnd().split("\n");
      const notes = lines.filter((line) => line.startsWith("# "));
      assert(notes.length >= 1, "the gap is marked");
      const missing = notes.map((note) => Number(note.split(" ")[2]))
        .reduce((sum, count) => sum + count, 0);
      const told = ended.events.filter(({ event }) => event === "operation");
      const whole = lines.filter((line) => parseLogLine(line) !== undefined);
      assertEquals(whole.length + missing, told.length);
    } finally {
      await shell('umount "$1"', disk);
    }
  },
);

test("two loops with one log mix no lines", ["signals"], async () => {
  await using temp = new TempDir();
  const log = temp.at("log");
  const names = ["one", "two"];
  for (const name of names) {
    for (let i = 0; i < 100; i++) {
      writeTree(temp.directory(name), { [`${name}-${i}`]: name.repeat(i) });
    }
  }
  const all = await Promise.all(
    names.map((name) =>
      sync(temp.at(name), temp.at(`${name}-copy`), ["--log-file", log])
    ),
  );
  all.forEach((ended) => assertEnded(ended));
  const paths = read(log).map(({ path }) => path as string);
  assertEquals(paths.length, 202);
  for (const name of names) {
    const own = paths.filter((path) => path.startsWith(name));
    assertEquals(own.length, 100);
  }
});
