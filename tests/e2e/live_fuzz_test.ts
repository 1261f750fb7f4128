/**
 * Frames that nobody has thought of, at processes with real disks: a receiver and
 * a hub, before the handshake and after it. They stay up, write nothing outside,
 * and serve the next one who comes.
 * LOCKSTEP_LIVE_FRAMES says how many frames in all.
 */
import { assert, assertEquals } from "@std/assert";
import { connectWebSocket } from "../../src/net/websocket.ts";
import { FrameType } from "../../src/protocol/frame.ts";
import { assertEnded } from "../support/carriers.ts";
import { writeTree } from "../support/disk_tree.ts";
import { FrameFuzzer, messageOf } from "../support/frame_fuzzer.ts";
import { FROZEN_FRAMES, frozenBytes } from "../support/frozen_frames.ts";
import { Ground } from "../support/hostile_ground.ts";
import { helloRecord } from "../support/hostile_peer.ts";
import { HOSTILE_PAYLOADS } from "../support/hostile_payloads.ts";
import { serve } from "../support/hub_program.ts";
import { visitHub } from "../support/hub_visitor.ts";
import { test } from "../support/needs.ts";
import { assertSameTree } from "../support/oracle.ts";
import { listen, sync } from "../support/program.ts";
import { note } from "../support/proof.ts";
import { Random, seedOr } from "../support/random.ts";
import { RawPeer } from "../support/session_pair.ts";
import { TempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";

/** Half of them for each kind of process. */
const FRAMES = Number(Deno.env.get("LOCKSTEP_LIVE_FRAMES") ?? 4_000) / 2;
const SEED = seedOr(606);
const MAX_RSS_MIB = 512;

/** Where these stand in a message. */
const TYPE_AT = 4;
const EXCHANGE_AT = 8;

const CORPUS = [
  ...FROZEN_FRAMES.map(frozenBytes),
  ...HOSTILE_PAYLOADS.map(([, type, hex]) =>
    messageOf(type, Uint8Array.fromHex(hex.replaceAll(/\s/g, "")))
  ),
];

/** One process under fire. */
interface Attacked {
  /** Where sessions are opened, by turns. */
  readonly urls: readonly string[];
  readonly pid: number;
}

/** Sends frames in sessions of some each; whoever closes them, it goes on. */
async function attack({ urls, pid }: Attacked): Promise<number> {
  const random = new Random(SEED);
  const fuzzer = new FrameFuzzer(random, CORPUS);
  let sent = 0;
  for (let session = 0; sent < FRAMES; session++) {
    const url = urls[session % urls.length]!;
    const peer = new RawPeer(await connectWebSocket(url));
    const where = `LOCKSTEP_SEED=${SEED}, session ${session}`;
    try {
      // Two of three shake hands first; of these, half are answered before they go on.
      const choice = random.below(6);
      if (choice >= 2) {
        const payload = helloRecord(1 + session % 9);
        await peer.send(FrameType.hello, { payload });
        if (choice >= 4) await peer.receive();
      }
      let exchange = 1;
      for (let left = random.between(1, 40); left > 0; left--) {
        const message = fuzzer.next();
        if (message[TYPE_AT]! >= 16 && random.below(4) > 0) {
          new DataView(message.buffer).setUint32(EXCHANGE_AT, exchange);
          exchange += 2;
        }
        await peer.sendMessage(message);
        sent++;
      }
    } catch {
      // It was closed, as it should be.
    } finally {
      peer.close();
    }
    assert(memoryOf(pid) < MAX_RSS_MIB, where);
  }
  return sent;
}

/** In MiB. @throws If the process is gone. */
function memoryOf(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) / 1_024;
}

test("N6: a receiver survives frames of all kinds, and serves who comes next", [
  "linux",
], async () => {
  await using ground = new Ground({ a: "a", dir: { b: "b" } });
  await using receiver = await listen(ground.target, ["--keep-listening"]);
  const { pid } = receiver;
  const sent = await attack({ urls: [receiver.url], pid });
  ground.canary.assertAlive();
  const source = ground.temp.directory("source");
  writeTree(source, { honest: "content", dir: { inner: "other" } });
  await until("the last session to be over", async () => {
    const { code } = await sync(source, receiver.url, ["--retry-for", "0"]);
    return code === 0;
  });
  await assertSameTree(source, ground.target);
  ground.canary.assertAlive();
  receiver.kill("SIGINT");
  const { code, stderr } = await receiver.ended;
  assertEquals([code, /^\s+at /m.test(stderr)], [130, false], stderr);
  note("N6", "live frames", sent);
});

test(
  "N6: a hub survives frames of all kinds, and keeps what it has",
  ["linux"],
  async () => {
    await using temp = new TempDir();
    await using hub = await serve(temp.at("data"), ["--no-auth"]);
    const source = temp.directory("source");
    writeTree(source, { a: "a", dir: { b: "b", large: "l".repeat(300_000) } });
    const engine = `${hub.url.replace("http", "ws")}/engine`;
    assertEnded(await sync(source, engine, ["--retry-for", "0"]));
    const { pid } = hub;
    const urls = [engine, `${engine}?role=source`];
    const sent = await attack({ urls, pid });
    const { session, files } = await visitHub(hub.url, 77);
    session.close();
    assert(files >= 1);
    for (const path of ["a", "dir/b", "dir/large"]) {
      const response = await fetch(`${hub.url}/download/${path}`);
      const text = await response.text();
      assertEquals(text, Deno.readTextFileSync(`${source}/${path}`), path);
    }
    hub.kill("SIGTERM");
    const { code, stderr } = await hub.ended;
    assertEquals([code, /^\s+at /m.test(stderr)], [0, false], stderr);
    note("N6", "live frames", sent);
  },
);
