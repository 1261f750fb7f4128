/** How long, and after what, somebody is waited for. */
import { ProtocolError, TransportError } from "../../errors.ts";

/** How long a connection is waited for, unless --retry-for says so, in milliseconds. */
export const USUAL_PATIENCE_MS = 60_000;

/** A listener that was stopped, or is just being started anew, may be there again. */
export function mayPass(error: unknown): boolean {
  if (error instanceof TransportError) return true;
  return error instanceof ProtocolError &&
    (error.code === "busy" || error.code === "refused");
}
