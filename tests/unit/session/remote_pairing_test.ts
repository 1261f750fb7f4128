import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { ProtocolError } from "../../../src/errors.ts";
import { memoryTransports } from "../../../src/net/memory_transport.ts";
import type {
  PairedSide,
  PairingState,
  Tokens,
} from "../../../src/session/pairing.ts";
import { Receiver } from "../../../src/session/receiver.ts";
import { RemotePairing } from "../../../src/session/remote_pairing.ts";
import {
  serveEndpoint,
  type ServeOptions,
} from "../../../src/session/serve_endpoint.ts";
import { openSession } from "../../../src/session/open_session.ts";
import type { Session } from "../../../src/session/session.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { FakeEndpoint } from "../../support/fake_endpoint.ts";
import { party, sessionPair } from "../../support/session_pair.ts";

const PEER = "1".repeat(32);
const TOKENS: Tokens = { current: "2".repeat(32), previous: undefined };

class FakePairing implements PairedSide {
  readonly known = new Map<string, Tokens>();

  look(peerId: string): Promise<PairingState> {
    return Promise.resolve({
      rootId: "f".repeat(32),
      isReplaced: true,
      tokens: this.known.get(peerId),
    });
  }

  commit(peerId: string, tokens: Tokens): Promise<void> {
    this.known.set(peerId, tokens);
    return Promise.resolve();
  }
}

async function serve(
  options: ServeOptions,
): Promise<{ client: Session; served: Promise<unknown> }> {
  const { client, server } = await sessionPair();
  const served = serveEndpoint(server, new FakeEndpoint({}), options)
    .catch((error) => error);
  return { client, served };
}

Deno.test("RemotePairing hears what the other side remembers, and lets it remember", async () => {
  const pairing = new FakePairing();
  const { client, served } = await serve({ role: "peer", pairing });
  const remote = new RemotePairing(client);
  const before = await remote.look(PEER);
  assertEquals(before, await pairing.look(PEER));
  assertEquals(before.tokens, undefined);
  await remote.commit(PEER, TOKENS);
  assertEquals((await remote.look(PEER)).tokens, TOKENS);
  const both = { ...TOKENS, previous: "3".repeat(32) };
  await remote.commit(PEER, both);
  assertEquals((await remote.look(PEER)).tokens, both);
  await client.bye({ kind: "done", message: "" });
  await served;
});

Deno.test("a target or a source has nothing to do with pairs", async () => {
  for (const role of ["target", "source"] as const) {
    const { client, served } = await serve({ role });
    await assertRejects(
      () => new RemotePairing(client).look(PEER),
      ProtocolError,
    );
    assertInstanceOf(await served, ProtocolError);
  }
});

/** What a client hears that connects to a receiver. */
async function connect(
  options: { readonly wants: boolean; readonly offers: boolean },
): Promise<"let in" | Error> {
  const clock = new FakeClock();
  const [near, far] = memoryTransports();
  const receiver = new Receiver({
    open: () => Promise.resolve(new FakeEndpoint({})),
    software: "test/1",
    clientId: "9".repeat(32),
    clock,
    ...(options.offers && { pairing: new FakePairing() }),
  });
  const accepted = receiver.accept(far);
  try {
    const { wants: twoWay } = options;
    const session = await openSession(near, party(1), { clock, twoWay });
    await session.bye({ kind: "done", message: "" });
    return "let in";
  } catch (error) {
    return error as Error;
  } finally {
    near.close();
    await accepted;
  }
}

Deno.test("a receiver shares its files only if both sides want that", async () => {
  assertEquals(await connect({ wants: true, offers: true }), "let in");
  assertEquals(await connect({ wants: false, offers: false }), "let in");
  for (const wants of [true, false]) {
    const error = await connect({ wants, offers: !wants });
    assertInstanceOf(error, ProtocolError);
    assertEquals(error.code, "refused");
    assertEquals(error.message.includes("--two-way"), true);
  }
});
