/** Mirrors to a receiver: connects, tries again, and makes sure of the goodbye. */
import type { Outcome } from "../core/outcome.ts";
import { GuardError, messageOf, TransportError } from "../errors.ts";
import type { Transport } from "../net/transport.ts";
import type { CompressMode } from "../session/compression.ts";
import type { Endpoint } from "../session/endpoint.ts";
import type { EventListener, MirrorSummary } from "../session/events.ts";
import { type Attempt, withRetry } from "../session/reconnect.ts";
import { RemoteEndpoint } from "../session/remote_endpoint.ts";
import { openSession } from "../session/open_session.ts";
import type { Session } from "../session/session.ts";
import { systemClock } from "../session/system_clock.ts";
import { partyOf } from "./party.ts";

/** How long the other end may take to answer a goodbye that is no good news. */
const LEAVE_WITHIN_MS = 1_500;

/** How to reach a receiver. */
export interface RemoteOptions {
  /** Makes a connection, for each try. */
  readonly connect: (signal: AbortSignal | undefined) => Promise<Transport>;
  /** How long to go on trying, in milliseconds. */
  readonly retryForMs: number;
  readonly compress: CompressMode;
  readonly signal: AbortSignal | undefined;
  readonly onEvent: EventListener | undefined;
}

/**
 * Does `work` with the receiver as the target, anew in each try, and tells it how
 * it went.
 * @throws {SyncError} What the last try has failed with.
 */
export async function syncRemote(
  source: Endpoint,
  work: (target: Endpoint) => Promise<MirrorSummary>,
  options: RemoteOptions,
): Promise<MirrorSummary> {
  // One name for all tries: who comes back is let in again.
  const self = partyOf(source.traits);
  const { signal, compress, onEvent } = options;
  let confirmed: MirrorSummary | undefined;
  try {
    await withRetry(converse, {
      retryForMs: options.retryForMs,
      clock: systemClock,
      random: Math.random,
      retryFirst: true,
      ...(signal && { signal }),
      ...(onEvent && {
        onRetry: (retry) => onEvent({ kind: "retrying", ...retry }),
      }),
    });
  } catch (error) {
    // What the target has confirmed stays done, whatever became of the goodbye.
    if (confirmed === undefined) throw error;
  }
  return confirmed!;

  async function converse(attempt: Attempt): Promise<void> {
    const transport = await options.connect(signal);
    const session = await openSession(transport, self, {
      clock: systemClock,
      compress,
      ...(signal && { signal }),
    });
    try {
      attempt.progressed();
      const target = new RemoteEndpoint(session);
      confirmed ??= await work(target);
      await target.close(outcomeOf(confirmed));
      if (await session.peerBye !== undefined) return;
      throw new TransportError(
        `The connection to ${session.name} was lost at the end`,
      );
    } catch (error) {
      await leave(session, error, signal);
      throw error;
    } finally {
      session.close();
    }
  }
}

/** What a target is told about a mirror that is through. */
export function outcomeOf({ problems }: MirrorSummary): Outcome {
  const count = problems.length;
  if (count === 0) return { kind: "done", message: "" };
  return { kind: "partial", message: `${count} path(s) left out` };
}

/** What a target is told of a mirror that `error` has ended. */
export function failureOf(
  error: unknown,
  signal: AbortSignal | undefined,
): Outcome {
  const kind = signal?.aborted
    ? "interrupted"
    : error instanceof GuardError
    ? "halted"
    : "failed";
  return { kind, message: messageOf(error) };
}

/** Tells the other end, if it is still there, why there will be no more. */
async function leave(
  session: Session,
  error: unknown,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (session.signal.aborted) return;
  const cancel = systemClock.after(LEAVE_WITHIN_MS, () => session.close());
  try {
    await session.bye(failureOf(error, signal));
  } catch {
    // It is gone, and need not be told.
  } finally {
    cancel();
  }
}
