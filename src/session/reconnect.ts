/** Trying again after a lost connection: rounds are state-based, so it is safe. */
import type { Clock } from "../core/clock.ts";
import { sleep } from "../core/sleep.ts";
import { asError, TransportError } from "../errors.ts";

const FIRST_DELAY_MS = 200;
const MAX_DELAY_MS = 30_000;

/** One try. */
export interface Attempt {
  /** From 1. */
  readonly number: number;
  /** Aborted when there is no use in going on. */
  readonly signal: AbortSignal | undefined;
  /** The handshake has succeeded: the patience and the delays start anew. */
  progressed(): void;
}

/** How patient to be. */
export interface RetryOptions {
  /** How long to go on trying, in milliseconds from the failure after the last success. */
  readonly retryForMs: number;
  /** The time between the tries. */
  /** The same once there was a success; `retryForMs` unless said. */
  readonly retryAgainForMs?: number;
  /** What may go better the next time, once there was a success; the usual unless said. */
  readonly isTransient?: (error: unknown) => boolean;
  readonly clock: Clock;
  /** From 0 up to, but not, 1. */
  readonly random: () => number;
  /** Stops trying. */
  readonly signal?: AbortSignal;
  /** Also try again if no connection was ever made; false unless said. */
  readonly retryFirst?: boolean;
  /** Called before each wait. */
  readonly onRetry?: (
    info: {
      /** The number of the attempt to come. */
      readonly attempt: number;
      readonly delayMs: number;
      readonly error: Error;
    },
  ) => void;
}

/**
 * The wait before the next try after `failures` in a row, in milliseconds:
 * 0.2 s, doubling up to 30 s, each 25 % shorter to 25 % longer by chance, so that
 * clients who lost the same receiver do not all come back at once.
 */
export function backoff(failures: number, random: () => number): number {
  const exact = Math.min(FIRST_DELAY_MS * 2 ** (failures - 1), MAX_DELAY_MS);
  return Math.round(exact * (0.75 + random() / 2));
}

/**
 * Does `work`, and does it again where the connection was lost or could not be
 * made, as long as `options` allow.
 * @throws What `work` threw last, or the signal's reason.
 */
export async function withRetry<T>(
  work: (attempt: Attempt) => Promise<T>,
  options: RetryOptions,
): Promise<T> {
  const { clock, signal } = options;
  let { retryForMs } = options;
  let mayRetry = options.retryFirst ?? false;
  let mayPass = isTransient;
  let failures = 0;
  /** When patience ends; undefined while there is nothing to be patient with. */
  let deadline: number | undefined;
  for (let number = 1;; number++) {
    signal?.throwIfAborted();
    try {
      return await work({
        number,
        signal,
        progressed(): void {
          mayRetry = true;
          retryForMs = options.retryAgainForMs ?? retryForMs;
          mayPass = options.isTransient ?? isTransient;
          failures = 0;
          deadline = undefined;
        },
      });
    } catch (error) {
      signal?.throwIfAborted();
      const now = clock.now();
      deadline ??= now + retryForMs;
      if (!mayPass(error) || !mayRetry || now >= deadline) throw error;
      failures++;
      // The last try comes when patience ends, not before.
      const delayMs = Math.min(
        backoff(failures, options.random),
        deadline - now,
      );
      options.onRetry?.({
        attempt: number + 1,
        delayMs,
        error: asError(error),
      });
      await sleep(delayMs, clock, signal);
    }
  }
}

/** Whether the next try may go better. */
function isTransient(error: unknown): boolean {
  return error instanceof TransportError && error.code !== "peer-stopped";
}
