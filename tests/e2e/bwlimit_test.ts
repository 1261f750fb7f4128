/** `--bwlimit`: what goes over the wire, seen by a proxy that counts it. */
import { assert } from "@std/assert";
import { assertEnded } from "../support/carriers.ts";
import { writeTree } from "../support/disk_tree.ts";
import { assertSameTree } from "../support/oracle.ts";
import {
  type Ended,
  listen,
  run,
  startSync,
  sync,
} from "../support/program.ts";
import { Random } from "../support/random.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { TempDir } from "../support/temp.ts";

const SAMPLE_MS = 50;

/** What had passed at a moment, to both sides. */
interface Sample {
  readonly ms: number;
  readonly bytes: number;
}

/** Looks at what `proxy` has passed until `running` ends. */
async function watch(
  proxy: TcpProxy,
  running: Promise<Ended>,
): Promise<{ samples: Sample[]; ended: Ended }> {
  const samples: Sample[] = [];
  let isOver = false;
  const over = running.finally(() => isOver = true);
  while (!isOver) {
    samples.push({ ms: performance.now(), bytes: proxy.counts.toServer });
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
  }
  return { samples, ended: await over };
}

/** The most that passed within any stretch of about `ms`, by the second. */
function fastest(samples: readonly Sample[], ms: number): number {
  let most = 0;
  for (const [i, from] of samples.entries()) {
    const to = samples.slice(i).find((sample) => sample.ms >= from.ms + ms);
    if (to === undefined) break;
    const rate = (to.bytes - from.bytes) / (to.ms - from.ms) * 1000;
    most = Math.max(most, rate);
  }
  return most;
}

const RATE = 300_000;

for (
  const [who, limits] of [
    ["the sender", { sync: ["--bwlimit", "300KB"], listen: [] }],
    ["the receiver", { sync: [], listen: ["--bwlimit", "300KB"] }],
  ] as const
) {
  for (const compress of ["auto", "off"]) {
    Deno.test(`--bwlimit of ${who} holds content to its rate, and brings all of it (--compress ${compress})`, async () => {
      await using temp = new TempDir();
      const source = temp.directory("source");
      const random = new Random(7);
      writeTree(source, {
        large: random.bytes(700_000),
        text: "some line that shrinks\n".repeat(60_000),
        many: Object.fromEntries(
          Array.from({ length: 100 }, (_, i) => [`${i}`, random.bytes(4_000)]),
        ),
      });
      await using receiver = await listen(temp.at("target"), limits.listen);
      await using proxy = new TcpProxy(receiver.port);
      await using sender = startSync(source, proxy.url, [
        ...["--compress", compress],
        ...limits.sync,
      ]);
      const { samples, ended } = await watch(proxy, sender.ended);
      assertEnded(ended);
      assertEnded(await receiver.ended);
      await assertSameTree(source, temp.at("target"));
      const rate = fastest(samples, 1_000);
      assert(rate > 0, "it took over a second");
      // A burst of 200 ms may fall into the second, and a timer may be late.
      assert(rate < 1.4 * RATE, `${rate} bytes within a second`);
    });
  }
}

Deno.test("a session at 10 KiB a second is not taken for dead", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  writeTree(source, { noise: new Random(8).bytes(175_000) });
  await using receiver = await listen(temp.at("target"));
  await using proxy = new TcpProxy(receiver.port);
  await using sender = startSync(source, proxy.url, [
    ...["--bwlimit", "10K", "--retry-for", "0"],
  ]);
  const { samples, ended } = await watch(proxy, sender.ended);
  assertEnded(ended);
  assertEnded(await receiver.ended);
  await assertSameTree(source, temp.at("target"));
  assert(proxy.counts.connections === 1, "one connection did it");
  const rate = fastest(samples, 2_000);
  assert(rate > 0 && rate < 1.4 * 10_240, `${rate} bytes in a second`);
});

Deno.test("options for connections are refused where the target is a directory", async () => {
  await using temp = new TempDir();
  const source = temp.directory("source");
  const target = temp.at("target");
  for (const option of ["--bwlimit=1M", "--bwlimit=0", "--compress=auto"]) {
    for (const more of [[], ["--dry-run"]]) {
      const ended = await run(
        ["sync", "--from", source, "--to", target, option, ...more],
      );
      assertEnded(ended, 2);
      const name = option.split("=")[0]!;
      assert(
        ended.stderr.includes(`${name} is for connections`),
        ended.stderr,
      );
    }
  }
  assertEnded(await sync(source, target));
});
