/**
 * Flow control: how many bytes one side may still send. Every frame of an
 * exchange costs its whole length, header included; that of the message is free.
 */
import { ProtocolError } from "../errors.ts";
import { MAX_WINDOW_BYTES } from "./limits.ts";

/**
 * Adds `bytes` granted by the peer to those still `available`: the sum, in bytes.
 * A receiver grants when its consumer is done with the bytes, not when they
 * arrived, so a slow disk slows the sender. Afterwards 0 < sum <= `window`.
 * @throws {ProtocolError} If the grant is not positive or overfills the window.
 */
export function grantCredit(
  available: number,
  bytes: number,
  window: number = MAX_WINDOW_BYTES,
): number {
  const sum = available + bytes;
  if (bytes > 0 && sum <= window) return sum;
  throw new ProtocolError(
    `Cannot grant ${bytes} bytes of credit: ${available} of ${window} are open`,
  );
}

/**
 * Takes `bytes` that the peer has sent from those still `available` to it: what
 * is left, in bytes.
 * @throws {ProtocolError} If it sent more than it may.
 */
export function takeCredit(available: number, bytes: number): number {
  if (bytes <= available) return available - bytes;
  throw new ProtocolError(
    `The peer sent ${bytes} bytes with credit for ${available}`,
  );
}
