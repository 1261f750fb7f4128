/** `lockstep clean`, and what runs remove of what others have left. */
import { assert, assertEquals } from "@std/assert";
import { assertEnded } from "../support/carriers.ts";
import { exists, namesIn, writeTree } from "../support/disk_tree.ts";
import { test } from "../support/needs.ts";
import { assertSameTree } from "../support/oracle.ts";
import {
  type Ended,
  listen,
  run,
  startSync,
  sync,
} from "../support/program.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { TempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { EXECUTABLE, withClock } from "../support/wrong_clock.ts";

const EIGHT_DAYS_MS = 8 * 24 * 3_600_000;

/** What a run left that was broken off, beside what has to stay. */
const LEFT = {
  mine: "content",
  ".lockstep": {
    lock: "",
    stage: { a: "12345", d: { b: "123" } },
    kept: { "0": "changed meanwhile" },
    trash: { note: "thrown away" },
  },
};

function clean(directory: string, ...args: string[]): Promise<Ended> {
  return run(["clean", directory, ...args]);
}

Deno.test("clean removes what is staged, says how much it was, and leaves all else", async () => {
  await using temp = new TempDir();
  const target = temp.at("target");
  writeTree(target, LEFT);
  const own = temp.at("target", ".lockstep");

  const looked = await clean(target, "--dry-run");
  assertEnded(looked);
  assertEquals(looked.stdout, "Would remove 2 staged files, 8 B");
  assertEquals(namesIn(own), ["kept", "lock", "stage", "trash"]);

  const cleaned = await clean(target, "--json");
  assertEnded(cleaned);
  const { event, files, bytes, dryRun } = cleaned.events[0]!;
  assertEquals(
    { event, files, bytes, dryRun },
    { event: "cleaned", files: 2, bytes: 8, dryRun: false },
  );
  assertEquals(namesIn(own), ["kept", "trash"]);
  assertEquals(Deno.readTextFileSync(temp.at("target", "mine")), "content");

  const again = await clean(target);
  assertEnded(again);
  assertEquals(again.stdout, "There is nothing to remove");
  const missing = await clean(temp.at("missing"));
  assertEnded(missing, 1);
  assertEquals(missing.stderr.trimEnd().split("\n").length, 1);
  assertEnded(await run(["clean"]), 2);
});

Deno.test("clean refuses where another Lockstep is at work, in one line, also to look", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  const target = temp.at("target");
  writeTree(source, { large: new Uint8Array(5_000_000).fill(1) });
  await using receiver = await listen(target);
  // Slow enough that it is at work for seconds.
  await using proxy = new TcpProxy(
    receiver.port,
    () => ({ toServer: { bytesPerSecond: 1_500_000 } }),
  );
  await using sender = startSync(source, proxy.url, ["--compress", "off"]);
  await until("content", () => exists(`${target}/.lockstep/stage/large`));
  for (const args of [["--dry-run"], []]) {
    const refused = await clean(target, ...args);
    assertEnded(refused, 1);
    const line = /^lockstep: .*another Lockstep is at work there\n?$/;
    assert(line.test(refused.stderr), refused.stderr);
  }
  assertEnded(await sender.ended);
  await assertSameTree(source, target);
});

test(
  "clean puts back first what a killed run had taken out of its place",
  ["linux"],
  async () => {
    await using temp = new TempDir();
    const source = temp.directory("source");
    writeTree(source, { new: "new", stays: "new content" });
    let foundHeld = false;
    for (let call = 1; !foundHeld; call++) {
      const target = temp.at(`target${call}`);
      writeTree(target, { gone1: "1", gone2: "2", stays: "old" });
      const killed = await sync(source, target, [], {
        env: { LOCKSTEP_FAULT: `change:${call}:kill` },
      });
      assertEquals(killed.signal, "SIGKILL", "no kill left a file held");
      foundHeld = !exists(`${target}/gone1`);
      assertEnded(await clean(target));
      assertEquals(Deno.readTextFileSync(`${target}/gone1`), "1");
      assertEquals(Deno.readTextFileSync(`${target}/gone2`), "2");
      assert(exists(`${target}/stays`));
      assert(!exists(`${target}/.lockstep`), "all is gone");
      assertEnded(await sync(source, target));
      await assertSameTree(source, target);
    }
  },
);

Deno.test({
  name:
    "a run removes what was staged over 7 days ago, and takes up what is newer",
  ignore: EXECUTABLE,
  async fn(): Promise<void> {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const content = new Uint8Array(3_000_000).fill(7);
    writeTree(source, { large: content });
    for (const isOld of [false, true]) {
      const options = isOld ? withClock(String(EIGHT_DAYS_MS)) : {};
      const target = temp.at(`target ${isOld}`);
      const staged = `${target}/.lockstep/stage`;
      writeTree(target, {
        ".lockstep": { stage: { large: content.slice(0, 2_000_000) } },
      });
      {
        await using receiver = await listen(target, [], options);
        assertEquals(exists(staged), !isOld);
        const sent = await sync(source, receiver.url, ["--compress", "off"]);
        assertEnded(sent);
        const { sent: bytes } = sent.events.at(-1)!;
        assertEquals(Number(bytes) < 1_500_000, !isOld, `${bytes} bytes`);
        assertEnded(await receiver.ended);
      }
      await assertSameTree(source, target);
      assert(!exists(`${target}/.lockstep`));
    }
  },
});
