/**
 * A server that listens again when it had to give up. `Deno.serve` stops for good
 * as soon as one connection can't be accepted, for want of file descriptors say:
 * so anybody could end a listener by opening connections.
 */
import type { Clock } from "../../core/clock.ts";
import { sleep } from "../../core/sleep.ts";
import { messageOf } from "../../errors.ts";

/** How long to wait before each try to listen again, in milliseconds. */
const LISTEN_AGAIN_MS = 1_000;

/** As much of `Deno.HttpServer` as is needed here. */
export interface Server {
  readonly addr: Deno.NetAddr;
  /** Rejects when the server had to give up. */
  readonly finished: Promise<void>;
  /** Closes the socket and all connections. */
  shutdown(): Promise<void>;
}

/** What a {@link LastingServer} needs. */
export interface LastingServerOptions {
  /** Listens on `port`. @throws If that is not possible. */
  bind(port: number): Server;
  /** At first; 0: any free one, and the same from then on. */
  readonly port: number;
  readonly clock: Clock;
  /** It had to give up, or can't listen again yet; told once for each reason in a row. */
  onFault(reason: string): void;
}

/** Its owner closes it. */
export class LastingServer {
  readonly addr: Deno.NetAddr;
  readonly #options: LastingServerOptions;
  readonly #closing = new AbortController();
  readonly #watching: Promise<void>;
  #server: Server;

  /** @throws If it can't listen at first. */
  constructor(options: LastingServerOptions) {
    this.#options = options;
    this.#server = options.bind(options.port);
    this.addr = this.#server.addr;
    this.#watching = this.#watch();
  }

  /** Stops listening, and closes all connections. Never rejects. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled([this.#server.shutdown(), this.#watching]);
  }

  async #watch(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      try {
        return await this.#server.finished;
      } catch (error) {
        this.#options.onFault(messageOf(error));
        // Most likely its connections are what holds the descriptors: they go.
        await this.#server.shutdown().catch(() => {});
        await this.#listenAgain();
      }
    }
  }

  async #listenAgain(): Promise<void> {
    const { bind, clock, onFault } = this.#options;
    const { signal } = this.#closing;
    let told: string | undefined;
    for (;;) {
      await sleep(LISTEN_AGAIN_MS, clock, signal);
      if (signal.aborted) return;
      try {
        this.#server = bind(this.addr.port);
        return;
      } catch (error) {
        const reason = messageOf(error);
        if (reason !== told) onFault(reason);
        told = reason;
      }
    }
  }
}
