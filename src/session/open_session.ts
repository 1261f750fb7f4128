/** How a session begins: the hello of both sides, and who is let in. */
import { messageOf, ProtocolError } from "../errors.ts";
import type { Transport } from "../net/transport.ts";
import { Capability } from "../protocol/version.ts";
import { capabilitiesFor } from "./capabilities.ts";
import { challengeCapabilities } from "./challenge.ts";
import {
  type Party,
  type Peer,
  receiveHello,
  sendHello,
  sendRefusal,
} from "./handshake.ts";
import { rateCapabilities, windowAt } from "./rate_limit.ts";
import { Session, type SessionOptions } from "./session.ts";

/** A client that has said hello and waits to be let in. */
export interface PendingSession {
  readonly peer: Peer;
  /** Lets it in. */
  accept(self: Party): Promise<Session>;
  /** Sends it away and closes the connection. */
  refuse(code: "busy" | "version" | "refused", message: string): Promise<void>;
}

/**
 * Introduces this side as the client.
 * @throws {ProtocolError | TransportError} See {@link receiveHello}; the
 *   connection is closed then.
 */
export async function openSession(
  transport: Transport,
  self: Party,
  options: SessionOptions,
): Promise<Session> {
  try {
    await introduce(transport, self, options);
    const peer = await receiveHello(transport, options);
    requireTwoWay(peer, transport.peer, options);
    return new Session(transport, peer, "client", options);
  } catch (error) {
    transport.close(messageOf(error));
    throw error;
  }
}

/**
 * Waits for a client's introduction.
 * @throws {ProtocolError | TransportError} See {@link receiveHello}; the client
 *   was told, and the connection is closed then.
 */
export async function awaitHello(
  transport: Transport,
  options: SessionOptions,
): Promise<PendingSession> {
  let peer: Peer;
  try {
    peer = await receiveHello(transport, options);
  } catch (error) {
    if (error instanceof ProtocolError) await refuse(error);
    transport.close(messageOf(error));
    throw error;
  }
  return {
    peer,
    async accept(self): Promise<Session> {
      await introduce(transport, self, options);
      return new Session(transport, peer, "server", options);
    },
    refuse: (code, message) => refuse(new ProtocolError(message, code)),
  };

  async function refuse(error: ProtocolError): Promise<void> {
    try {
      await sendRefusal(transport, error);
    } catch {
      // Whoever has gone already needs no answer.
    }
    transport.close(error.message);
  }
}

/** @throws {ProtocolError} If only this side wants a two-way sync. */
function requireTwoWay(
  { capabilities }: Peer,
  name: string,
  { twoWay = false }: SessionOptions,
): void {
  if (!twoWay || capabilities.has(Capability.twoWay)) return;
  throw new ProtocolError(
    `${name} only receives: two-way needs lockstep listen --two-way there`,
    "refused",
  );
}

/** Says hello, so that the peer keeps to the limit: a new one by what it hears. */
async function introduce(
  transport: Transport,
  self: Party,
  { limit = Infinity, ...options }: SessionOptions,
): Promise<void> {
  const capabilities = [
    ...capabilitiesFor(options),
    ...rateCapabilities(limit),
    ...challengeCapabilities(options.challenge),
  ];
  await sendHello(transport, self, capabilities, windowAt(limit));
}
