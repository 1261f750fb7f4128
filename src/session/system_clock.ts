/** The clock of this machine: monotonic, whatever happens to the time of day. */
import type { Clock } from "../core/clock.ts";
import { nextTurn } from "../core/turn.ts";

/** The clock of this machine. */
export const systemClock: Clock = {
  now: (): number => performance.now(),
  after(ms, fn): () => void {
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  },
  afterMoment(ms, fn): () => void {
    const end = performance.now() + ms;
    let isCancelled = false;
    const turn = async (): Promise<void> => {
      while (performance.now() < end && !isCancelled) await nextTurn();
      if (!isCancelled) fn();
    };
    void turn();
    return () => {
      isCancelled = true;
    };
  },
};
