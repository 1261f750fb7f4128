/**
 * How often an address may fail. PURE but for the clock it is given: it decides,
 * and whoever asks acts on it.
 */
import type { Clock } from "../core/clock.ts";

/** What a {@link FailureLimit} puts up with. */
export interface FailureLimits {
  /** So many failures of one address in one window, and no more. */
  readonly failures: number;
  /** A window begins with the first failure and is this long, in milliseconds. */
  readonly windowMs: number;
  /** So many addresses are remembered; then the oldest window is forgotten. */
  readonly addresses: number;
}

interface Window {
  readonly end: number;
  failures: number;
}

/** Counts failures by address. */
export class FailureLimit {
  readonly #clock: Clock;
  readonly #limits: FailureLimits;
  /** In the order in which they began, so also in which they end. */
  readonly #windows = new Map<string, Window>();

  constructor(clock: Clock, limits: FailureLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** How many addresses are remembered now. */
  get addresses(): number {
    return this.#windows.size;
  }

  /** How long `address` has to wait before its next try, in milliseconds. */
  waitMs(address: string): number {
    this.#forget();
    const window = this.#windows.get(address);
    if (window === undefined || window.failures < this.#limits.failures) {
      return 0;
    }
    return window.end - this.#clock.now();
  }

  /**
   * Counts a failure of `address`, or with `counts` false only remembers that
   * it was here: whether it is the first in its window, and so worth a line.
   */
  record(address: string, counts: boolean): boolean {
    this.#forget();
    const failures = counts ? 1 : 0;
    const window = this.#windows.get(address);
    if (window !== undefined) {
      window.failures += failures;
      return false;
    }
    if (this.#windows.size >= this.#limits.addresses) {
      const [oldest] = this.#windows.keys();
      if (oldest !== undefined) this.#windows.delete(oldest);
    }
    const end = this.#clock.now() + this.#limits.windowMs;
    this.#windows.set(address, { end, failures });
    return true;
  }

  #forget(): void {
    const now = this.#clock.now();
    for (const [address, { end }] of this.#windows) {
      if (end > now) return;
      this.#windows.delete(address);
    }
  }
}
