import { assert, assertEquals, assertMatch } from "@std/assert";
import { makeAwkwardTree } from "../support/awkward_tree.ts";
import { assertEnded, problemPaths, summaryOf } from "../support/carriers.ts";
import { command, shell } from "../support/command.ts";
import { link, writeTree } from "../support/disk_tree.ts";
import { test } from "../support/needs.ts";
import { assertSameTree, listTree } from "../support/oracle.ts";
import {
  type Ended,
  type JsonEvent,
  listen,
  PROGRAM,
  Program,
  run,
  sync,
} from "../support/program.ts";
import { Random } from "../support/random.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { TempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

/** What a field of an event may be. */
type Rule = "count" | "number" | "text" | "value" | readonly string[];

const CHANGES = {
  created: "count",
  replaced: "count",
  touched: "count",
  deleted: "count",
  moved: "count",
  files: "count",
  bytes: "count",
} as const;

/** Every event and its fields, besides `time`; one with "?" may be absent. */
const SCHEMA: Readonly<Record<string, Readonly<Record<string, Rule>>>> = {
  started: { from: "text", to: "text" },
  listening: { port: "count", host: "text", url: "text", dir: "text" },
  connected: { peer: "text", software: "text" },
  scanned: {
    side: ["source", "target"],
    files: "count",
    directories: "count",
    symlinks: "count",
    bytes: "count",
  },
  action: {
    path: "text",
    action: ["create", "replace", "touch", "delete"],
    kind: ["directory", "file", "symlink"],
    reason: [
      ...["new", "extra", "kind", "target", "size", "content", "newer"],
      ...["older", "mode", "time"],
    ],
    "from?": "value",
    "to?": "value",
    bytes: "count",
  },
  planned: { round: "count", ...CHANGES },
  progress: {
    files: "count",
    filesTotal: "count",
    bytes: "count",
    bytesTotal: "count",
    bytesPerSecond: "count",
    "path?": "text",
  },
  problem: {
    side: ["source", "target"],
    path: "text",
    code: ["stale", "unreadable", "failed", "skipped", "blocked"],
    message: "text",
  },
  retrying: { attempt: "count", delayMs: "count", error: "text" },
  waiting: { peer: "text", waitMs: "count", error: "text" },
  "turned-away": { peer: "text", reason: "text" },
  ended: {
    outcome: [
      ...["done", "partial", "halted", "interrupted", "failed", "planned"],
    ],
    message: "text",
  },
  done: {
    ...CHANGES,
    problems: "count",
    rounds: "count",
    seconds: "number",
    digest: "text",
    sent: "count",
    received: "count",
  },
  warning: { message: "text" },
  error: { code: "text", message: "text", exit: "count" },
};

Deno.test("every line of --json is an event that its documentation knows, on both sides", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  writeTree(source, {
    file: "content",
    d: { big: new Random(40).bytes(3_000_000) },
  });
  if (Deno.build.os !== "windows") writeTree(source, { link: link("file") });
  await using receiver = await listen(temp.at("target"));
  await using proxy = new TcpProxy(
    receiver.port,
    (connection) =>
      connection === 0 ? { toServer: { cutAfter: 1_000_000 } } : {},
  );
  const sent = await sync(source, proxy.url, ["--retry-for", "20"]);
  const received = await receiver.ended;
  assertEnded(sent);
  assertEnded(received);
  const planned = await sync(source, temp.at("other"), ["--dry-run"]);
  for (const ended of [sent, received, planned]) assertSchema(ended);
  const names = sent.events.map(({ event }) => event);
  for (const name of ["connected", "scanned", "planned", "retrying", "done"]) {
    assert(names.includes(name), `${name} is not among ${names}`);
  }
  assertEquals(names.at(-1), "done");
  assertEquals(received.events[0]?.event, "listening");
  assertEquals(received.events[0]?.dir, temp.at("target"));
  assertEquals(received.events.at(-1)?.event, "ended");
  assertMatch(String(summaryOf(sent).digest), /^[0-9a-f]{64}$/);
});

Deno.test("the counts are true", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  const target = temp.directory("target");
  writeTree(source, { a: "12345", b: { c: "123", d: {} }, same: "same" });
  writeTree(target, { a: "1", gone: { one: "1", two: "2" } });
  const ended = await sync(source, target);
  assertEnded(ended);
  const scanned = ended.events.find(({ event, side }) =>
    event === "scanned" && side === "source"
  );
  assertEquals(
    [scanned?.files, scanned?.directories, scanned?.symlinks, scanned?.bytes],
    [3, 2, 0, 12],
  );
  const { created, replaced, deleted, files, bytes, problems } = summaryOf(
    ended,
  );
  assertEquals(
    { created, replaced, deleted, files, bytes, problems },
    { created: 4, replaced: 1, deleted: 3, files: 3, bytes: 12, problems: 0 },
  );
});

