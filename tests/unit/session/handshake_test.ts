import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ProtocolError, TransportError } from "../../../src/errors.ts";
import { memoryTransports } from "../../../src/net/memory_transport.ts";
import { FrameType } from "../../../src/protocol/frame.ts";
import { MAX_WINDOW_BYTES } from "../../../src/protocol/limits.ts";
import { writeHello } from "../../../src/protocol/session_codec.ts";
import type { VersionRange } from "../../../src/protocol/version.ts";
import { awaitHello, openSession } from "../../../src/session/open_session.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { bytesOf, party, RawPeer } from "../../support/session_pair.ts";
import { sealed } from "../../support/wire_message.ts";

function hello(versions: VersionRange, software = "test/1"): Uint8Array {
  return bytesOf((writer) =>
    writeHello(writer, versions, {
      ...party(1),
      software,
      windowBytes: MAX_WINDOW_BYTES,
      capabilities: ["from-the-future"],
    })
  );
}

Deno.test("A version that this side does not speak is refused, naming both", async () => {
  const clock = new FakeClock();
  const [near, far] = memoryTransports();
  const raw = new RawPeer(near);
  const waiting = awaitHello(far, { clock });
  // Whatever follows the versions in a hello of the future is not looked at.
  const future = hello({ min: 7, max: 9 }).slice(0, 12);
  await raw.send(FrameType.hello, { payload: future });
  const error = await assertRejects(() => waiting, ProtocolError);
  assertEquals(error.code, "version");
  const { payload } = await raw.receiveType(FrameType.refuse);
  const text = new TextDecoder().decode(payload);
  assertStringIncludes(text, "version 7 to 9");
  assertStringIncludes(text, "this side speaks 1");
  assertEquals(await raw.receive(), undefined);
  assertEquals(clock.timers, 0);
});

Deno.test("A newer peer that still speaks our version is let in", async () => {
  const clock = new FakeClock();
  const [near, far] = memoryTransports();
  const raw = new RawPeer(near);
  await raw.send(FrameType.hello, { payload: hello({ min: 1, max: 5 }) });
  const { peer } = await awaitHello(far, { clock });
  assertEquals(peer.version, 1);
  assertEquals(peer.capabilities.has("from-the-future"), true);
  raw.close();
});

Deno.test("A refusal reaches the client with its code and words", async () => {
  for (const code of ["busy", "version", "refused"] as const) {
    const clock = new FakeClock();
    const [near, far] = memoryTransports();
    const opening = openSession(near, party(), { clock });
    const pending = await awaitHello(far, { clock });
    const [error] = await Promise.all([
      assertRejects(() => opening, ProtocolError, "Somebody is here"),
      pending.refuse(code, "Somebody is here"),
    ]);
    assertEquals(error.code, code);
    assertEquals(clock.timers, 0);
  }
});

Deno.test("Whoever does not introduce itself within 10 s is cut off", async () => {
  const clock = new FakeClock();
  const [near, far] = memoryTransports();
  const waiting = awaitHello(far, { clock }).catch((error) => error);
  const opening = openSession(near, party(), {
    clock: new FakeClock(),
  }).catch((error) => error);
  await settle();
  await clock.advance(10_000);
  // The client's hello was there in time: it is the server that does not answer.
  const pending = await waiting;
  assertEquals(pending.peer.software, "test/1");
  await pending.refuse("refused", "no");
  await opening;

  const [silent, alone] = memoryTransports();
  const raw = new RawPeer(silent);
  const error = awaitHello(alone, { clock }).catch((error) => error);
  await clock.advance(9_999);
  await clock.advance(1);
  assertEquals((await error) instanceof TransportError, true);
  assertEquals(await raw.receive(), undefined);
});

Deno.test("Anything but a hello is refused as the first message", async () => {
  const good = hello({ min: 1, max: 1 });
  const table: [string, (raw: RawPeer) => Promise<void>][] = [
    ["a question", (raw) => raw.send(FrameType.scan, { exchange: 1 })],
    ["a ping", (raw) => raw.send(FrameType.ping)],
    ["garbage", (raw) => raw.sendMessage(sealed(new Uint8Array(40).fill(7)))],
    ["nothing", (raw) => raw.sendMessage(sealed(new Uint8Array(4)))],
    [
      "a hello in an exchange",
      (raw) => raw.send(FrameType.hello, { exchange: 1, payload: good }),
    ],
    [
      "a hello that ends",
      (raw) => raw.send(FrameType.hello, { end: true, payload: good }),
    ],
    [
      "a wrong magic",
      (raw) => raw.send(FrameType.hello, { payload: good.with(3, 0) }),
    ],
  ];
  for (const [what, send] of table) {
    const [near, far] = memoryTransports();
    const raw = new RawPeer(near);
    const waiting = awaitHello(far, { clock: new FakeClock() });
    await send(raw);
    const error = await assertRejects(() => waiting, ProtocolError);
    assertEquals(error.code, "protocol", what);
    await raw.receiveType(FrameType.refuse);
    assertEquals(await raw.receive(), undefined, what);
  }
});

Deno.test("A first message that was damaged is no refusal: it can be tried again", async () => {
  const http = new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n");
  for (const message of [new Uint8Array(), new Uint8Array(40).fill(7), http]) {
    const [near, far] = memoryTransports();
    const raw = new RawPeer(near);
    const waiting = awaitHello(far, { clock: new FakeClock() });
    await raw.sendMessage(message);
    const error = await assertRejects(() => waiting, TransportError, "damaged");
    assertEquals(error.code, "connection-lost");
    assertEquals(await raw.receive(), undefined);
  }
});

Deno.test("What a peer calls itself is fit to be shown", async () => {
  const [near, far] = memoryTransports();
  const raw = new RawPeer(near);
  const payload = hello({ min: 1, max: 1 }, "evil\x1b[2J\u202e");
  await raw.send(FrameType.hello, { payload });
  const { peer } = await awaitHello(far, { clock: new FakeClock() });
  assertEquals(peer.software, "evil\\u001b[2J\\u202e");
  raw.close();
});

Deno.test("A handshake stops when its signal says so", async () => {
  const stop = new AbortController();
  const clock = new FakeClock();
  const [near, far] = memoryTransports();
  const opening = openSession(near, party(), { clock, signal: stop.signal });
  await settle();
  stop.abort(new Error("enough"));
  await assertRejects(() => opening, Error, "enough");
  assertEquals(clock.timers, 0);
  far.close();
});
