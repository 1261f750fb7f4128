/** Holds one direction of a session to a rate, in bytes per second. */
import type { Clock } from "../core/clock.ts";
import {
  MAX_PAYLOAD_BYTES,
  MAX_WINDOW_BYTES,
  MIN_WINDOW_BYTES,
} from "../protocol/limits.ts";
import { TokenBucket } from "./token_bucket.ts";

/** The lowest limit, in bytes per second: a frame still goes in a few seconds. */
export const MIN_RATE = 1024;

/** Of the message and the carrier around a frame, in bytes. */
const OVERHEAD_BYTES = 12;

/** Content is cut so that a frame of it takes no longer than this, or … */
const FRAME_MS = 100;

/** … is no longer than this: shorter ones would be more header than content. */
const LEAST_FRAME_BYTES = 1024;

/** Asks before bytes go, or are asked for; its owner stops it. */
export class RateLimit {
  readonly #clock: Clock;
  readonly #bucket: TokenBucket;
  #cancel: (() => void) | undefined;
  #isStopped = false;

  constructor(bytesPerSecond: number, clock: Clock) {
    this.#clock = clock;
    this.#bucket = new TokenBucket(bytesPerSecond, clock.now());
  }

  /**
   * Whether a frame of `bytes` may go; then it counts. Else `again` is called
   * when it may: once, for whoever has asked first.
   */
  take(bytes: number, again: () => void): boolean {
    if (this.#isStopped) return true;
    const cost = bytes + OVERHEAD_BYTES;
    const ms = this.#bucket.waitFor(cost, this.#clock.now());
    if (ms === 0) {
      this.#bucket.take(cost, this.#clock.now());
      return true;
    }
    this.#cancel ??= this.#clock.after(ms, () => {
      this.#cancel = undefined;
      again();
    });
    return false;
  }

  /** A frame of `bytes` goes that can't wait; those after it make up for it. */
  force(bytes: number): void {
    this.#bucket.take(bytes + OVERHEAD_BYTES, this.#clock.now());
  }

  /** From now on there is no limit, and nobody is called. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
    this.#cancel = undefined;
  }
}

/** The limit for a direction, if there is one. */
export function rateLimit(
  bytesPerSecond: number,
  clock: Clock,
): RateLimit | undefined {
  return bytesPerSecond === Infinity
    ? undefined
    : new RateLimit(bytesPerSecond, clock);
}

/** How much a frame of content shall hold at most, in bytes, at this rate. */
export function frameBytesAt(bytesPerSecond: number): number {
  const bytes = Math.floor(bytesPerSecond * FRAME_MS / 1000);
  return Math.min(MAX_PAYLOAD_BYTES, Math.max(LEAST_FRAME_BYTES, bytes));
}

/** What a hello says to a peer that shall send no faster; nothing: as it likes. */
export function rateCapabilities(bytesPerSecond: number): string[] {
  return bytesPerSecond === Infinity
    ? []
    : [`rate=${Math.floor(bytesPerSecond)}`];
}

/** The rate that a hello with these capabilities asks for, in bytes per second. */
export function rateAskedFor(capabilities: ReadonlySet<string>): number {
  for (const capability of capabilities) {
    const digits = /^rate=(\d{1,15})$/.exec(capability)?.[1];
    if (digits !== undefined) return Math.max(MIN_RATE, Number(digits));
  }
  return Infinity;
}

/**
 * The window of credit that a peer is given, in bytes. Before the first grant it
 * sends as fast as it can: where there is a limit, let that be little.
 */
export function windowAt(limit: number): number {
  return limit === Infinity ? MAX_WINDOW_BYTES : MIN_WINDOW_BYTES;
}
