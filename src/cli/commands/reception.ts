/** How much a sender has sent so far, told now and then. */
import type { Clock } from "../../core/clock.ts";
import type { Transport } from "../../net/transport.ts";

const INTERVAL_MS = 250;

/** Bytes received over a connection, and for how long. */
export interface Received {
  readonly bytes: number;
  readonly seconds: number;
}

/** Follows one connection; its owner stops it. */
export class Reception {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #start: number;
  readonly #onProgress: (received: Received) => void;
  #cancel: () => void;

  constructor(
    transport: Transport,
    clock: Clock,
    onProgress: (received: Received) => void,
  ) {
    this.#transport = transport;
    this.#clock = clock;
    this.#start = clock.now();
    this.#onProgress = onProgress;
    this.#cancel = clock.after(INTERVAL_MS, () => this.#tell());
  }

  get received(): Received {
    return {
      bytes: this.#transport.counts.received,
      seconds: (this.#clock.now() - this.#start) / 1_000,
    };
  }

  stop(): void {
    this.#cancel();
  }

  #tell(): void {
    this.#onProgress(this.received);
    this.#cancel = this.#clock.after(INTERVAL_MS, () => this.#tell());
  }
}
