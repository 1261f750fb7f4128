/**
 * Turns of the event loop. Sockets are read and written between them, not when
 * a promise that is resolved already is awaited.
 */
import { setImmediate } from "node:timers";

/** Lets sockets and timers have their turn; costs 4 µs, where `setTimeout(0)` costs 2 ms. */
export function nextTurn(): Promise<void> {
  return new Promise<void>((resolve) => setImmediate(resolve));
}
