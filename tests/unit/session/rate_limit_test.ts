import { assert, assertEquals } from "@std/assert";
import { memoryTransports } from "../../../src/net/memory_transport.ts";
import { FrameType } from "../../../src/protocol/frame.ts";
import {
  MAX_WINDOW_BYTES,
  MIN_WINDOW_BYTES,
} from "../../../src/protocol/limits.ts";
import { writeHello } from "../../../src/protocol/session_codec.ts";
import { SUPPORTED_VERSIONS } from "../../../src/protocol/version.ts";
import type { Exchange } from "../../../src/session/exchange.ts";
import {
  frameBytesAt,
  MIN_RATE,
  rateAskedFor,
  rateCapabilities,
} from "../../../src/session/rate_limit.ts";
import { awaitHello, openSession } from "../../../src/session/open_session.ts";
import type { Session } from "../../../src/session/session.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { bytesOf, party, RawPeer } from "../../support/session_pair.ts";

/** Two sessions, each held to what is said. */
async function limited(
  limits: { readonly client?: number; readonly server?: number },
): Promise<{ clock: FakeClock; client: Session; server: Session }> {
  const clock = new FakeClock();
  const [near, far] = memoryTransports();
  const [client, server] = await Promise.all([
    openSession(near, party(1), { clock, ...limitOf(limits.client) }),
    awaitHello(far, { clock, ...limitOf(limits.server) })
      .then((pending) => pending.accept(party(2))),
  ]);
  return { clock, client, server };
}

function limitOf(limit: number | undefined): { limit?: number } {
  return limit === undefined ? {} : { limit };
}

/** Sends `count` frames of 1,000 bytes, as fast as it goes. */
async function sendFrames(exchange: Exchange, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    exchange.page.raw(new Uint8Array(1_000));
    await exchange.send(FrameType.content, { end: i === count - 1 });
  }
}

/** Takes all that the peer's first exchange brings. */
async function takeAll(session: Session): Promise<void> {
  for await (const exchange of session.asked()) {
    for (;;) if (await exchange.receive() === undefined) return;
  }
}

for (
  const [who, limits] of [
    ["the sender", { client: 10_000 }],
    ["the receiver", { server: 10_000 }],
    ["both", { client: 20_000, server: 10_000 }],
  ] as const
) {
  Deno.test(`a session sends as fast as ${who} will have it, and no faster`, async () => {
    const { clock, client, server } = await limited(limits);
    const before = client.counts.sent;
    const taking = takeAll(server);
    const sending = sendFrames(client.open(), 40);
    let last = 0;
    for (let ms = 0; ms <= 4_000; ms += 100) {
      const sent = client.counts.sent - before;
      const most = 2_100 + 10 * ms;
      assert(sent <= most, `${sent} bytes after ${ms} ms`);
      assert(sent >= 10 * ms - 1_100, `only ${sent} bytes after ${ms} ms`);
      assert(sent - last <= 3_100, "a jump");
      last = sent;
      await clock.advance(100);
    }
    await clock.advance(500);
    await sending;
    await taking;
    client.close();
    server.close();
    assertEquals(clock.timers, 0);
  });
}

Deno.test("a peer that knows nothing of rates is granted no more than the rate", async () => {
  const clock = new FakeClock();
  const [near, far] = memoryTransports();
  const raw = new RawPeer(near);
  const waiting = awaitHello(far, { clock, limit: 100_000 });
  const payload = bytesOf((writer) =>
    writeHello(writer, SUPPORTED_VERSIONS, {
      ...party(1),
      windowBytes: MAX_WINDOW_BYTES,
      capabilities: [],
    })
  );
  await raw.send(FrameType.hello, { payload });
  const session = await (await waiting).accept(party(2));
  const taking = takeAll(session);
  const frame = { exchange: 1, payload: new Uint8Array(100_000) };
  for (let i = 0; i < 10; i++) await raw.send(FrameType.stage, frame);
  await settle();
  let granted = 0;
  const hearing = (async () => {
    for (;;) {
      const { payload } = await raw.receiveType(FrameType.credit);
      granted += varint(payload);
    }
  })().catch(() => {});
  let inFirstSecond = 0;
  for (let ms = 100; ms <= 5_000; ms += 100) {
    await clock.advance(100);
    assert(granted <= 20_000 + 100 * ms, `${granted} bytes after ${ms} ms`);
    if (ms === 1_000) inFirstSecond = granted;
  }
  assert(inFirstSecond > 80_000, `${inFirstSecond} bytes in the first second`);
  assert(granted > 480_000, `${granted} bytes`);
  assert(granted < MIN_WINDOW_BYTES);
  session.close();
  await taking.catch(() => {});
  raw.close();
  await hearing;
  assertEquals(clock.timers, 0);
});

Deno.test("a session that is slow on purpose lives, however long that takes", async () => {
  const { clock, client, server } = await limited({ client: MIN_RATE });
  const taking = takeAll(server);
  const exchange = client.open();
  // One frame that takes four minutes, and others after it.
  exchange.page.raw(new Uint8Array(250_000));
  await exchange.send(FrameType.stage, { end: false });
  const sending = sendFrames(exchange, 100);
  await clock.advance(400_000);
  assertEquals([client.signal.aborted, server.signal.aborted], [false, false]);
  await sending;
  await taking;
  client.close();
  server.close();
});

Deno.test("closing a session fails whoever waits for its limit", async () => {
  const { clock, client, server } = await limited({ client: 10_000 });
  const failed = sendFrames(client.open(), 100).then(
    () => "sent",
    () => "failed",
  );
  await clock.advance(1_000);
  client.close();
  assertEquals(await failed, "failed");
  server.close();
  await clock.advance(10_000);
  assertEquals(clock.timers, 0);
});

Deno.test("a rate is said and read as a capability; nonsense says nothing", () => {
  assertEquals(rateCapabilities(Infinity), []);
  assertEquals(rateCapabilities(10_240.5), ["rate=10240"]);
  const cases: [string[], number][] = [
    [["zstd", "rate=10240"], 10_240],
    [["rate=1"], MIN_RATE],
    [[], Infinity],
    [
      ["rate=", "rate=x", "rate=-5", "rate=1e9", `rate=${"9".repeat(16)}`],
      Infinity,
    ],
  ];
  for (const [capabilities, rate] of cases) {
    assertEquals(rateAskedFor(new Set(capabilities)), rate, `${capabilities}`);
  }
});

Deno.test("frameBytesAt() is a tenth of a second's worth, in bounds", () => {
  assertEquals(frameBytesAt(1_024), 1_024);
  assertEquals(frameBytesAt(100_000), 10_000);
  assertEquals(frameBytesAt(1e12), frameBytesAt(Infinity));
});

function varint(bytes: Uint8Array): number {
  let value = 0;
  for (const [i, byte] of bytes.entries()) value += (byte & 127) * 128 ** i;
  return value;
}
