/** How often something may fail, and how long to wait before it is tried again. */

/** When a process that fails is given up. */
export interface FailureLimits {
  /** So many failures … */
  readonly count: number;
  /** … within so many milliseconds. */
  readonly withinMs: number;
}

const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 30_000;

/** Counts failures of the last while. */
export class Failures {
  readonly #limits: FailureLimits;
  #times: readonly number[] = [];

  constructor(limits: FailureLimits) {
    this.#limits = limits;
  }

  /**
   * Notes one at the time `now`.
   * @returns Milliseconds until the next try; undefined: there have been too many.
   */
  note(now: number): number | undefined {
    const { count, withinMs } = this.#limits;
    this.#times = [...this.#times.filter((at) => now - at < withinMs), now];
    const failures = this.#times.length;
    if (failures >= count) return undefined;
    return Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (failures - 1));
  }

  /** How many there were lately. */
  get count(): number {
    return this.#times.length;
  }

  /** They count no more. */
  forget(): void {
    this.#times = [];
  }
}
