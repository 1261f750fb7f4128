/** Chance as an argument: the same seed gives the same run. */

/**
 * Where a test begins that has other cases in each soak: the seed of the run, if
 * it has one, else what is usual.
 */
export function seedOr(usual: number): number {
  const told = Deno.env.get("LOCKSTEP_SEED") ??
    Deno.env.get("LOCKSTEP_SOAK_SEED");
  return told === undefined ? usual : Number(told);
}

/** A seeded generator of random numbers: xorshift32 (Marsaglia 2003). */
export class Random {
  #state: number;

  constructor(seed: number) {
    // Small seeds are spread first; the state must never be 0.
    this.#state = (Math.imul(seed + 1, 0x9e3779b1) >>> 0) || 1;
    for (let i = 0; i < 8; i++) this.#step();
  }

  /** A whole number, 0 <= n < `limit`. */
  below(limit: number): number {
    return Math.floor(this.#step() / 2 ** 32 * limit);
  }

  /** A whole number, `least` <= n <= `most`. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** One of `items`, which is not empty. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** `length` bytes that do not compress. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const words = new Uint32Array(Math.ceil(length / 4));
    for (let i = 0; i < words.length; i++) words[i] = this.#step();
    return new Uint8Array(words.buffer, 0, length);
  }

  #step(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return this.#state = x >>> 0;
  }
}
