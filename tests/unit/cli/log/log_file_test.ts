import { assert, assertEquals, assertThrows } from "@std/assert";
import { LogFile } from "../../../../src/cli/log/log_file.ts";
import { formatGap } from "../../../../src/cli/log/log_line.ts";
import { openLog } from "../../../../src/cli/log/log_option.ts";
import { OperationLog } from "../../../../src/cli/log/operation_log.ts";
import { FileSystemError, UsageError } from "../../../../src/errors.ts";
import { shell } from "../../../support/command.ts";
import { namesIn } from "../../../support/disk_tree.ts";
import { parseLogLine } from "../../../support/log_line.ts";
import { test } from "../../../support/needs.ts";
import { TempDir } from "../../../support/temp.ts";
import { path } from "../../../support/trees.ts";

const RULE = { maxSize: 100, keep: 2 };

/** Opens a log whose clock is so fast that it looks at its place each time. */
function open(at: string, rule = RULE, warnings: string[] = []): LogFile {
  let time = 0;
  return LogFile.open(at, {
    rule,
    now: () => time += 1_000,
    onUnrotated: (message) => warnings.push(message),
  });
}

function linesOf(path: string): string[] {
  return Deno.readTextFileSync(path).trimEnd().split("\n");
}

test(
  "a log is made for its owner only, and is appended to",
  ["modes"],
  async () => {
    await using temp = new TempDir();
    for (const line of ["one", "two"]) {
      using log = open(temp.at("log"));
      log.append(line);
    }
    assertEquals(linesOf(temp.at("log")), ["one", "two"]);
    assertEquals(Deno.statSync(temp.at("log")).mode! & 0o777, 0o600);
    assertEquals(namesIn(temp.path), ["log"]);
  },
);

Deno.test("a full log makes room, and only so many are kept", async () => {
  await using temp = new TempDir();
  using log = open(temp.at("log"));
  const lines = Array.from({ length: 20 }, (_, i) => `${i} `.padEnd(29, "x"));
  for (const line of lines) log.append(line);
  assertEquals(namesIn(temp.path), ["log", "log.1", "log.2"]);
  const all = ["log.2", "log.1", "log"].flatMap((name) => {
    assert(Deno.statSync(temp.at(name)).size <= RULE.maxSize);
    return linesOf(temp.at(name));
  });
  assertEquals(all, lines.slice(-all.length));
  assertEquals(all.length, 8);
});

Deno.test("K15: a log that somebody removes or puts aside is begun anew", async () => {
  await using temp = new TempDir();
  using log = open(temp.at("log"));
  log.append("one");
  Deno.renameSync(temp.at("log"), temp.at("aside"));
  log.append("two");
  Deno.removeSync(temp.at("log"));
  log.append("three");
  assertEquals(linesOf(temp.at("aside")), ["one"]);
  assertEquals(linesOf(temp.at("log")), ["three"]);
});

Deno.test("a line that was broken off is not continued", async () => {
  await using temp = new TempDir();
  Deno.writeTextFileSync(temp.at("log"), "one\ntw");
  using log = open(temp.at("log"));
  log.append("three");
  assertEquals(linesOf(temp.at("log")), ["one", "tw", "three"]);
});

Deno.test("a log that can't be put aside goes on growing, and says so once", async () => {
  await using temp = new TempDir();
  temp.directory("log.1/full");
  const warnings: string[] = [];
  using log = open(temp.at("log"), { maxSize: 20, keep: 1 }, warnings);
  for (const line of ["1".repeat(15), "2".repeat(15), "3".repeat(15)]) {
    log.append(line);
  }
  assertEquals(linesOf(temp.at("log")).length, 3);
  assertEquals(warnings.length, 1);
  assert(warnings[0]!.includes("grows beyond its limit"), warnings[0]);
});

test("a log has to be a regular file", ["mkfifo", "symlinks"], async () => {
  await using temp = new TempDir();
  temp.directory("directory");
  Deno.symlinkSync("elsewhere", temp.at("dangling"));
  await shell('mkfifo "$1"', temp.at("fifo"));
  for (const name of ["directory", "dangling", "fifo"]) {
    assertThrows(() => open(temp.at(name)), FileSystemError, "Cannot write to");
  }
  assertThrows(() => open(temp.at("missing", "log")), FileSystemError);
});

test("a log on a full disk is refused, and its file of that moment is gone", [
  "mount",
], async () => {
  await using temp = new TempDir();
  const disk = temp.directory("disk");
  await shell('mount -t tmpfs -o size=64k none "$1"', disk);
  try {
    Deno.writeTextFileSync(`${disk}/log`, "one\n");
    await shell('cat /dev/zero > "$1/zeros" || true', disk);
    assertThrows(() => open(`${disk}/log`), FileSystemError, "no space left");
    assertEquals(namesIn(disk), ["log", "zeros"]);
  } finally {
    await shell('umount "$1"', disk);
  }
});

