/** What a peer must not do, and what becomes of its session when it does. */
import { ProtocolError, TransportError, UnsafePathError } from "../errors.ts";
import type { Session } from "./session.ts";

/** Whether `error` says that there is no use in going on with the peer. */
export function breaksSession(
  error: unknown,
): error is ProtocolError | TransportError | UnsafePathError {
  return error instanceof ProtocolError || error instanceof TransportError ||
    error instanceof UnsafePathError;
}

/**
 * Does `work` with what the peer sends; where that breaks the protocol or was
 * damaged on its way, the session ends.
 */
export async function closingOnFault<T>(
  session: Pick<Session, "close">,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (breaksSession(error)) session.close(error);
    throw error;
  }
}
