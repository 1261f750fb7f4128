/** What the asking side hears while a long question is being answered. */
import type { Clock } from "../core/clock.ts";
import { FrameType } from "../protocol/frame.ts";
import type { Exchange } from "./exchange.ts";

/** Progress is told at most once in this time. */
const PROGRESS_INTERVAL_MS = 250;

/** Tells the peer how far a scan is, now and then. */
export class ProgressTeller {
  readonly #exchange: Exchange;
  readonly #clock: Clock;
  #next = 0;
  #sending: Promise<void> | undefined;

  constructor(exchange: Exchange, clock: Clock) {
    this.#exchange = exchange;
    this.#clock = clock;
  }

  /** Never waits for the peer: what it has no credit for is left out. */
  tell(entries: number): void {
    const now = this.#clock.now();
    if (this.#sending !== undefined || now < this.#next) return;
    this.#next = now + PROGRESS_INTERVAL_MS;
    this.#exchange.page.varint(entries);
    this.#sending = this.#exchange.send(FrameType.progress, { end: false })
      .then(() => this.#sending = undefined, () => {});
  }

  /** Resolves when the exchange's page is free again. */
  async finish(): Promise<void> {
    await this.#sending;
  }
}