Deno.test("an error is an event with the exit code, and one line on stderr", async () => {
  await using temp = new TempDir();
  const missing = temp.at("missing");
  const ended = await sync(missing, temp.at("target"));
  assertSchema(ended);
  const error = ended.events.find(({ event }) => event === "error");
  assertEquals(error?.exit, ended.code);
  assert(String(error?.message).includes(missing));

  const plain = await run(["sync", "-f", missing, "-t", temp.at("target")]);
  assertEquals(plain.code, ended.code);
  assertEquals(plain.stdout, "");
  assertEquals(plain.stderr.trim().split("\n").length, 1, plain.stderr);
  assert(!/\bat .*\.ts:\d+/.test(plain.stderr), plain.stderr);
});

Deno.test("without a terminal there are plain lines, and a summary last", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  makeAwkwardTree(source, { seed: 41, wide: 500 });
  await using receiver = new Program([
    ...["listen", "--port", "0", "--output-dir", temp.at("target")],
  ]);
  const address = await addressOf(receiver);
  const sent = await run(["sync", "--from", source, "--to", address]);
  const received = await receiver.ended;
  assertEnded(sent);
  assertEnded(received);
  for (const { stdout, stderr } of [sent, received]) {
    assertPlain(stdout + stderr);
  }
  assert(sent.stdout.trim() !== "", "no summary");
  // The exact command for the other end, ready to be copied.
  const said = received.stdout + received.stderr;
  assert(
    said.includes(`sync --from`) && said.includes(`--to ${address}`),
    said,
  );
});

Deno.test("--quiet says nothing when all is well", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  writeTree(source, { file: "content" });
  await using receiver = await listen(temp.at("target"));
  const args = ["sync", "--from", source, "--to", receiver.url, "--quiet"];
  const ended = await run(args);
  assertEnded(ended);
  assertEquals(ended.stdout + ended.stderr, "");
  const local = await run([...args.slice(0, 4), temp.at("local"), "--quiet"]);
  assertEnded(local);
  assertEquals(local.stdout + local.stderr, "");
});

test(
  "--quiet still names what was left out; --verbose says more",
  ["mkfifo"],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    writeTree(source, { file: "content" });
    await shell('mkfifo "$1/the fifo"', source);
    const args = ["sync", "--from", source, "--to", temp.at("target")];
    const quiet = await run([...args, "--quiet"]);
    assertEnded(quiet, 3);
    assert(quiet.stderr.includes("the fifo"), quiet.stderr);
    const usual = await run(args);
    assertEnded(usual, 3);
    assert(usual.stderr.includes("the fifo"), usual.stderr);
    const verbose = await run([...args, "--verbose"]);
    assertEnded(verbose, 3);
    const length = ({ stdout, stderr }: Ended) => stdout.length + stderr.length;
    assert(length(verbose) > length(usual), verbose.stderr);
  },
);

test(
  "hostile names are escaped for people and exact for programs",
  ["mkfifo"],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const names = [
      "esc\u001b[31m\u001b]0;title\u0007",
      "line\nbreak",
      "return\rover",
      "\u202egpj.exe",
      "csi\u009b2J",
      'quote"',
    ];
    for (const name of names) await shell('mkfifo "$1/$2"', source, name);
    const args = ["sync", "--from", source, "--to", temp.at("target")];
    for (const more of [[], ["--verbose"], ["--quiet"]]) {
      const ended = await run([...args, ...more]);
      assertEnded(ended, 3);
      assertPlain(ended.stdout + ended.stderr);
      assert(!/[\u009b\u202e]/.test(ended.stdout + ended.stderr));
    }
    const json = await run([...args, "--json"]);
    assertEnded(json, 3);
    assertEquals(problemPaths(json), names.toSorted());
    assertSchema(json);
  },
);

