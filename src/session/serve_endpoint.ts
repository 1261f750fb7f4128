/**
 * The answering side of a session: lets the peer's `RemoteEndpoint` work with an
 * endpoint of ours until it says goodbye.
 */
import type { Outcome } from "../core/outcome.ts";
import { FileSystemError, messageOf, ProtocolError } from "../errors.ts";
import type { Endpoint } from "./endpoint.ts";
import { EndpointServer, type ServeOptions } from "./endpoint_server.ts";
import { breaksSession } from "./fault.ts";
import type { Session } from "./session.ts";

export type { ServedRole, ServeOptions } from "./endpoint_server.ts";

/**
 * Answers the peer's questions from `endpoint` until the peer says goodbye, and
 * closes both: how it went, in the peer's words.
 * @throws {FileSystemError} If the peer gave up because `endpoint` failed.
 * @throws {ProtocolError} If the peer breaks the protocol; it was told.
 * @throws {TransportError} If the connection broke.
 */
export async function serveEndpoint(
  session: Session,
  endpoint: Endpoint,
  options: ServeOptions,
): Promise<Outcome> {
  const server = new EndpointServer(endpoint, session, options);
  let outcome: Outcome;
  let failure: FileSystemError | undefined;
  try {
    for await (const exchange of session.asked()) {
      try {
        await server.answer(exchange);
      } catch (error) {
        if (exchange.signal.aborted) continue;
        if (breaksSession(error)) throw error;
        if (error instanceof FileSystemError) failure = error;
        exchange.fail(error);
      }
    }
    outcome = await session.peerBye ??
      { kind: "failed", message: "the peer went without a word" };
  } catch (error) {
    session.close(error as Error);
    await server.abandon(error);
    // Who breaks the protocol is not trusted to go on with it.
    const kind = error instanceof ProtocolError ? "failed" : "interrupted";
    await endpoint.close({ kind, message: messageOf(error) });
    throw error;
  }
  try {
    // Who ends a watch in the middle of a round may go on with it later.
    const closing: Outcome = server.isMidway && outcome.kind === "done"
      ? { kind: "interrupted", message: "the sender has ended" }
      : outcome;
    await server.abandon(new Error(outcome.message));
    await endpoint.close(closing);
  } catch (error) {
    session.close(error as Error);
    throw error;
  }
  await session.bye({ kind: "done", message: "" });
  // The peer gave up because of this side.
  if (outcome.kind === "failed" && failure !== undefined) throw failure;
  return outcome;
}
