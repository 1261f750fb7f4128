import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  GuardError,
  ProtocolError,
  TransportError,
} from "../../../src/errors.ts";
import { memoryTransports } from "../../../src/net/memory_transport.ts";
import { type Frame, FrameType } from "../../../src/protocol/frame.ts";
import {
  MAX_WINDOW_BYTES,
  PAGE_HEADER_BYTES,
} from "../../../src/protocol/limits.ts";
import { writeHello } from "../../../src/protocol/session_codec.ts";
import type { Exchange } from "../../../src/session/exchange.ts";
import { awaitHello, openSession } from "../../../src/session/open_session.ts";
import type { Session } from "../../../src/session/session.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import {
  bytesOf,
  party,
  RawPeer,
  sessionPair,
} from "../../support/session_pair.ts";

const DONE = { kind: "done", message: "all is well" } as const;

async function nextAsked(session: Session): Promise<Exchange> {
  const { value } = await session.asked().next();
  if (value === undefined) throw new Error("Nothing was asked");
  return value;
}

async function goodbye(client: Session, server: Session): Promise<void> {
  await Promise.all([client.bye(DONE), server.bye(DONE)]);
}

/** A session with a client that a test plays by hand. */
async function sessionWithRaw(
  capabilities: readonly string[] = [],
  role: "client" | "server" = "server",
): Promise<{ raw: RawPeer; session: Session; clock: FakeClock }> {
  const clock = new FakeClock();
  const [near, far] = memoryTransports();
  const raw = new RawPeer(near);
  const hello = bytesOf((writer) =>
    writeHello(writer, { min: 1, max: 1 }, {
      ...party(1),
      windowBytes: MAX_WINDOW_BYTES,
      capabilities,
    })
  );
  await raw.send(FrameType.hello, { payload: hello });
  const session = role === "client"
    ? await openSession(far, party(2), { clock })
    : await (await awaitHello(far, { clock })).accept(party(2));
  await raw.receiveType(FrameType.hello);
  return { raw, session, clock };
}

Deno.test("Both sides learn who the other one is", async () => {
  const { client, server, clock } = await sessionPair();
  assertEquals(client.peer.clientId, party(2).clientId);
  assertEquals(server.peer.clientId, party(1).clientId);
  assertEquals(server.peer.software, "test/1");
  assertEquals(server.peer.version, 1);
  await goodbye(client, server);
  assertEquals(clock.timers, 0);
});

Deno.test("A question travels there, and its answer back", async () => {
  const { client, server } = await sessionPair();
  const asking = client.open();
  asking.page.varint(7);
  await asking.send(FrameType.scan, { end: true });
  const answering = await nextAsked(server);
  assertEquals(answering.peek(), FrameType.scan);
  const question = await answering.receiveOnly(FrameType.scan);
  assertEquals(question.varint(10, "it"), 7);
  for (const value of [1, 2, 3]) {
    answering.page.varint(value);
    await answering.send(FrameType.progress, { end: value === 3 });
  }
  const answers: number[] = [];
  for await (const { payload } of asking.frames(FrameType.progress)) {
    answers.push(payload[0]!);
  }
  assertEquals(answers, [1, 2, 3]);
  await goodbye(client, server);
});

Deno.test("An echo is answered by a ping soon and another one later, and by none where it was not agreed on", async () => {
  const { raw, session, clock } = await sessionWithRaw(["echo"]);
  await raw.send(FrameType.echo);
  await raw.send(FrameType.echo);
  await settle();
  const before = session.counts.sent;
  await clock.advance(1);
  assertEquals(session.counts.sent - before, PAGE_HEADER_BYTES);
  await clock.advance(2);
  assertEquals(session.counts.sent - before, 2 * PAGE_HEADER_BYTES);
  assertEquals((await raw.receive())?.type, FrameType.ping);
  assertEquals((await raw.receive())?.type, FrameType.ping);
  await raw.send(FrameType.echo);
  await settle();
  session.close();
  await settle();
  assertEquals(clock.timers, 0);

  const other = await sessionWithRaw();
  await other.raw.send(FrameType.echo);
  const { exchange } = await other.raw.receiveType(FrameType.failed);
  assertEquals(exchange, 0);
});

Deno.test("An echo goes before a message that would leave in two parts, one at a time, where a client sends it", async () => {
  const SIZES = [500, 2_000, 3_000, 200_000];
  const sent = async (
    capabilities: string[],
    answers: boolean,
    role: "client" | "server" = "client",
  ) => {
    const { raw, session } = await sessionWithRaw(capabilities, role);
    const types: FrameType[] = [];
    const exchange = session.open();
    for (const size of SIZES) {
      exchange.page.skip(size);
      const sending = exchange.send(FrameType.content, { end: false });
      for (;;) {
        const { type } = (await raw.receive())!;
        types.push(type);
        if (type === FrameType.content) break;
        if (answers) await raw.send(FrameType.ping);
        await settle();
      }
      await sending;
    }
    session.close();
    return types;
  };
  const { content, echo } = FrameType;
  assertEquals(await sent([], true), SIZES.map(() => content));
  assertEquals(await sent(["echo"], true, "server"), SIZES.map(() => content));
  assertEquals(await sent(["echo"], true), [
    content,
    ...[echo, content],
    ...[echo, content],
    content,
  ]);
  assertEquals(await sent(["echo"], false), [
    content,
    ...[echo, content],
    content,
    content,
  ]);
});

