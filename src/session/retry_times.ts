/**
 * When something that could not be read is looked at again: no event tells that it
 * can be. PURE: told what time it is, in milliseconds of its owner's clock.
 */

/** After so long at first, then after twice as long each time, and at most. */
const FIRST_MS = 1_000;
const MAX_MS = 300_000;

/** The times of one tree. */
export class RetryTimes {
  #due = Infinity;
  #afterMs = 0;

  /** When it is due; Infinity: all can be read, or it is being tried. */
  get due(): number {
    return this.#due;
  }

  /** It is being tried again. */
  begin(): void {
    this.#due = Infinity;
  }

  /**
   * What a look has seen: whether something can't be read, and could be until then
   * (`new`), whether what can't be read is the `same` as before, or whether all can.
   */
  saw(what: "new" | "same" | "none", now: number): void {
    if (what === "none") {
      this.#due = Infinity;
      this.#afterMs = 0;
    } else if (what === "new" || this.#due === Infinity) {
      const isFirst = what === "new" || this.#afterMs === 0;
      this.#afterMs = isFirst ? FIRST_MS : Math.min(2 * this.#afterMs, MAX_MS);
      // Who looks at something else meanwhile does not put it off.
      this.#due = Math.min(this.#due, now + this.#afterMs);
    }
  }
}
