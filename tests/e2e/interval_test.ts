/** Local loops: a sync that comes again and again, until somebody stops it. */
import { assert, assertEquals } from "@std/assert";
import { assertEnded } from "../support/carriers.ts";
import { shell } from "../support/command.ts";
import { exists, namesIn, writeTree } from "../support/disk_tree.ts";
import { parseLogLine } from "../support/log_line.ts";
import { test } from "../support/needs.ts";
import {
  assertSameTree,
  assertUntouched,
  listTree,
} from "../support/oracle.ts";
import {
  listen,
  Program,
  type Receiver,
  run,
  startSync,
} from "../support/program.ts";
import { note } from "../support/proof.ts";
import { Random } from "../support/random.ts";
import { TempDir } from "../support/temp.ts";
import { editTree } from "../support/tree_edit.ts";
import { until } from "../support/until.ts";

const KILLS = Number(Deno.env.get("LOCKSTEP_KILLS") ?? 6);
const INTERVAL = ["--interval", "20"];

/** Waits until a round that began after this call is through. */
async function nextRound(sender: Program): Promise<void> {
  const rounds = (): number =>
    sender.events.filter(({ event }) => event === "synced").length;
  const before = rounds();
  let isGone = false;
  void sender.ended.then(() => isGone = true);
  await until(`round ${before + 2}`, () => {
    if (isGone) throw new Error(`It has ended: ${sender.stderr}`);
    return rounds() >= before + 2;
  });
}

/** The operations that were logged for `name`, in order. */
function operationsOn(log: string, name: string): string[] {
  return Deno.readTextFileSync(log).trimEnd().split("\n").map(parseLogLine)
    .filter((entry) => entry?.path === name).map((entry) => entry!.name);
}

/** Where a loop mirrors to: a directory, or the listener over it. */
interface Place {
  readonly name: string;
  start(temp: TempDir, args?: readonly string[]): Promise<Started>;
}

interface Started {
  readonly sender: Program;
  readonly receiver?: Receiver;
}

const PLACES: readonly Place[] = [
  {
    name: "between directories",
    start: (temp, args = []) =>
      Promise.resolve({
        sender: startSync(temp.at("source"), temp.at("target"), [
          ...INTERVAL,
          ...args,
        ]),
      }),
  },
  {
    name: "over WebSocket",
    async start(temp, args = []): Promise<Started> {
      const receiver = await listen(temp.at("target"));
      const sender = startSync(temp.at("source"), receiver.url, [
        ...INTERVAL,
        ...args,
      ]);
      return { sender, receiver };
    },
  },
];

for (const { name, start } of PLACES) {
  test(
    `a loop follows every edit, puts back what others change, and ends well, ${name}`,
    ["signals"],
    async () => {
      await using temp = new TempDir();
      const source = temp.directory("source");
      const target = temp.at("target");
      writeTree(source, { a: "one", dir: { b: "two" } });
      const log = temp.at("log");
      const started = await start(temp, ["--log-file", log]);
      await using sender = started.sender;
      await using receiver = started.receiver;
      await sender.event("synced", { round: 1 });
      await assertSameTree(source, target);

      writeTree(source, { a: "another", dir: { c: "three" } });
      await nextRound(sender);
      await assertSameTree(source, target);

      Deno.removeSync(`${target}/a`);
      writeTree(target, { dir: { b: "damaged", extra: "?" } });
      await nextRound(sender);
      await assertSameTree(source, target);

      Deno.removeSync(`${source}/dir/b`);
      Deno.renameSync(`${source}/a`, `${source}/z`);
      await nextRound(sender);
      await assertSameTree(source, target);
      if (Deno.build.os !== "windows") {
        Deno.chmodSync(`${source}/z`, 0o600);
        await nextRound(sender);
        await assertSameTree(source, target);
      }

      sender.kill("SIGTERM");
      assertEnded(await sender.ended);
      if (receiver !== undefined) assertEnded(await receiver.ended);
      const of = (name: string): string[] => operationsOn(log, name);
      assertEquals(of("a"), ["create", "modify", "restore"]);
      assertEquals(of("dir/b"), ["create", "restore", "delete"]);
      assertEquals(of("dir/c"), ["create"]);
      assertEquals(of("dir/extra"), ["delete"]);
      // What was renamed is what stood at the other path.
      assertEquals(of("z"), ["move", "touch"]);
      assert(!exists(`${target}/.lockstep`), "staging is gone");
    },
  );

  test(
    `a loop over a source that vanishes waits, and takes nothing away, ${name}`,
    ["signals"],
    async () => {
      await using temp = new TempDir();
      const source = temp.directory("source");
      const target = temp.at("target");
      writeTree(source, { a: "one", dir: { b: "two" } });
      const started = await start(temp);
      await using sender = started.sender;
      await using _ = started.receiver;
      await sender.event("synced", { round: 1 });
      const before = listTree(target);

      Deno.renameSync(source, temp.at("away"));
      await sender.event("paused", { code: "not-found" });
      assertUntouched(target, before);
      // An empty directory in its place, as an unmounted disk leaves it.
      temp.directory("source");
      await sender.event("paused", { code: "guard" });
      assertUntouched(target, before);
      Deno.removeSync(source);
      Deno.renameSync(temp.at("away"), source);
      writeTree(source, { c: "three" });
      await nextRound(sender);
      await assertSameTree(source, target);
      const pauses = sender.events.filter(({ event }) => event === "paused");
      const codes = pauses.map(({ code }) => code);
      assert(
        codes.length <= 4,
        `said when it changes, not each time: ${codes}`,
      );
      sender.kill("SIGINT");
      assertEnded(await sender.ended);
    },
  );
}

