/** What networks and clocks do, beside what `network_test.ts` has of it. */
import { assert, assertEquals } from "@std/assert";
import { assertEnded, assertIdle } from "../support/carriers.ts";
import { exists, writeTree } from "../support/disk_tree.ts";
import { assertSameTree } from "../support/oracle.ts";
import { listen, startSync, sync } from "../support/program.ts";
import { Random } from "../support/random.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { TempDir } from "../support/temp.ts";
import { WebSocketProxy } from "../support/websocket_proxy.ts";
import { EXECUTABLE, withClock } from "../support/wrong_clock.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const HOUR_MS = 3_600_000;
const TEN_YEARS_MS = 10 * 365 * 24 * HOUR_MS;

Deno.test("D07: a trickle of bytes is no fault, and progress is told", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  writeTree(source, {
    file: new Random(72).bytes(12 * KIB),
    directory: { small: "small" },
  });
  await using receiver = await listen(temp.at("target"));
  const lane = { delayMs: 300, bytesPerSecond: 4 * KIB };
  await using proxy = new TcpProxy(receiver.port, () => ({
    toServer: lane,
    toClient: lane,
  }));
  const ended = await sync(source, proxy.url, ["--retry-for", "0"]);
  assertEnded(ended);
  assertEnded(await receiver.ended);
  await assertSameTree(source, temp.at("target"));
  assert(ended.events.some(({ event }) => event === "progress"), ended.stdout);
  assertEquals(proxy.counts.connections, 1);
});

Deno.test("D13: no message is longer than a proxy may take", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  const many = Array.from({ length: 5_000 }, (_, i) => [`${i}`, `file ${i}`]);
  writeTree(source, {
    big: new Random(73).bytes(4 * MIB),
    many: Object.fromEntries(many),
  });
  await using receiver = await listen(temp.at("target"), ["--keep-listening"]);
  await using proxy = new WebSocketProxy(receiver.port, 256 * KIB);
  assertEnded(await sync(source, proxy.url, ["--retry-for", "0"]));
  await assertSameTree(source, temp.at("target"));
  assertIdle(await sync(source, proxy.url));
  const { toServer, toClient } = proxy.longest;
  assert(toServer > 100 * KIB, `the longest message has ${toServer} bytes`);
  assert(Math.max(toServer, toClient) <= 256 * KIB);
});

Deno.test({
  name: "D15: a peer whose clock is ten years off gets and gives the same tree",
  ignore: EXECUTABLE,
  async fn(): Promise<void> {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    writeTree(source, { older: "source", newer: "source", only: { s: "s" } });
    writeTree(target, { older: "target!", newer: "target!", only: { t: "t" } });
    Deno.utimeSync(`${source}/older`, 1e9, 1e9);
    Deno.utimeSync(`${target}/newer`, 1e9, 1e9);
    for (const shift of [TEN_YEARS_MS, -TEN_YEARS_MS]) {
      await using receiver = await listen(
        target,
        ["--keep-listening"],
        withClock(String(shift)),
      );
      const options = withClock(String(-shift));
      assertEnded(await sync(source, receiver.url, [], options));
      await assertSameTree(source, target);
      assertIdle(await sync(source, receiver.url, [], options));
      writeTree(source, { newer: `after ${shift}` });
    }
  },
});

Deno.test({
  name: "D16: a clock that jumps back an hour during a run changes nothing",
  ignore: EXECUTABLE,
  async fn(): Promise<void> {
    await using temp = new TempDir();
    const source = temp.directory("source");
    const target = temp.directory("target");
    writeTree(source, { big: new Random(74).bytes(8 * MIB), d: { e: "e" } });
    const options = withClock(`1000:${-HOUR_MS}`);
    await using receiver = await listen(target, [], options);
    await using proxy = new TcpProxy(receiver.port, () => ({
      toServer: { bytesPerSecond: 4 * MIB },
    }));
    await using sender = startSync(
      source,
      proxy.url,
      ["--retry-for", "0"],
      options,
    );
    const ended = await sender.ended;
    assertEnded(ended);
    assertEnded(await receiver.ended);
    // The jump was within the run, and is seen in what it says.
    const times = ended.events.map(({ time }) => Date.parse(String(time)));
    assert(times.some((time, i) => i > 0 && time < times[i - 1]!), "no jump");
    await assertSameTree(source, target);
    assert(!exists(`${target}/.lockstep`));
    assertIdle(await sync(source, target));
  },
});
