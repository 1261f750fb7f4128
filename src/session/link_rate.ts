/** How fast a link takes what is sent, as its grants of credit tell. Pure. */

/** Grants are collected at the other end; at most so much was taken unheard. */
const GRANT_BYTES = 256 * 1024;

/** Grants come in bursts: shorter stretches say nothing of the rate. */
const MIN_SAMPLE_MS = 20;

/** How much the last stretch counts beside those before. */
const WEIGHT = 0.5;

/** Follows one session; times are in milliseconds, rates in bytes per second. */
export class LinkRate {
  readonly #limit: number;
  /** Bytes that were sent and not yet granted. */
  #inFlight = 0;
  #measured: number | undefined;
  /** Begin of the stretch that is measured, and what was granted in it. */
  #since = 0;
  #taken = 0;
  #lastGrant = 0;
  /** Whether the stretch began with a grant, and not with the first bytes sent. */
  #isWarm = false;
  #isDry = false;

  /** @param limit What the link is held to, where that is known. */
  constructor(limit = Infinity) {
    this.#limit = limit;
  }

  /** Whether the peer had taken all there was when it granted last. */
  get isDry(): boolean {
    return this.#isDry;
  }

  /** What the link was seen to take; undefined until that is known. */
  get measured(): number | undefined {
    return this.#measured && Math.min(this.#measured, this.#limit);
  }

  /** What it takes at most: the longer nothing is granted, the less. */
  atMost(now: number): number {
    const bound = this.#inFlight > GRANT_BYTES
      ? GRANT_BYTES / (now - this.#lastGrant) * 1000
      : Infinity;
    return Math.min(bound, this.#measured ?? Infinity, this.#limit);
  }

  /** What comes is of another kind: the rate is to be measured anew. */
  forget(): void {
    this.#measured = undefined;
  }

  sent(bytes: number, now: number): void {
    if (this.#inFlight <= GRANT_BYTES) {
      // Until now it had nothing to do.
      this.#lastGrant = this.#since = now;
      this.#taken = 0;
      this.#isWarm = false;
    }
    this.#inFlight += bytes;
  }

  granted(bytes: number, now: number): void {
    this.#inFlight -= bytes;
    this.#taken += bytes;
    this.#lastGrant = now;
    this.#isDry = this.#inFlight <= GRANT_BYTES;
    const ms = now - this.#since;
    if (!this.#isWarm) {
      // Until the first grant, the way there and back counts, and the peer's start.
      this.#isWarm = true;
      this.#since = now;
      this.#taken = 0;
      return;
    }
    if (ms < MIN_SAMPLE_MS) return;
    const sample = this.#taken / ms * 1000;
    const before = this.#measured ?? sample;
    const rate = WEIGHT * sample + (1 - WEIGHT) * before;
    // It could have taken more, had there been any.
    this.#measured = this.#isDry ? Math.max(before, rate) : rate;
    this.#since = now;
    this.#taken = 0;
  }
}