test("on a terminal there is one live line, no wider than the terminal", [
  "script",
], async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  for (let i = 0; i < 20; i++) {
    writeTree(source, {
      [`a rather long name of a file, number ${i}`]: new Random(i).bytes(
        500_000,
      ),
    });
  }
  await using receiver = await listen(temp.at("target"));
  await using proxy = new TcpProxy(receiver.port, () => ({
    toServer: { bytesPerSecond: 5_000_000 },
  }));
  const sync = ["sync", "--from", source, "--to", proxy.url, "--no-state"];
  const words = [...PROGRAM, ...sync]
    .map((word) => `'${word}'`).join(" ");
  const shown = await command("script", [
    "-qec",
    `unset NO_COLOR; stty cols 60 rows 20; TERM=xterm ${words}`,
    "/dev/null",
  ]);
  assertEquals(shown.code, 0, shown.stdout);
  await assertSameTree(source, temp.at("target"));
  // deno-lint-ignore no-control-regex
  const text = shown.stdout.replaceAll(/\x1b\[[0-9;?]*[A-Za-z]/g, "");
  const lines = text.split("\n").map((line) => line.split("\r"));
  const redrawn = lines.filter((line) => line.length > 5);
  assertEquals(redrawn.length, 1, JSON.stringify(lines));
  for (const live of redrawn[0]!) assert(live.length <= 60, live);
  assertMatch(redrawn[0]!.join("\n"), /MB\/s|MiB\/s|kB\/s|KiB\/s/);
});

test(
  "a reader of the output that goes away does no harm",
  ["bash"],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    makeAwkwardTree(source, { seed: 42, wide: 500 });
    const words = PROGRAM.map((word) => `'${word}'`).join(" ");
    for (const flags of ["--json", "--verbose", ""]) {
      const target = temp.at(`target ${flags}`);
      const status = await shell(
        `${words} sync --from "$1" --to "$2" --no-state ${flags} 2>&1 | head -1 >/dev/null
       echo "\${PIPESTATUS[0]}"`,
        source,
        target,
      );
      assertEquals(status.trim(), "0", flags);
      await assertSameTree(source, target);
    }
  },
);

test(
  "a receiver whose output is closed goes on receiving",
  ["bash"],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    writeTree(source, { file: "content" });
    const fifo = temp.at("first line");
    const words = PROGRAM.map((word) => `'${word}'`).join(" ");
    await shell('mkfifo "$1"', fifo);
    const receiver = new Deno.Command("bash", {
      args: [
        "-c",
        `${words} listen --port 0 --output-dir "$1" --json | head -1 >"$2"
       exit "\${PIPESTATUS[0]}"`,
        "bash",
        temp.at("target"),
        fifo,
      ],
      stderr: "null",
    }).spawn();
    const listening: JsonEvent = JSON.parse(await Deno.readTextFile(fifo));
    assertEnded(await sync(source, `ws://127.0.0.1:${listening.port}`));
    assertEquals((await receiver.status).code, 0);
    await assertSameTree(source, temp.at("target"));
  },
);

Deno.test("the locale, the time zone and the terminal do not matter", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  makeAwkwardTree(source, { seed: 43, wide: 20 });
  const env = { LC_ALL: "C", TZ: "Pacific/Apia", TERM: "dumb", COLUMNS: "1" };
  const ended = await sync(source, temp.at("target"), [], { env });
  assertEnded(ended);
  await assertSameTree(source, temp.at("target"));
  assertEquals(listTree(source).size, listTree(temp.at("target")).size);
});

/** Fails unless each line of standard output is a known event. */
function assertSchema(ended: Ended): void {
  const lines = ended.stdout.split("\n").filter((line) => line !== "");
  assertEquals(ended.events.length, lines.length, ended.stdout);
  for (const { event, time, ...fields } of ended.events) {
    const rules = SCHEMA[event];
    assert(rules !== undefined, `no such event: ${event}`);
    assertEquals(new Date(String(time)).toISOString(), time);
    const shown = JSON.stringify({ event, ...fields });
    for (const [key, rule] of Object.entries(rules)) {
      const name = key.replace("?", "");
      const value = fields[name];
      const isAbsent = value === undefined && name !== key;
      assert(isAbsent || conforms(value, rule), `${name} of ${shown}`);
    }
    for (const name of Object.keys(fields)) {
      assert(name in rules || `${name}?` in rules, `${name} of ${shown}`);
    }
  }
}

function conforms(value: unknown, rule: Rule): boolean {
  switch (rule) {
    case "count":
      return Number.isSafeInteger(value) && (value as number) >= 0;
    case "number":
      return Number.isFinite(value) && (value as number) >= 0;
    case "text":
      return typeof value === "string";
    case "value":
      return typeof value === "string" || Number.isSafeInteger(value);
    default:
      return rule.includes(value as string);
  }
}

/** Fails if there are control characters other than line breaks. */
function assertPlain(text: string): void {
  // deno-lint-ignore no-control-regex
  const found = /[\0-\x09\x0b-\x1f\x7f]/.exec(text);
  assertEquals(found, null, JSON.stringify(text));
}

/** The address that a receiver prints for people. */
async function addressOf(receiver: Program): Promise<string> {
  const address = /ws:\/\/[\w.:]+/;
  return await until("an address", () => {
    return address.exec(receiver.stdout + receiver.stderr)?.[0];
  });
}
