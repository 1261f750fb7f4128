/**
 * Keeps long synchronous work from holding everything else up: sockets, timers
 * and other sessions get a turn of the event loop every 10 ms.
 */
import { nextTurn } from "../core/turn.ts";

/** Longest stretch of work without a turn for others. */
const MAX_STRETCH_MS = 10;

/** What a {@link Pacer} can be told; the defaults suit steps of a few µs and more. */
export interface PacerOptions {
  /** The clock is looked at once in so many calls; more where a step takes under 1 µs. */
  readonly everyCalls?: number;
  /** Milliseconds that only grow. */
  readonly now?: () => number;
}

/**
 * Tells a loop when to let other work go on:
 *
 *     const pause = pacer.turn();
 *     if (pause !== undefined) await pause;
 *
 * so that nothing is awaited while no turn is due.
 */
export class Pacer {
  readonly #everyCalls: number;
  readonly #now: () => number;
  #callsLeft: number;
  #due: number;

  constructor(options: PacerOptions = {}) {
    this.#everyCalls = options.everyCalls ?? 1;
    this.#now = options.now ?? readClock;
    this.#callsLeft = this.#everyCalls;
    this.#due = this.#now() + MAX_STRETCH_MS;
  }

  /** Undefined while there is time left; else ends after others had their turn. */
  turn(): Promise<void> | undefined {
    if (--this.#callsLeft > 0) return undefined;
    this.#callsLeft = this.#everyCalls;
    return this.#now() < this.#due ? undefined : this.#pause();
  }

  async #pause(): Promise<void> {
    await nextTurn();
    this.#due = this.#now() + MAX_STRETCH_MS;
  }
}

function readClock(): number {
  return performance.now();
}