test(
  "the exit code of a loop is that of its last round",
  ["signals"],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    writeTree(source, { a: "one" });
    for (const noState of [[], ["--no-state"]]) {
      await using sender = startSync(source, temp.at("target"), [
        ...INTERVAL,
        ...noState,
      ]);
      await sender.event("synced");
      Deno.renameSync(source, temp.at("away"));
      temp.directory("source");
      await sender.event("paused", { code: "guard" });
      sender.kill("SIGTERM");
      assertEnded(await sender.ended, 4);
      assertEquals(namesIn(temp.at("target")), ["a"]);
      Deno.removeSync(source);
      Deno.renameSync(temp.at("away"), source);
    }
  },
);

test(
  "a listener hears how the last round of a loop went",
  ["signals", "mkfifo"],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    writeTree(source, { a: "one" });
    await using receiver = await listen(temp.at("target"));
    await using sender = startSync(source, receiver.url, INTERVAL);
    await sender.event("synced");
    await shell('mkfifo "$1/fifo"', source);
    await sender.event("problem", { path: "fifo" });
    await nextRound(sender);
    const problems = sender.events.filter(({ event }) => event === "problem");
    assertEquals(problems.length, 1, "said once");
    sender.kill("SIGTERM");
    assertEnded(await sender.ended, 3);
    assertEnded(await receiver.ended, 3);
  },
);

test(
  "a loop that is interrupted before its first round is through counts as interrupted",
  ["signals"],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    // The receiver is stopped, so the round can't end.
    await using receiver = await listen(temp.at("target"));
    receiver.kill("SIGSTOP");
    await using sender = startSync(source, receiver.url, INTERVAL);
    await sender.event("started");
    sender.kill("SIGTERM");
    assertEnded(await sender.ended, 143);
  },
);

test(
  "a loop whose first round fails ends at once",
  ["signals"],
  async () => {
    await using temp = new TempDir();
    const target = temp.at("target");
    const args = ["--to", target, ...INTERVAL];
    const missing = await run(["sync", "--from", temp.at("none"), ...args]);
    assertEquals(missing.code, 1, missing.stderr);
    const same = await run(["sync", "--from", temp.path, ...args]);
    assertEquals(same.code, 2, same.stderr);
    assert(!exists(target));
  },
);

test(
  "a loop prints nothing for rounds that change nothing",
  ["signals"],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    writeTree(source, { a: "one" });
    const args = ["sync", "-f", source, "-t", temp.at("target"), ...INTERVAL];
    await using quiet = new Program([...args, "--log-file", temp.at("log")]);
    await until("the first round", () => quiet.stdout.includes("Round 1 in"));
    // It tells of each round, so there is something to wait for.
    await using other = startSync(source, temp.at("other"), INTERVAL);
    let edits = 1;
    await until("rounds between those that changed something", async () => {
      await nextRound(other);
      writeTree(source, { b: `edit ${++edits}` });
      const rounds = await until(`the line for edit ${edits}`, () => {
        const found = [...quiet.stdout.matchAll(/Round (\d+) in/g)];
        return found.length === edits && found.map((it) => Number(it[1]));
      });
      return rounds.at(-1)! > edits;
    });
    quiet.kill("SIGTERM");
    const ended = await quiet.ended;
    assertEnded(ended);
    const [first] = ended.stdout.split("\n");
    assert(/ create [0-9a-f]{64} "a"$/.test(first!), first);
    assertEquals(ended.stdout.match(/Round/g)?.length, edits);
    assertEquals(ended.stderr.match(/Plan/g)?.length, edits);
    assert(/Stopped after \d+ rounds$/.test(ended.stderr), ended.stderr);

    await using verbose = new Program([...args, "--verbose"]);
    await until(
      "rounds that change nothing",
      () => verbose.stdout.includes("Round 4 in"),
    );
  },
);

