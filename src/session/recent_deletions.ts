/** What was deleted lately: what goes slowly enough would pass any limit. */
import type { Change } from "../core/change.ts";
import type { Clock } from "../core/clock.ts";
import { isLeaving } from "../core/losses.ts";

/** Deletions that follow each other more closely than this are one. */
export const BURST_MS = 10_000;

/** The deletions of a burst, which is over when none has been added for a while. */
export class RecentDeletions {
  readonly #clock: Clock;
  #burst: Change[] = [];
  /** When the last one was added. */
  #last = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Those of the burst that is not over; what is added later is not in the answer. */
  current(): readonly Change[] {
    if (this.#clock.now() - this.#last > BURST_MS) this.#burst = [];
    return [...this.#burst];
  }

  /** What was deleted so far was meant. */
  forget(): void {
    this.#burst = [];
  }

  /** Adds those of `changes` that delete something, or make room for another kind. */
  add(changes: readonly Change[]): void {
    for (const change of changes) {
      if (!isLeaving(change)) continue;
      this.#burst.push(change);
      this.#last = this.#clock.now();
    }
  }
}
