/**
 * How often an address may fail, and what of it is worth a line in a log. PURE
 * but for the clock it is given: it decides, and whoever asks acts on it.
 */
import type { Clock } from "../core/clock.ts";

/** What a {@link FailureLimit} puts up with. */
export interface FailureLimits {
  /** So many failures of one address in one window, and no more. */
  readonly failures: number;
  /** A window begins with the first that is heard of an address; in milliseconds. */
  readonly windowMs: number;
  /** So many addresses are remembered; then the oldest window is forgotten. */
  readonly addresses: number;
}

interface Window {
  readonly end: number;
  failures: number;
  /** What was told of it. */
  readonly told: Set<string>;
}

/** Counts failures by address, and remembers what was told of each. */
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

  /** Counts a failure of `address`: whether it is the last that it has. */
  fail(address: string): boolean {
    return ++this.#windowOf(address).failures === this.#limits.failures;
  }

  /**
   * Whether `what` is heard of `address` for the first time in its window, and so
   * worth a line. There are but a few different ones.
   */
  isNew(address: string, what: string): boolean {
    const { told } = this.#windowOf(address);
    if (told.has(what)) return false;
    told.add(what);
    return true;
  }

  #windowOf(address: string): Window {
    this.#forget();
    const known = this.#windows.get(address);
    if (known !== undefined) return known;
    if (this.#windows.size >= this.#limits.addresses) {
      const [oldest] = this.#windows.keys();
      if (oldest !== undefined) this.#windows.delete(oldest);
    }
    const end = this.#clock.now() + this.#limits.windowMs;
    const window = { end, failures: 0, told: new Set<string>() };
    this.#windows.set(address, window);
    return window;
  }

  #forget(): void {
    const now = this.#clock.now();
    for (const [address, { end }] of this.#windows) {
      if (end > now) return;
      this.#windows.delete(address);
    }
  }
}
