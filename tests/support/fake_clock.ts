/** A clock that goes when a test says so. */
import { setImmediate } from "node:timers";
import type { Clock } from "../../src/core/clock.ts";

interface Timer {
  readonly at: number;
  readonly fn: () => void;
}

/** Starts at 0; timers run in order of their time. */
export class FakeClock implements Clock {
  #now = 0;
  #timers: Timer[] = [];

  /** How many timers are set. */
  get timers(): number {
    return this.#timers.length;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, fn: () => void): () => void {
    const timer = { at: this.#now + ms, fn };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Lets `ms` go by; promises get their turn after each timer. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end)
        .sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#now = Math.max(this.#now, due.at);
      this.#run(due);
      await settle();
    }
    this.#now = end;
    await settle();
  }

  /** `ms` go by at once, as for a process that was stopped: timers come late. */
  async stall(ms: number): Promise<void> {
    this.#now += ms;
    for (const timer of [...this.#timers]) {
      if (timer.at <= this.#now) this.#run(timer);
    }
    await settle();
  }

  #run(timer: Timer): void {
    this.#timers = this.#timers.filter((other) => other !== timer);
    timer.fn();
  }
}

/** Lets everything happen that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
