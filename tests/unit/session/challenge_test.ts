import { assertEquals, assertInstanceOf } from "@std/assert";
import { ProtocolError } from "../../../src/errors.ts";
import { memoryTransports } from "../../../src/net/memory_transport.ts";
import { FrameType } from "../../../src/protocol/frame.ts";
import {
  challengeCapabilities,
  challengeOf,
} from "../../../src/session/challenge.ts";
import { helloMessage } from "../../../src/session/handshake.ts";
import { awaitHello, openSession } from "../../../src/session/open_session.ts";
import type { Session } from "../../../src/session/session.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { party, RawPeer } from "../../support/session_pair.ts";

const CHALLENGE = "0123456789abcdef0123456789abcdef";

Deno.test("challengeOf() finds the challenge of a hello, and nothing else", () => {
  const cases: [string[], string | undefined][] = [
    [challengeCapabilities(CHALLENGE), CHALLENGE],
    [challengeCapabilities(undefined), undefined],
    [["echo", `challenge=${CHALLENGE}`], CHALLENGE],
    [["challenge", "challenge=", `challenge=${CHALLENGE}0`], undefined],
    [[`challenge=${CHALLENGE.toUpperCase()}`], undefined],
  ];
  for (const [capabilities, wanted] of cases) {
    assertEquals(challengeOf(new Set(capabilities)), wanted);
  }
});

Deno.test("a client answers the server's challenge, and is heard", async () => {
  const clock = new FakeClock();
  const [near, far] = memoryTransports();
  const [client, server] = await Promise.all([
    openSession(near, party(1), { clock }),
    awaitHello(far, { clock, challenge: CHALLENGE })
      .then((pending) => pending.accept(party(2))),
  ]);
  client.open();
  await Promise.all([
    client.bye({ kind: "done", message: "" }),
    server.peerBye.then(() => server.bye({ kind: "done", message: "" })),
  ]);
  assertEquals(await server.peerBye, { kind: "done", message: "" });
});

Deno.test("D06: whoever says anything else first is refused", async () => {
  const other = Uint8Array.fromHex(CHALLENGE).reverse();
  const cases: [FrameType, Uint8Array][] = [
    [FrameType.fresh, other],
    [FrameType.fresh, other.subarray(1)],
    [FrameType.ping, new Uint8Array()],
    [FrameType.bye, Uint8Array.of(1, 0)],
  ];
  for (const [type, payload] of cases) {
    const session = await answeredBy(type, payload);
    await session.ended;
    assertInstanceOf(session.signal.reason, ProtocolError);
  }
});

/** A session with a challenge, to which somebody says this first. */
async function answeredBy(
  type: FrameType,
  payload: Uint8Array,
): Promise<Session> {
  const clock = new FakeClock();
  const [near, far] = memoryTransports();
  const raw = new RawPeer(near);
  await raw.sendMessage(helloMessage(party(1), []));
  const pending = await awaitHello(far, { clock, challenge: CHALLENGE });
  const session = await pending.accept(party(2));
  await raw.receiveType(FrameType.hello);
  await raw.send(type, { payload });
  await raw.receiveType(FrameType.failed);
  return session;
}
