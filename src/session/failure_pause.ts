/** Pauses after failures of a side as a whole, which may heal. */
import type { Clock } from "../core/clock.ts";
import { messageOf } from "../errors.ts";

const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 30_000;

/** Each further failure in a row makes the pause twice as long. */
export class FailurePause {
  readonly #clock: Clock;
  readonly #onWarning: (message: string) => void;
  #failures = 0;
  #warned: string | undefined;
  #until: number | undefined;

  /** @param onWarning Hears what went wrong, once for the same in a row. */
  constructor(clock: Clock, onWarning: (message: string) => void) {
    this.#clock = clock;
    this.#onWarning = onWarning;
  }

  /** When it is over, in milliseconds of the clock; undefined: there is none. */
  get until(): number | undefined {
    return this.#until;
  }

  /** Begins a pause because of `error`. */
  begin(error: Error): void {
    const pause = FIRST_PAUSE_MS * 2 ** this.#failures++;
    this.#until = this.#clock.now() + Math.min(pause, MAX_PAUSE_MS);
    const text = messageOf(error);
    if (text !== this.#warned) this.#onWarning(text);
    this.#warned = text;
  }

  /** Ends it: there is another try. */
  end(): void {
    this.#until = undefined;
  }

  /** The try went well: the next pause is a first one. */
  settle(): void {
    this.#failures = 0;
    this.#warned = undefined;
  }

  /** There is another side to try: how often the last one failed says nothing of it. */
  restart(): void {
    this.#failures = 0;
    this.end();
  }
}
