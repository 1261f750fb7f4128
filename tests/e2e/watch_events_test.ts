/** What a watch makes of floods of events, and of events that come to nothing. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { shell } from "../support/command.ts";
import { test } from "../support/needs.ts";
import { startSync } from "../support/program.ts";
import { assertSameTree } from "../support/oracle.ts";
import { until } from "../support/until.ts";
import { Watching } from "../support/watching.ts";

/** More than the kernel's queue of events takes while nobody reads it. */
const FLOOD = 20_000;

test(
  "H01, H03: a queue of events that overflows while the sender stands still loses nothing",
  [
    "bash",
    "signals",
  ],
  async () => {
    await using watching = await Watching.start({
      sync: ["--rescan", "2s"],
      prepare: (source) => Deno.mkdirSync(join(source, "dir")),
    });
    const { source, sender } = watching;
    sender.kill("SIGSTOP");
    await shell(
      `cd "$1/dir"; i=0; while [ $i -lt ${FLOOD} ]; do : > "f$((i % 100))"; i=$((i+1)); done`,
      source,
    );
    Deno.writeTextFileSync(join(source, "last"), "came when there was no room");
    sender.kill("SIGCONT");
    await watching.equal();
    await watching.stop();
  },
);

test("H02: an edit while the watch reads a large tree is not lost", [
  "bash",
], async () => {
  await using watching = await Watching.start({
    sync: ["--checksum", "--rescan", "200ms"],
    prepare: (source) => {
      for (let i = 0; i < 4_000; i++) {
        if (i % 100 === 0) Deno.mkdirSync(join(source, `d${i / 100}`));
        const directory = `d${Math.floor(i / 100)}`;
        Deno.writeTextFileSync(join(source, directory, `f${i}`), `${i}`);
      }
    },
  });
  const { source } = watching;
  for (let i = 0; i < 10; i++) {
    Deno.writeTextFileSync(join(source, `d${i}/edited`), `edit ${i}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await watching.equal();
  await watching.stop();
});

test(
  "H07: what is created, renamed and deleted at once settles to the last state",
  [
    "bash",
  ],
  async () => {
    await using watching = await Watching.start();
    await shell(
      `cd "$1"; i=0; while [ $i -lt 600 ]; do
      : > new; mv new "name$((i % 7))"; [ $((i % 3)) = 0 ] && rm -f "name$((i % 5))"
      i=$((i+1)); done`,
      watching.source,
    );
    await watching.equal();
    await watching.stop();
  },
);

test(
  "H07: what is written to a file by a name that goes at once is seen at its other name",
  [
    "rsync",
    "signals",
  ],
  async () => {
    await using watching = await Watching.start({
      sync: ["--rescan", "0"],
      prepare: (source) => {
        Deno.mkdirSync(join(source, "dir"));
        Deno.writeTextFileSync(join(source, "stays"), "old");
        Deno.linkSync(join(source, "stays"), join(source, "dir/goes"));
      },
    });
    const { source, target } = watching;
    Deno.writeTextFileSync(join(source, "dir/goes"), "new content");
    Deno.removeSync(join(source, "dir"), { recursive: true });
    await watching.equal();
    assertEquals(Deno.readTextFileSync(join(target, "stays")), "new content");
    await watching.stop();
  },
);

test("H11: what the target writes is no news, not even in a chain of watches", [
  "rsync",
], async () => {
  await using watching = await Watching.start();
  const { source, target, temp } = watching;
  const third = temp.at("third");
  await using next = startSync(target, third, ["--watch", "--no-state"]);
  await next.event("synced");
  Deno.writeTextFileSync(join(source, "file"), "one");
  await watching.equal();
  await until("the third to be equal", async () => {
    try {
      await assertSameTree(target, third);
      return true;
    } catch {
      return false;
    }
  });
  const rounds = (): number =>
    [watching.sender, next].flatMap(({ events }) => events)
      .filter(({ event }) => event === "synced").length;
  const before = rounds();
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  assertEquals(rounds(), before);
  next.kill("SIGTERM");
  assertEquals((await next.ended).code, 0);
  await watching.stop();
});

test("H12: a flood of events in what is ignored keeps nothing else waiting", [
  "bash",
  "signals",
], async () => {
  await using watching = await Watching.start({
    sync: ["--exclude", "ignored"],
    prepare: (source) => Deno.mkdirSync(join(source, "ignored")),
  });
  const { source, target, sender } = watching;
  const flood = shell(
    `cd "$1/ignored"; i=0; while [ $i -lt 30000 ]; do : > "f$((i % 50))"; i=$((i+1)); done`,
    source,
  );
  for (let i = 0; i < 5; i++) {
    Deno.writeTextFileSync(join(source, "file"), `edit ${i}`);
    await until(`edit ${i} at the target`, () => {
      try {
        return Deno.readTextFileSync(join(target, "file")) === `edit ${i}`;
      } catch {
        return false;
      }
    });
  }
  await flood;
  await watching.stop();
  const rounds = sender.events.filter(({ event }) => event === "synced");
  assert(rounds.length <= 20, `${rounds.length} rounds`);
});

test(
  "H14: a second watch to the same listener is told that it is busy",
  [],
  async () => {
    await using watching = await Watching.start();
    const { url } = watching.receiver;
    await using second = startSync(watching.source, url, [
      "--watch",
      "--retry-for",
      "0",
    ]);
    const { code, stderr } = await second.ended;
    assertEquals(code, 5, stderr);
    Deno.writeTextFileSync(join(watching.source, "file"), "still served");
    await watching.equal();
    await watching.stop();
  },
);