Deno.test("Both sides' goodbyes end a session in order", async () => {
  const { client, server } = await sessionPair();
  const left = client.bye(DONE);
  assertEquals(await server.peerBye, DONE);
  await server.bye({ kind: "partial", message: "thanks" });
  await left;
  assertEquals(await client.peerBye, { kind: "partial", message: "thanks" });
  await Promise.all([client.ended, server.ended]);
  assert(client.signal.aborted && server.signal.aborted);
});

Deno.test("A goodbye that is not answered ends the session all the same", async () => {
  const { client, clock, server } = await sessionPair();
  const left = client.bye(DONE);
  await settle();
  await clock.advance(10_000);
  await left;
  assertEquals(await client.peerBye, undefined);
  server.close();
});

Deno.test("A side that stops makes the other's work fail as peer-stopped", async () => {
  const { client, server } = await sessionPair();
  const asking = client.open();
  await asking.send(FrameType.scan, { end: true });
  const left = server.bye({ kind: "interrupted", message: "Ctrl-C" });
  const error = await assertRejects(() => asking.receive(), TransportError);
  assertEquals(error.code, "peer-stopped");
  assertStringIncludes(error.message, "Ctrl-C");
  assertEquals((await caught(() => client.open())).code, "peer-stopped");
  await client.bye(DONE);
  await left;
});

Deno.test("What fails at one side fails with the same code at the other", async () => {
  const { client, server } = await sessionPair();
  const asking = client.open();
  await asking.send(FrameType.scan, { end: true });
  const answering = await nextAsked(server);
  answering.fail(new GuardError("The root is empty"));
  const error = await assertRejects(() => asking.receive(), GuardError);
  assertStringIncludes(error.message, "The root is empty");
  // The session goes on.
  const next = client.open();
  await next.send(FrameType.scan, { end: true });
  assertEquals((await nextAsked(server)).id, next.id);
  client.close();
  server.close();
});

Deno.test("A cancelled exchange stops the other side, and its frames are dropped", async () => {
  const { client, server } = await sessionPair();
  const asking = client.open();
  await asking.send(FrameType.supply, { end: true });
  const answering = await nextAsked(server);
  asking.fail(new Error("no longer wanted"), "cancel");
  for (let i = 0; i < 3 && !answering.signal.aborted; i++) {
    await answering.send(FrameType.content, { end: false }).catch(() => {});
  }
  await settle();
  assert(answering.signal.aborted);
  await assertRejects(() => answering.receive(), Error, "no longer wanted");
  const next = client.open();
  await next.send(FrameType.scan, { end: true });
  assertEquals((await nextAsked(server)).id, next.id);
  await goodbye(client, server);
});

Deno.test("A sender waits when the window is full, until frames were dealt with", async () => {
  const { client, server } = await sessionPair();
  const asking = client.open();
  let sent = 0;
  const sending = (async () => {
    for (let i = 0; i < 100; i++) {
      asking.page.raw(new Uint8Array(100_000));
      await asking.send(FrameType.content, { end: i === 99 });
      sent++;
    }
  })();
  await settle();
  assertEquals(sent, Math.floor(MAX_WINDOW_BYTES / 100_012));
  const answering = await nextAsked(server);
  // Taking a frame out is not enough: it is dealt with when the next is asked for.
  for (let i = 0; i < 3; i++) await answering.receive();
  await settle();
  assertEquals(sent, Math.floor(MAX_WINDOW_BYTES / 100_012));
  await answering.receive();
  await settle();
  assertEquals(sent, Math.floor(MAX_WINDOW_BYTES / 100_012) + 3);
  let received = 4;
  while (await answering.receive() !== undefined) received++;
  await sending;
  assertEquals(received, 100);
  await goodbye(client, server);
});

Deno.test("Credit comes back for ever, whichever way exchanges end", async () => {
  const { client, server } = await sessionPair();
  const answers = (async () => {
    for await (const exchange of server.asked()) {
      await exchange.receive();
      if (exchange.id % 4 === 1) exchange.fail(new Error("no"));
      else {
        while (await exchange.receive() !== undefined) { /* read all */ }
        exchange.page.raw(new Uint8Array(50_000));
        await exchange.send(FrameType.content, { end: true });
      }
    }
  })();
  for (let i = 0; i < 200; i++) {
    const asking = client.open();
    try {
      for (let n = 0; n < 3; n++) {
        asking.page.raw(new Uint8Array(50_000));
        await asking.send(FrameType.content, { end: n === 2 });
      }
      for await (const _ of asking.frames(FrameType.content)) { /* read all */ }
    } catch {
      // Every other one fails, as it should.
    }
  }
  const left = client.bye(DONE);
  await answers;
  await server.bye(DONE);
  await left;
});

