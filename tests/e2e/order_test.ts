/** Small before large: what is small does not wait, and what is large is not lost. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { assertEnded } from "../support/carriers.ts";
import { exists } from "../support/disk_tree.ts";
import { test } from "../support/needs.ts";
import { assertSameTree } from "../support/oracle.ts";
import { listen, startSync } from "../support/program.ts";
import { Random } from "../support/random.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { TempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { Watching } from "../support/watching.ts";

const MIB = 1024 * 1024;
const SIZE = 80 * MIB;

function writeLarge(path: string, seed: number): void {
  const random = new Random(seed);
  using file = Deno.openSync(path, { create: true, write: true });
  for (let at = 0; at < SIZE; at += MIB) {
    const bytes = random.bytes(MIB);
    for (let done = 0; done < bytes.length;) {
      done += file.writeSync(bytes.subarray(done));
    }
  }
}

/** How much of the file `name` is staged in `target`. */
function staged(target: string, name: string): number {
  try {
    return Deno.statSync(join(target, ".lockstep/stage", name)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

const LIMIT = ["--bwlimit", "20MB", "--compress", "off"];

test(
  "what is small is there while what is large is on its way; who is killed then goes on there",
  [
    "rsync",
  ],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.at("target");
    Deno.mkdirSync(join(source, "dir"));
    writeLarge(join(source, "dir/a large one"), 1);
    Deno.writeTextFileSync(join(source, "dir/small"), "1");
    Deno.writeTextFileSync(join(source, "z"), "2");
    Deno.mkdirSync(join(target, "dir"), { recursive: true });
    {
      await using receiver = await listen(target);
      await using sender = startSync(source, receiver.url, LIMIT);
      await until(
        "much of it",
        () => staged(target, "dir/a large one") > 30 * MIB,
      );
      assertEquals(Deno.readTextFileSync(join(target, "dir/small")), "1");
      assertEquals(Deno.readTextFileSync(join(target, "z")), "2");
      assert(!exists(join(target, "dir/a large one")));
      sender.kill("SIGKILL");
      await sender.ended;
      await receiver.event("waiting");
    }
    // What is new since then comes first, and does no harm to what was staged.
    Deno.writeTextFileSync(join(source, "new"), "3");
    Deno.removeSync(join(source, "z"));
    await using receiver = await listen(target);
    await using proxy = new TcpProxy(receiver.port);
    await using sender = startSync(source, proxy.url, ["--compress", "off"]);
    assertEnded(await sender.ended);
    assertEnded(await receiver.ended);
    await assertSameTree(source, target);
    assert(!exists(join(target, ".lockstep")));
    const sent = proxy.counts.toServer;
    assert(sent < SIZE - 25 * MIB, `${sent} bytes were sent`);
  },
);

test(
  "a connection that breaks on the way of what is large loses nothing, in the tree, in the log and in the totals",
  [
    "rsync",
  ],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.at("target");
    const log = temp.at("log");
    writeLarge(join(source, "large"), 3);
    Deno.writeTextFileSync(join(source, "small"), "1");
    await using receiver = await listen(target);
    await using proxy = new TcpProxy(
      receiver.port,
      (i) => i === 0 ? { toServer: { cutAfter: 30 * MIB } } : {},
    );
    await using sender = startSync(source, proxy.url, [
      ...["--compress", "off", "--log-file", log],
    ]);
    const ended = await sender.ended;
    assertEnded(ended);
    assertEnded(await receiver.ended);
    await assertSameTree(source, target);
    assertEquals(proxy.counts.connections, 2);
    const done = ended.events.findLast(({ event }) => event === "done")!;
    assertEquals([done.created, done.files], [2, 2]);
    const lines = Deno.readTextFileSync(log).trimEnd().split("\n");
    assertEquals(
      lines.map((line) => line.split(" "))
        .map(([, name, , path]) => `${name} ${path}`)
        .filter((line) => line.startsWith("create")),
      ['create "small"', 'create "large"'],
    );
  },
);

test(
  "sync --watch brings small edits while something large is on its way, and that comes to its end",
  [
    "rsync",
  ],
  async () => {
    await using watching = await Watching.start({
      sync: [...LIMIT, "--no-state"],
      prepare: (source) => Deno.writeTextFileSync(join(source, "first"), "1"),
    });
    const { source, target, temp, sender } = watching;
    const before =
      sender.events.filter(({ event }) => event === "synced").length;
    // Edits go on until it is there: they must not keep it off for ever.
    writeLarge(temp.at("large"), 2);
    Deno.renameSync(temp.at("large"), join(source, "large"));
    let edits = 0;
    let during = 0;
    await until("some of it", () => staged(target, "large") > 0);
    while (!exists(join(target, "large"))) {
      const name = `edit ${edits++}`;
      Deno.writeTextFileSync(join(source, name), name);
      await until(`${name} to arrive`, () => exists(join(target, name)));
      if (!exists(join(target, "large"))) during++;
    }
    assert(during > 0, "no edit arrived before the large file");
    await watching.equal();
    const rounds = sender.events.filter(({ event }) => event === "synced");
    // A round that is broken off is not over.
    const large = rounds.slice(before).filter(({ bytes }) =>
      Number(bytes) > SIZE / 2
    );
    assertEquals(large.length, 1);
    await watching.stop();
    assert(!exists(join(target, ".lockstep")));
  },
);
