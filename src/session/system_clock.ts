/** The clock of this machine: monotonic, whatever happens to the time of day. */
import type { Clock } from "../core/clock.ts";

/** The clock of this machine. */
export const systemClock: Clock = {
  now: (): number => performance.now(),
  after(ms, fn): () => void {
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  },
};
