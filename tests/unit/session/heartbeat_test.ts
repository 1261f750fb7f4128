import { assert, assertEquals } from "@std/assert";
import { TransportError } from "../../../src/errors.ts";
import { FrameType } from "../../../src/protocol/frame.ts";
import { PAGE_HEADER_BYTES } from "../../../src/protocol/limits.ts";
import { Heartbeat } from "../../../src/session/heartbeat.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { sessionPair } from "../../support/session_pair.ts";

Deno.test("D13: An idle session stays alive on pings", async () => {
  const { client, server, clock } = await sessionPair();
  const before = client.counts.sent;
  await clock.advance(120_000);
  assert(!client.signal.aborted && !server.signal.aborted);
  const pings = (client.counts.sent - before) / PAGE_HEADER_BYTES;
  assert(pings >= 15 && pings <= 24, `${pings} pings in two minutes`);
  client.close();
  server.close();
  assertEquals(clock.timers, 0);
});

Deno.test("A peer that falls silent is dead after 15 s, and the session free at once", async () => {
  const { client, server, clock } = await sessionPair({
    back: { dropFromMessage: 1 },
  });
  const asking = client.open();
  const received = asking.receive().catch((error) => error);
  await clock.advance(14_000);
  assert(!client.signal.aborted);
  await clock.advance(2_000);
  assert(client.signal.aborted);
  const error = await received;
  assert(error instanceof TransportError);
  assertEquals(error.code, "connection-lost");
  server.close();
});

Deno.test("A peer is dead 15 s after it was heard last, whenever that was", async () => {
  const clock = new FakeClock();
  const told: string[] = [];
  const heartbeat = new Heartbeat(clock, {
    sendPing: () => {},
    waiting: () => false,
    onDead: (reason) => told.push(reason),
  });
  await clock.advance(300);
  heartbeat.heard();
  await clock.advance(14_999);
  assertEquals(told, []);
  await clock.advance(1);
  assertEquals(told, ["nothing was heard for 15 s"]);
  assertEquals(clock.timers, 0);
});

Deno.test("A heartbeat that is stopped by its own ping leaves no timer behind", async () => {
  const clock = new FakeClock();
  let pings = 0;
  let stop = (): void => {};
  const heartbeat = new Heartbeat(clock, {
    sendPing(): void {
      pings++;
      stop();
    },
    waiting: () => false,
    onDead: () => {},
  });
  stop = () => heartbeat.stop();
  await clock.advance(5_000);
  assertEquals([pings, clock.timers], [1, 0]);
});

Deno.test("A pause of our own process is not held against the peer", async () => {
  const { client, server, clock } = await sessionPair();
  await clock.advance(3_000);
  await clock.stall(600_000);
  assert(!client.signal.aborted && !server.signal.aborted);
  await clock.advance(30_000);
  assert(!client.signal.aborted && !server.signal.aborted);
  client.close();
  server.close();
});

Deno.test("A peer that lives but never takes anything is given up after 5 minutes", async () => {
  const { client, server, clock } = await sessionPair();
  const asking = client.open();
  const sending = (async () => {
    for (;;) {
      asking.page.raw(new Uint8Array(200_000));
      await asking.send(FrameType.content, { end: false });
    }
  })().catch((error) => error);
  await settle();
  await clock.advance(290_000);
  assert(!client.signal.aborted);
  await clock.advance(20_000);
  assert(client.signal.aborted);
  assert(await sending instanceof TransportError);
  server.close();
});

Deno.test("A long wait for the peer's answer is no stall", async () => {
  const { client, server, clock } = await sessionPair();
  await client.open().send(FrameType.scan, { end: true });
  await clock.advance(3_600_000);
  assert(!client.signal.aborted && !server.signal.aborted);
  client.close();
  server.close();
});
