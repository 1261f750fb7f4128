/**
 * When compressing pays, and how hard to do it. Pure: it is told what was sent,
 * granted and packed, and when, and answers with a level.
 *
 * While the link is at work on a unit of content, the sender could have packed
 * the next one. For the rest of that time it is blocked:
 *
 *     blocked = 1 - (time to pack a unit) / (time the link takes for it)
 *
 * Where that is over one half, the next level is tried; where hardly anything is
 * left of it, or the link runs dry, it goes back a level, and tries again only
 * after a pause, which doubles each time. Below the first level nothing is packed.
 */
import { LinkRate } from "./link_rate.ts";

/** How hard to compress, from step to step; above, a percent costs half the speed. */
export const LEVELS: readonly number[] = [1, 3, 6, 9];

/** For whom compression is to be on: the level that zstd takes by itself. */
export const STEADY_LEVEL = 3;

/** A link that takes so many bytes per second is not waited for. */
const FAST_LINK = 80e6;

/** What keeps more than this share of its length was not worth the work. */
const HARDLY_SMALLER = 0.9;

const BLOCKED_ENOUGH = 0.5;
const BLOCKED_HARDLY = 0.1;

/** Highest step before the link is known: it may be its peer that begins slowly. */
const DOUBTFUL_STEP = 1;

/** So much faster content has to get across, or packing it is in vain. */
const WORTH_IT = 1.1;

/** Units to pack at a level before it is judged. */
const UNITS_TO_JUDGE = 2;
const TRIAL_MS = 500;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

/** Says what to do with the content of one session; times are in milliseconds. */
export interface CompressionPolicy {
  /** The level of zstd for the next unit; undefined: send it as it is. */
  level(now: number): number | undefined;
  /** A unit at that level is done. */
  packed(unit: PackedUnit, now: number): void;
  /** Frames of `bytes` in all were sent. */
  sent(bytes: number, now: number): void;
  /** The peer is done with `bytes` of them. */
  granted(bytes: number, now: number): void;
}

/** A unit of content: its bytes, what they became, and how long that took. */
export interface PackedUnit {
  readonly plainBytes: number;
  readonly packedBytes: number;
  readonly ms: number;
}

/** Packs all there is, always alike. */
export class SteadyCompression implements CompressionPolicy {
  level(): number {
    return STEADY_LEVEL;
  }
  packed(): void {}
  sent(): void {}
  granted(): void {}
}

/** Packs as hard as it pays. */
export class AdaptiveCompression implements CompressionPolicy {
  readonly #link: LinkRate;
  /** Place in {@link LEVELS}; below 0 nothing is packed. The first unit is. */
  #step = 0;
  /** Whether packing is known to be of use: else that is still to be found out. */
  #isProven = false;
  /** What was packed at this step. */
  #units: PackedUnit[] = [];
  /** How fast content got across unpacked, and since when it is being packed. */
  #trial: { readonly rate: number; readonly since: number } | undefined;
  readonly #untilRaised = new Pause();
  readonly #untilOn = new Pause();
  readonly #skipping = new Pause();

  /** @param limit What the link is held to, in bytes per second, where it is. */
  constructor(limit = Infinity) {
    this.#link = new LinkRate(limit);
  }

  level(now: number): number | undefined {
    if (this.#skipping.lasts(now)) return undefined;
    if (this.#step < 0 && this.#pays(now)) {
      this.#trial = { rate: this.#link.atMost(now), since: now };
      this.#goTo(0);
    }
    return LEVELS[this.#step];
  }

  packed(unit: PackedUnit, now: number): void {
    if (unit.packedBytes > unit.plainBytes * HARDLY_SMALLER) {
      this.#skipping.begin(now);
      return;
    }
    this.#skipping.forget();
    this.#units.push(unit);
    if (this.#units.length > UNITS_TO_JUDGE) this.#units.shift();
    if (this.#step < 0 || this.#units.length < UNITS_TO_JUDGE) return;
    const [plainBytes, packedBytes, ms] = totalsOf(this.#units);
    const blockedAt = (rate: number): number =>
      1 - ms / 1000 * rate / packedBytes;

    const { isDry, measured } = this.#link;
    // What has not been of use yet needs a better reason to go on.
    const enough = this.#isProven || this.#trial !== undefined
      ? BLOCKED_HARDLY
      : BLOCKED_ENOUGH;
    const isHardlyBlocked = measured !== undefined &&
      blockedAt(measured) < enough;
    if (isDry || isHardlyBlocked) {
      this.#untilRaised.begin(now);
      if (this.#step === 0 || !this.#isProven) this.#untilOn.begin(now);
      return this.#goTo(this.#isProven ? this.#step - 1 : -1);
    }
    if (this.#trial !== undefined) {
      const { rate, since } = this.#trial;
      if (measured === undefined || now - since < TRIAL_MS) return;
      this.#trial = undefined;
      if (measured * plainBytes / packedBytes < rate * WORTH_IT) {
        this.#isProven = false;
        this.#untilOn.begin(now);
        return this.#goTo(-1);
      }
      this.#isProven = true;
      this.#untilOn.forget();
    }
    const highest = measured === undefined ? DOUBTFUL_STEP : LEVELS.length - 1;
    const mayRaise = this.#step < highest && !this.#untilRaised.lasts(now);
    if (mayRaise && blockedAt(this.#link.atMost(now)) > BLOCKED_ENOUGH) {
      this.#isProven = measured !== undefined;
      this.#goTo(this.#step + 1);
    }
  }

  sent(bytes: number, now: number): void {
    this.#link.sent(bytes, now);
  }

  granted(bytes: number, now: number): void {
    this.#link.granted(bytes, now);
  }

  /** Whether what is not packed now might get across faster if it were. */
  #pays(now: number): boolean {
    const { isDry, measured = Infinity } = this.#link;
    return !this.#untilOn.lasts(now) && !isDry && measured < FAST_LINK;
  }

  #goTo(step: number): void {
    // A peer that is busy with content, and not the link, takes less of it packed.
    if (step < 0 || this.#step < 0) this.#link.forget();
    this.#step = step;
    this.#units = [];
  }
}

/** Keeps from doing again what was no use: twice as long each time. */
class Pause {
  #until = -Infinity;
  #nextMs = FIRST_PAUSE_MS;

  begin(now: number): void {
    this.#until = now + this.#nextMs;
    this.#nextMs = Math.min(2 * this.#nextMs, LONGEST_PAUSE_MS);
  }

  lasts(now: number): boolean {
    return now < this.#until;
  }

  /** It was of use after all. */
  forget(): void {
    this.#nextMs = FIRST_PAUSE_MS;
  }
}

function totalsOf(units: readonly PackedUnit[]): [number, number, number] {
  let plain = 0, packed = 0, ms = 0;
  for (const unit of units) {
    plain += unit.plainBytes;
    packed += unit.packedBytes;
    ms += unit.ms;
  }
  return [plain, packed, ms];
}