test("an operation log warns once while it can't write, and marks the gap", [
  "mount",
], async () => {
  await using temp = new TempDir();
  const disk = temp.directory("disk");
  await shell('mount -t tmpfs -o size=64k none "$1"', disk);
  try {
    const warnings: string[] = [];
    const rule = { maxSize: 0, keep: 0 };
    using log = OperationLog.open(`${disk}/log`, rule, (text) => {
      warnings.push(text);
    });
    const time = new Date(0);
    const record = (name: string): void =>
      log.record({ time, name: "create", path: path(name), digest: undefined });
    record("first");
    await shell('cat /dev/zero > "$1/zeros" || true', disk);
    // What still fits into the last page comes through.
    while (!log.hasFailed) record("filler".repeat(100));
    record("lost");
    Deno.removeSync(`${disk}/zeros`);
    record("last");
    assertEquals(warnings.length, 1);
    assert(warnings[0]!.includes("the sync goes on"), warnings[0]);
    const lines = linesOf(`${disk}/log`);
    assertEquals(parseLogLine(lines.at(-1)!)?.path, path("last"));
    assertEquals(lines.at(-2), formatGap(time, 2));
  } finally {
    await shell('umount "$1"', disk);
  }
});

Deno.test("two processes with one log mix no lines, and lose none while they rotate", async () => {
  await using temp = new TempDir();
  const module = new URL(
    "../../../../src/cli/log/log_file.ts",
    import.meta.url,
  );
  const config = new URL("../../../../deno.json", import.meta.url).pathname;
  const code = `
    import { LogFile } from "${module}";
    const [path, who] = Deno.args;
    using log = LogFile.open(path, {
      rule: { maxSize: 20000, keep: 1000 },
      now: () => performance.now(),
      onUnrotated: (message) => { throw new Error(message); },
    });
    for (let i = 0; i < 3000; i++) log.append(who + " " + i + " " + who.repeat(1 + i % 70));
  `;
  Deno.writeTextFileSync(temp.at("writer.ts"), code);
  const results = await Promise.all(
    ["a", "b", "c"].map((who) =>
      new Deno.Command(Deno.execPath(), {
        args: [
          ...["run", "-A", "--no-check", "--config", config],
          ...[temp.at("writer.ts"), temp.at("log"), who],
        ],
        stderr: "piped",
      }).output()
    ),
  );
  for (const { success, stderr } of results) {
    assert(success, new TextDecoder().decode(stderr));
  }
  const names = namesIn(temp.path).filter((name) => name.startsWith("log"));
  assert(names.length > 3, `${names}`);
  const lines = names.flatMap((name) => linesOf(temp.at(name)));
  assertEquals(lines.length, 9_000);
  const seen = new Set<string>();
  for (const line of lines) {
    const [who, i, rest] = line.split(" ");
    assertEquals(rest, who!.repeat(1 + Number(i) % 70), line);
    seen.add(`${who} ${i}`);
  }
  assertEquals(seen.size, 9_000);
});

test("openLog() refuses a log inside a tree, however it is spelled", [
  "symlinks",
], async () => {
  await using temp = new TempDir();
  const tree = temp.directory("tree");
  temp.directory("tree/sub/deep");
  Deno.symlinkSync("tree/sub", temp.at("link"));
  Deno.symlinkSync("tree/sub/deep", temp.at("down"));
  Deno.symlinkSync("tree/file", temp.at("dangling"));
  const trees = [{ option: "--from", path: tree }];
  const openAt = (logFile: string): void => {
    openLog({ logFile, logMaxSize: 0, logKeep: 0 }, trees, () => {})
      ?.[Symbol.dispose]();
  };
  for (
    const name of [
      "tree/log",
      "tree/sub/log",
      "link/log",
      "tree/../tree/log",
      // By the system's reading: the parent of what the link leads to.
      "down/../log",
    ]
  ) {
    const spelled = `${temp.path}/${name}`;
    assertThrows(() => openAt(spelled), UsageError, "lies inside --from");
  }
  assertThrows(() => openAt(temp.at("dangling")), FileSystemError);
  openAt(temp.at("log"));
  openAt(`${temp.path}/link/../../log2`);
  assertEquals(namesIn(temp.path), [
    ...["dangling", "down", "link", "log", "log2", "tree"],
  ]);
  assertEquals(namesIn(tree), ["sub"]);
});
