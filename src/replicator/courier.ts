/**
 * Carries the requests of one session, one after the other: each is repeated as
 * it is until its response has come. The target knows a repeated request by its
 * number, and repeats its response.
 */
import type { Clock } from "../core/clock.ts";
import { sleep } from "../core/sleep.ts";
import { asError, messageOf, TransportError } from "../errors.ts";
import { decodeFrames, type Frame } from "../protocol/frame.ts";
import { backoff } from "../session/reconnect.ts";
import { checkMessage, ReplicatorMessage } from "./replicator_message.ts";

/**
 * Brings a request to the target, and its response back, in any of the forms of a
 * {@link ReplicatorMessage} (what came as bytes has to be decoded). Where it
 * rejects, the same request is handed over again later.
 */
export type ReplicatorHandler = (
  request: ReplicatorMessage,
) => unknown | Promise<unknown>;

/** How requests are carried. */
export interface CourierOptions {
  readonly handler: ReplicatorHandler;
  readonly clock: Clock;
  readonly random: () => number;
  /** How long one request is tried again, in milliseconds from its first failure. */
  readonly retryForMs: number;
  /** How long the handler may take for one request, in milliseconds. */
  readonly timeoutMs: number;
  /** Hears of each failure that will be followed by another try. */
  readonly onError: (error: Error) => void;
}

/** Carries requests, until {@link Courier.stop}. */
export class Courier {
  readonly session: string;
  readonly #options: CourierOptions;
  readonly #end = new AbortController();
  #number = 0;
  /** Requests are made one at a time: the last one. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param session 32 hexadecimal digits, new for each session. */
  constructor(session: string, options: CourierOptions) {
    this.session = session;
    this.#options = options;
  }

  /** Aborted by {@link stop}. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** Whoever waits for a response gets `reason` instead. */
  stop(reason: Error): void {
    this.#end.abort(reason);
  }

  /**
   * Carries `message`, when those before have been answered: the frames of the
   * response.
   * @throws {TransportError} If it could not be carried for too long.
   */
  carry(message: Uint8Array): Promise<Frame[]> {
    const next = this.#last.then(() => this.#carry(message));
    this.#last = next.catch(() => {});
    return next;
  }

  async #carry(message: Uint8Array): Promise<Frame[]> {
    const { clock, random, retryForMs, onError } = this.#options;
    const request = new ReplicatorMessage(
      this.session,
      this.#number,
      message,
    );
    let deadline: number | undefined;
    for (let failures = 1;; failures++) {
      this.signal.throwIfAborted();
      try {
        const frames = await this.#try(request);
        this.#number++;
        return frames;
      } catch (error) {
        this.signal.throwIfAborted();
        const now = clock.now();
        deadline ??= now + retryForMs;
        if (now >= deadline) {
          throw new TransportError(
            `The target could not be reached: ${messageOf(error)}`,
            "unreachable",
            { cause: error },
          );
        }
        onError(asError(error));
        const delay = Math.min(backoff(failures, random), deadline - now);
        await sleep(delay, clock, this.signal);
      }
    }
  }

  /** One try; a response that is damaged, or another's, is none. */
  async #try(request: ReplicatorMessage): Promise<Frame[]> {
    const { clock, timeoutMs, handler } = this.#options;
    const { promise: interrupted, reject } = Promise.withResolvers<never>();
    interrupted.catch(() => {});
    const onAbort = (): void => reject(this.signal.reason);
    this.signal.addEventListener("abort", onAbort);
    const cancel = clock.after(
      timeoutMs,
      () =>
        reject(new TransportError(`No response came within ${timeoutMs} ms`)),
    );
    try {
      // A handler that throws at once is one that rejects.
      const carried = Promise.try(handler, request);
      const response = checkMessage(
        await Promise.race([carried, interrupted]),
      );
      if (
        response.session !== request.session ||
        response.number !== request.number
      ) {
        throw new TransportError("A response belongs to another request");
      }
      if (response.message.length === 0) return [];
      return [...decodeFrames(response.message)];
    } finally {
      cancel();
      this.signal.removeEventListener("abort", onAbort);
    }
  }
}
