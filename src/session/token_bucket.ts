/**
 * Bytes that may go, by the time: so many a second, and a little at once, for
 * whoever comes late. Pure; times are in milliseconds.
 */

/** What was not used for longer than this is gone. */
export const BURST_MS = 200;

/** The bucket of one direction; it is full at first. */
export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #filled: number;

  /** @param bytesPerSecond Over 0, and finite. */
  constructor(bytesPerSecond: number, now: number) {
    this.#perMs = bytesPerSecond / 1000;
    this.#burst = this.#perMs * BURST_MS;
    this.#tokens = this.#burst;
    this.#filled = now;
  }

  /**
   * How long until `bytes` may go, in whole milliseconds; 0: now. What is more
   * than a burst goes when the bucket is full.
   */
  waitFor(bytes: number, now: number): number {
    this.#fill(now);
    const lacking = Math.min(bytes, this.#burst) - this.#tokens;
    return lacking <= 0 ? 0 : Math.ceil(lacking / this.#perMs);
  }

  /** `bytes` go; if they were not there, they are made up for before the next. */
  take(bytes: number, now: number): void {
    this.#fill(now);
    this.#tokens -= bytes;
  }

  #fill(now: number): void {
    const grown = this.#tokens + (now - this.#filled) * this.#perMs;
    this.#tokens = Math.min(this.#burst, grown);
    this.#filled = now;
  }
}
