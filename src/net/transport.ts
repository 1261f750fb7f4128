/**
 * A carrier of messages between two peers: whole, in order, each at most once.
 * It knows nothing of what they say.
 */
import type { TransportError } from "../errors.ts";

/** One end of a connection. Its owner closes it. */
export interface Transport {
  /** For messages: the address of the other end. */
  readonly peer: string;
  /**
   * Messages as they arrive. Nothing slows the peer when they are not read: that
   * is what credit is for. Ends when the peer closed the connection in order.
   * Errors with {@link TransportError} when it broke, after what had arrived.
   */
  readonly readable: ReadableStream<Uint8Array>;
  /** Messages to send; the bytes may be used again once `write` has resolved. */
  readonly writable: WritableStream<Uint8Array>;
  /** Bytes counted so far, payloads only. */
  readonly counts: { readonly sent: number; readonly received: number };
  /** Closes the connection; when it is broken already, nothing happens. */
  close(reason?: string): void;
  /**
   * Resolves when the connection is closed at both ends, so that what was sent has
   * arrived, or broken; never where the other end is silent.
   */
  readonly closed: Promise<void>;
}

export type { TransportError };