Deno.test("A peer that sends more than it may loses the session", async () => {
  const { raw, session } = await sessionWithRaw();
  const payload = new Uint8Array(200_000);
  for (let i = 0; i < 21; i++) {
    await raw.send(FrameType.content, { exchange: 1, payload });
  }
  await session.ended;
  const error = await caught(() => session.open());
  assertEquals(error.code, "protocol");
  const { payload: told } = await raw.receiveType(FrameType.failed);
  assertStringIncludes(new TextDecoder().decode(told), "credit");
});

Deno.test("A frame that is out of place ends the session, and the peer is told why", async () => {
  const one = { exchange: 1 };
  const scan: [FrameType, Partial<Frame>] = [FrameType.scan, { exchange: 1 }];
  const ended: typeof scan = [FrameType.scan, { exchange: 1, end: true }];
  const bye = { payload: Uint8Array.of(1, 0) };
  const table: [string, [FrameType, Partial<Frame>][]][] = [
    ["a second hello", [[FrameType.hello, {}]]],
    ["a refusal", [[FrameType.refuse, {}]]],
    ["a ping with content", [[FrameType.ping, {
      payload: new Uint8Array(1),
    }]]],
    ["a ping in an exchange", [[FrameType.ping, one]]],
    ["a ping with END", [[FrameType.ping, { end: true }]]],
    ["credit that was not used", [[FrameType.credit, {
      payload: Uint8Array.of(1),
    }]]],
    ["credit of 0", [[FrameType.credit, { payload: Uint8Array.of(0) }]]],
    ["a notice that nobody has asked for", [[FrameType.changed, {}]]],
    ["credit without a number", [[FrameType.credit, {}]]],
    ["an answer to nothing", [[FrameType.progress, one]]],
    ["a question of no exchange", [[FrameType.scan, {}]]],
    ["a question with our own id", [[FrameType.scan, { exchange: 2 }]]],
    ["a frame after the end", [ended, scan]],
    ["an older exchange", [
      [FrameType.scan, { exchange: 5 }],
      [FrameType.scan, { exchange: 3 }],
    ]],
    ["a failure of an exchange never opened", [[FrameType.failed, {
      exchange: 1,
      payload: Uint8Array.of(0, 9, 0),
    }]]],
    ["a cancelled session", [[FrameType.cancel, {
      payload: Uint8Array.of(0, 9, 0),
    }]]],
    ["an unknown outcome", [[FrameType.bye, {
      payload: Uint8Array.of(9, 0),
    }]]],
    ["two goodbyes", [[FrameType.bye, bye], [FrameType.bye, bye]]],
    [
      "too many questions at once",
      Array.from({ length: 17 }, (_, i) => [
        FrameType.scan,
        { exchange: 2 * i + 1 },
      ]),
    ],
  ];
  for (const [what, frames] of table) {
    const { raw, session } = await sessionWithRaw();
    for (const [type, frame] of frames) {
      await raw.send(type, frame).catch(() => {});
    }
    await session.ended;
    const { reason } = session.signal;
    assert(reason instanceof ProtocolError, `${what}: ${reason}`);
    await raw.receiveType(FrameType.failed);
    assertEquals(await raw.receive(), undefined, what);
  }
});

Deno.test("A client is not asked anything in a session that it opened", async () => {
  const { client, server } = await sessionPair();
  await server.open().send(FrameType.supply, { end: true });
  await client.ended;
  assert(client.signal.reason instanceof ProtocolError);
  await server.ended;
  assert(server.signal.reason instanceof ProtocolError);
});

Deno.test("A connection that breaks ends all that waits", async () => {
  const { client, server } = await sessionPair({ there: { cutAtMessage: 2 } });
  const asking = client.open();
  await asking.send(FrameType.scan, { end: true });
  const answering = await nextAsked(server);
  await client.open().send(FrameType.scan, { end: true }).catch(() => {});
  await Promise.all([client.ended, server.ended]);
  for (const waiting of [asking.receive(), answering.send(20, { end: true })]) {
    const error = await assertRejects(() => waiting, TransportError);
    assertEquals(error.code, "connection-lost");
  }
});

Deno.test("A connection that is closed without a goodbye is a lost one", async () => {
  const { raw, session } = await sessionWithRaw();
  raw.close();
  await session.ended;
  assertEquals(session.signal.reason.code, "connection-lost");
});

Deno.test("A signal ends the session at once; the peer hears that it was meant", async () => {
  const clock = new FakeClock();
  const [near, far] = memoryTransports();
  const stop = new AbortController();
  const [client, server] = await Promise.all([
    openSession(near, party(1), { clock, signal: stop.signal }),
    awaitHello(far, { clock }).then((pending) => pending.accept(party(2))),
  ]);
  const asking = client.open();
  const received = asking.receive();
  stop.abort();
  await assertRejects(() => received, DOMException);
  assertEquals((await server.peerBye)?.kind, "interrupted");
  await server.bye(DONE);
  assertEquals(clock.timers, 0);
});

async function caught(
  work: () => unknown,
): Promise<Error & { code?: string }> {
  try {
    await work();
  } catch (error) {
    return error as Error;
  }
  throw new Error("Nothing was thrown");
}
