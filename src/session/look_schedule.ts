/**
 * When a watch looks at its source: for how long changes are collected while they
 * keep coming, and when all of it is looked at. PURE: it is told what time it is, in
 * milliseconds of whatever clock its owner goes by.
 */

import { RetryTimes } from "./retry_times.ts";

/** Whoever makes a file writes to it in the next moment. */
export const MOMENT_MS = 1;

/** Changes are collected while they keep coming: for so long at first, and at most. */
const FIRST_COLLECT_MS = 5;
const MAX_COLLECT_MS = 100;

/** A silence as long as one part in so many of that ends the collecting. */
const SILENCE_SHARE = 10;

/** What comes so soon after the last look comes in a row: more of it is collected. */
const IN_A_ROW_MS = 25;

/** Bounds of the time between two whole scans where the tree is not watched. */
const MIN_POLL_MS = 1_000;
const MAX_POLL_MS = 60_000;

/** Polling is to take no more than one part in so many of the time. */
const POLL_SHARE = 20;

/** After a flood of events, a whole scan may take one part in so many of the time. */
const FLOOD_SHARE = 10;

/** After this, watching is tried again. */
const WATCH_AGAIN_MS = 60_000;

/** When something has ended, and how long it took. */
interface Past {
  readonly at: number;
  readonly tookMs: number;
}

/** The times of one watch: what has happened when, and what is due when. */
export class LookSchedule {
  readonly #rescanMs: number;
  #lastScan: Past = { at: 0, tookMs: 0 };
  #lastLook: Past = { at: -Infinity, tookMs: 0 };
  /** When watching is tried again; never while the whole tree is watched. */
  #nextWatch = Infinity;
  /** When all is looked at because of a flood of events. */
  #nextAfterFlood = Infinity;
  readonly #retries = new RetryTimes();
  /** When something has become dirty since the last look: first, and last. */
  #dirtied: { readonly since: number; last: number } | undefined;
  /** Since when changes are collected, or were last, and for how long at the most. */
  #collecting = { since: 0, ms: FIRST_COLLECT_MS };

  /** @param rescanMs Milliseconds between whole scans of a watched tree; 0: none. */
  constructor(rescanMs: number) {
    this.#rescanMs = rescanMs;
  }

  /** When the next thing is due, if nothing becomes dirty before. */
  get nextDue(): number {
    return Math.min(this.#nextScan, this.#nextWatch, this.#retries.due);
  }

  /** Whether what could not be read is to be tried again. */
  isRetryDue(now: number): boolean {
    return now >= this.#retries.due;
  }

  /** Whether all is to be looked at. */
  isScanDue(now: number): boolean {
    return now >= this.#nextScan;
  }

  /** Whether watching is to be tried again. */
  isWatchDue(now: number): boolean {
    return now >= this.#nextWatch;
  }

  get #nextScan(): number {
    const { at, tookMs } = this.#lastScan;
    const isWatched = this.#nextWatch === Infinity;
    const pollMs = Math.min(
      MAX_POLL_MS,
      Math.max(MIN_POLL_MS, tookMs * POLL_SHARE),
    );
    const usual = this.#rescanMs > 0 ? this.#rescanMs : Infinity;
    return Math.min(at + (isWatched ? usual : pollMs), this.#nextAfterFlood);
  }

  /** What could not be read is being tried again. */
  retried(): void {
    this.#retries.begin();
  }

  /** What a look has seen, see {@link RetryTimes}. */
  sawUnreadable(now: number, what: "new" | "same" | "none"): void {
    this.#retries.saw(what, now);
  }

  /** The whole tree is watched from now on. */
  watched(): void {
    this.#nextWatch = Infinity;
  }

  /** The tree, or a part of it, is not watched any more. */
  unwatched(now: number): void {
    this.#nextWatch = now + WATCH_AGAIN_MS;
  }

  /** Something has become dirty. */
  dirtied(now: number): void {
    if (this.#dirtied === undefined) this.#dirtied = { since: now, last: now };
    else this.#dirtied.last = now;
  }

  /**
   * Events may be lost: all is looked at, soon but not over and over. What was
   * heard of comes first.
   */
  flooded(now: number): void {
    // A flood that comes while another is waited for is covered by it.
    if (this.#nextAfterFlood !== Infinity) return;
    const { at, tookMs } = this.#lastScan;
    this.#nextAfterFlood = Math.max(
      now + MIN_POLL_MS,
      at + tookMs * FLOOD_SHARE,
    );
  }

  /**
   * Begins to collect: the longer, the longer changes come in a row.
   * @param isAsked Whether somebody waits for the look.
   */
  collect(now: number, isAsked: boolean): void {
    const { at, tookMs } = this.#lastLook;
    const isInARow = !isAsked &&
      (this.#dirtied?.since ?? now) - at < IN_A_ROW_MS;
    const wanted = isInARow ? Math.max(2 * this.#collecting.ms, tookMs) : 0;
    const ms = Math.min(MAX_COLLECT_MS, Math.max(FIRST_COLLECT_MS, wanted));
    this.#collecting = { since: now, ms };
  }

  /**
   * For how many milliseconds to collect still, if nothing comes meanwhile: until
   * there is silence for a moment, or long enough if there is none.
   */
  leftToCollect(now: number): number {
    const { since, ms } = this.#collecting;
    const silence = Math.max(MOMENT_MS, ms / SILENCE_SHARE);
    const quiet = (this.#dirtied?.last ?? since) + silence;
    return Math.min(quiet, since + ms) - now;
  }

  /** What was dirty is looked at now, be it all there is. */
  looking(isEverything: boolean): void {
    this.#dirtied = undefined;
    if (isEverything) this.#nextAfterFlood = Infinity;
  }

  /** All was looked at, from `start` to `end`. */
  scanned(start: number, end: number): void {
    this.#lastScan = { at: end, tookMs: end - start };
  }

  /** A look is through that has begun at `start`. */
  looked(start: number, end: number): void {
    this.#lastLook = { at: end, tookMs: end - start };
  }
}
