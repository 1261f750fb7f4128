/**
 * What both sides of a two-way sync have lost lately: deletions that follow each
 * other closely are one for the guards, however many runs carry them out.
 */
import type { Clock } from "../core/clock.ts";
import type { TwoWaySide } from "../core/conflict.ts";
import type { Loss } from "../core/losses.ts";
import { BURST_MS } from "./recent_deletions.ts";

/** Deletions that follow each other closely, and how much there was before. */
export interface RecentLosses {
  readonly lost: Readonly<Record<TwoWaySide, Loss[]>>;
  /** Entries of both sides before the first of them; set by the next run. */
  entries: Readonly<Record<TwoWaySide, number>> | undefined;
}

/** The losses of runs that follow each other. */
export class LossBurst {
  readonly #clock: Clock;
  #losses = noLosses();
  #counted = 0;
  #last = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What the next run is given, and adds to. */
  begin(): RecentLosses {
    if (this.#clock.now() - this.#last > BURST_MS) this.forget();
    return this.#losses;
  }

  /** That run is over, however it ended. */
  end(): void {
    const count = countOf(this.#losses);
    if (count > this.#counted) this.#last = this.#clock.now();
    this.#counted = count;
  }

  /** What was lost so far was meant. */
  forget(): void {
    this.#losses = noLosses();
    this.#counted = 0;
  }
}

function noLosses(): RecentLosses {
  return { lost: { alpha: [], beta: [] }, entries: undefined };
}

function countOf({ lost }: RecentLosses): number {
  return lost.alpha.length + lost.beta.length;
}
