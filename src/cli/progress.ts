/** How far a transfer is: counts, rate and the time that is left. */
import type { ChangeTotals } from "../core/change.ts";
import type { RelPath } from "../core/path.ts";

/** A transfer at one moment. */
export interface Progress {
  readonly files: number;
  readonly filesTotal: number;
  readonly bytes: number;
  readonly bytesTotal: number;
  readonly bytesPerSecond: number;
  /** Until the end at this rate; undefined while that can't be told. */
  readonly remainingMs: number | undefined;
  readonly path: RelPath | undefined;
}

/** The rate is taken over the last so many milliseconds. */
const WINDOW_MS = 5_000;

/** At most so many moments are remembered for that. */
const SAMPLE_MS = 250;

/** Follows one transfer. */
export class ProgressMeter {
  readonly #totals: ChangeTotals;
  /** Moments within the window, the oldest first. */
  readonly #samples: { time: number; bytes: number }[];

  /** `now` is in milliseconds, as in {@link update}. */
  constructor(totals: ChangeTotals, now: number) {
    this.#totals = totals;
    this.#samples = [{ time: now, bytes: 0 }];
  }

  /** Takes a count and answers where that stands. */
  update(
    count: {
      readonly files: number;
      readonly bytes: number;
      readonly path: RelPath | undefined;
    },
    now: number,
  ): Progress {
    const samples = this.#samples;
    if (now - samples.at(-1)!.time >= SAMPLE_MS) {
      samples.push({ time: now, bytes: count.bytes });
    }
    while (samples.length > 2 && now - samples[1]!.time >= WINDOW_MS) {
      samples.shift();
    }
    const { time, bytes } = samples[0]!;
    const elapsed = now - time;
    const bytesPerSecond = elapsed > 0
      ? (count.bytes - bytes) / elapsed * 1_000
      : 0;
    const left = Math.max(0, this.#totals.bytes - count.bytes);
    return {
      ...count,
      filesTotal: this.#totals.files,
      bytesTotal: this.#totals.bytes,
      bytesPerSecond,
      remainingMs: bytesPerSecond > 0
        ? left / bytesPerSecond * 1_000
        : undefined,
    };
  }
}
