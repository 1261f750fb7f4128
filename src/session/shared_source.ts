/**
 * What several endpoints of one directory do once, and share: they are sources of
 * different targets at the same time, each with numbers and a pace of its own.
 */
import type { Clock } from "../core/clock.ts";
import type { ScanOptions } from "../core/snapshot.ts";
import type { ScannedSnapshot } from "../fs/scan.ts";

/** A scan that ended longer ago than this says too little of what is there now. */
const FRESH_MS = 2_000;

interface Made {
  readonly snapshot: Promise<ScannedSnapshot>;
  /** Undefined while it is under way. */
  endedAt: number | undefined;
}

/** The scan with which each of several endpoints begins. */
export class SharedScan {
  readonly #clock: Clock;
  /** By the options, as JSON. */
  readonly #made = new Map<string, Made>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A scan that is under way or has just ended, if there is one; else that of `scan`. */
  begin(
    options: ScanOptions,
    scan: () => Promise<ScannedSnapshot>,
  ): Promise<ScannedSnapshot> {
    const key = JSON.stringify(options);
    const last = this.#made.get(key);
    if (last !== undefined && this.#isFresh(last)) return last.snapshot;
    const made: Made = { snapshot: scan(), endedAt: undefined };
    this.#made.set(key, made);
    made.snapshot.then(
      () => made.endedAt = this.#clock.now(),
      () => {
        // Whoever comes next tries anew.
        if (this.#made.get(key) === made) this.#made.delete(key);
      },
    );
    return made.snapshot;
  }

  #isFresh({ endedAt }: Made): boolean {
    return endedAt === undefined || this.#clock.now() - endedAt < FRESH_MS;
  }
}
