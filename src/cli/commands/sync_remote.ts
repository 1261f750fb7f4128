/** Works with a listener: connects, tries again, and makes sure of the goodbye. */
import type { Outcome } from "../../core/outcome.ts";
import { GuardError, messageOf, TransportError } from "../../errors.ts";
import type { Transport } from "../../net/transport.ts";
import { type ConnectOptions, connectWebSocket } from "../../net/websocket.ts";
import type { CompressMode } from "../../session/compression.ts";
import type { Endpoint } from "../../session/endpoint.ts";
import { withRetry } from "../../session/reconnect.ts";
import { RemoteEndpoint } from "../../session/remote_endpoint.ts";
import type { Party } from "../../session/handshake.ts";
import { openSession } from "../../session/open_session.ts";
import type { Session, SessionOptions } from "../../session/session.ts";
import { systemClock } from "../../session/system_clock.ts";
import type { WireCounts } from "../events.ts";
import { SOFTWARE } from "../version.ts";
import { newClientId } from "./client_id.ts";
import { exposureOf } from "./connect_options.ts";
import type { CommandContext } from "./context.ts";

/** How long the other end may take to answer a goodbye that is no good news. */
const LEAVE_WITHIN_MS = 1_500;

/** How to connect to a listener, and what has become of it so far. */
export interface Connecting {
  readonly connect: ConnectOptions;
  /** Whether content is compressed on its way. */
  readonly compress?: CompressMode;
  /** How fast it may be, in bytes per second. */
  readonly limit?: number;
  /** The connection for the first try, if one is being made already. */
  readonly connection: Promise<Transport> | undefined;
}

/** What there is to do with a listener. */
export interface ListenerWork<T> {
  readonly url: string;
  /** In milliseconds; 0: one try. */
  readonly retryFor: number;
  /** The same after a connection was lost, in milliseconds; `retryFor` unless said. */
  readonly retryAgainFor?: number;
  /** What may go better the next time, once there was a success; the usual unless said. */
  readonly isTransient?: (error: unknown) => boolean;
  readonly connecting: Connecting;
  /** Whether both sides may be changed; the listener has to want that, too. */
  readonly twoWay?: boolean;
  /** Begins anew in each try. */
  work(target: Endpoint, session: Session): Promise<T>;
  /** What the listener is told about it. */
  outcomeOf(result: T): Outcome;
}

/** Tries until the work is done, or the time for that is over; each try is a session. */
export async function workWithListener<T>(
  source: Pick<Endpoint, "traits">,
  options: ListenerWork<T>,
  { reporter, signal }: CommandContext,
): Promise<{ result: T; wire: WireCounts }> {
  // One name for the whole run: who comes back is let in again.
  const self: Party = {
    software: SOFTWARE,
    clientId: newClientId(),
    traits: source.traits,
  };
  const wire = { sent: 0, received: 0 };
  const { connect, compress = "auto", limit = Infinity } = options.connecting;
  let { connection } = options.connecting;
  const exposure = exposureOf(options.url, connect);
  if (exposure !== undefined) {
    reporter.report({ kind: "warning", message: exposure });
  }
  let confirmed: { readonly result: T } | undefined;
  try {
    await withRetry(async (attempt) => {
      if (confirmed !== undefined) return await sayGoodbye(confirmed.result);
      await converse(async (session) => {
        attempt.progressed();
        const { name: peer, peer: { software } } = session;
        reporter.report({ kind: "connected", peer, software });
        const target = new RemoteEndpoint(session);
        const result = await options.work(target, session);
        confirmed = { result };
        const closing = target.close(options.outcomeOf(result));
        // Who stops has no time for a listener that does not answer.
        if (signal.aborted) return await soon(closing);
        await closing;
        if (await session.peerBye !== undefined) return;
        throw new TransportError(
          `The connection to ${peer} was lost at the end`,
        );
      });
    }, {
      retryForMs: options.retryFor,
      ...(options.retryAgainFor !== undefined && {
        retryAgainForMs: options.retryAgainFor,
      }),
      ...(options.isTransient && { isTransient: options.isTransient }),
      clock: systemClock,
      random: Math.random,
      signal,
      // Whoever starts both ends by hand may start the sender first.
      retryFirst: true,
      onRetry: (retry) => reporter.report({ kind: "retrying", ...retry }),
    });
  } catch (error) {
    // What the target has confirmed stays done, whatever became of the goodbye.
    if (confirmed === undefined) throw error;
  }
  return { result: confirmed!.result, wire };

  /** All is in place, but the listener may not know that this was all. */
  async function sayGoodbye(result: T): Promise<void> {
    try {
      await converse((session) => session.bye(options.outcomeOf(result)));
    } catch {
      // It has gone: so it did know.
    }
  }

  async function converse(
    work: (session: Session) => Promise<void>,
  ): Promise<void> {
    const transport = connection ??
      connectWebSocket(options.url, { ...connect, signal });
    connection = undefined;
    const session = await introduce(await transport, self, {
      clock: systemClock,
      signal,
      compress,
      limit,
      twoWay: options.twoWay ?? false,
    });
    try {
      await work(session);
    } catch (error) {
      await leave(session, error, signal);
      throw error;
    } finally {
      session.close();
      wire.sent += session.counts.sent;
      wire.received += session.counts.received;
    }
  }
}

async function introduce(
  transport: Transport,
  self: Party,
  { signal, ...options }: SessionOptions & { readonly signal: AbortSignal },
): Promise<Session> {
  const hangUp = (): void => transport.close("interrupted");
  signal.addEventListener("abort", hangUp, { once: true });
  try {
    return await openSession(transport, self, options);
  } finally {
    // From now on there is somebody to say goodbye to.
    signal.removeEventListener("abort", hangUp);
  }
}

/** Tells the other end, if it is still there, why there will be no more. */
async function leave(
  session: Session,
  error: unknown,
  signal: AbortSignal,
): Promise<void> {
  if (session.signal.aborted) return await soon(session.left);
  const kind = signal.aborted
    ? "interrupted"
    : error instanceof GuardError
    ? "halted"
    : "failed";
  await soon(session.bye({ kind, message: messageOf(error) }).catch(() => {}));
}

/** Waits for `leaving`, but not for long. */
async function soon(leaving: Promise<void>): Promise<void> {
  const { promise: timeout, resolve } = Promise.withResolvers<void>();
  const cancel = systemClock.after(LEAVE_WITHIN_MS, resolve);
  await Promise.race([leaving, timeout]);
  cancel();
}