test(
  "a loop makes a target again that somebody removed, but not where a disk was unmounted",
  ["signals", "mount"],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    writeTree(source, { a: "one" });
    const disk = temp.directory("disk");
    const target = `${disk}/target`;
    await shell('mount -t tmpfs none "$1"', disk);
    let isMounted = true;
    try {
      await using sender = startSync(source, target, INTERVAL);
      await sender.event("synced");
      await shell('rm -r "$1"', target);
      await until("the target", () => exists(`${target}/a`));
      await nextRound(sender);
      await assertSameTree(source, target);
      // Busy for the moment that a round takes.
      await until("the unmounting", async () => {
        const { code } = await new Deno.Command("umount", {
          args: [disk],
          stderr: "null",
        }).output();
        return code === 0;
      });
      isMounted = false;
      // A round that was under way when the target was removed paused, too.
      await until(
        "a pause because of the unmounting",
        () =>
          sender.events.some(({ event, message }) =>
            event === "paused" && String(message).includes("unmounted")
          ),
      );
      assertEquals(namesIn(disk), []);
      sender.kill("SIGTERM");
      assertEnded(await sender.ended, 1);
    } finally {
      if (isMounted) await shell('umount -l "$1"', disk);
    }
  },
);

test(
  "a loop connects again to a listener that is started anew",
  ["signals"],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.at("target");
    writeTree(source, { a: "one" });
    const first = await listen(target);
    await using sender = startSync(source, first.url, INTERVAL);
    try {
      await sender.event("synced", { round: 1 });
      first.kill("SIGTERM");
      await first.ended;
    } finally {
      await first[Symbol.asyncDispose]();
    }
    writeTree(source, { b: "two" });
    const port = ["--port", String(first.port)];
    await using second = await listen(target, port);
    await nextRound(sender);
    await assertSameTree(source, target);
    second.kill("SIGKILL");
    await second.ended;
    writeTree(source, { c: "three" });
    await using third = await listen(target, port);
    await nextRound(sender);
    await assertSameTree(source, target);
    sender.kill("SIGTERM");
    assertEnded(await sender.ended);
    assertEnded(await third.ended);
  },
);

test(
  "E01-E05: a loop killed at any moment is taken up by the next one",
  ["signals"],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.at("target");
    const random = new Random(77);
    for (let i = 0; i < 50; i++) {
      const name = `d${i % 5}`;
      writeTree(source, { [name]: { [`${i}`]: `${i}`.repeat(1_000) } });
      // An edit may swap two of them: the quick check has to see it.
      Deno.utimeSync(`${source}/${name}/${i}`, 1_000 + i, 1_000 + i);
    }
    const log = temp.at("log");
    const args = [...INTERVAL, "--log-file", log, "--allow-delete", "always"];
    for (let kill = 0; kill < KILLS; kill++) {
      await using sender = startSync(source, target, args);
      await until(
        "its start",
        () => sender.events.some(({ event }) => event === "started"),
      );
      editTree(source, random, 3);
      const seen = sender.events.length + random.below(6);
      await until("some event", () => sender.events.length >= seen);
      sender.kill("SIGKILL");
      await sender.ended;
    }
    await using last = startSync(source, target, args);
    await last.event("synced");
    await nextRound(last);
    await assertSameTree(source, target);
    last.kill("SIGTERM");
    assertEnded(await last.ended);
    assert(!exists(`${target}/.lockstep`), "staging is gone");
    for (const line of Deno.readTextFileSync(log).trimEnd().split("\n")) {
      assert(parseLogLine(line) !== undefined, line);
    }
    note("N4", "kills", KILLS);
  },
);
