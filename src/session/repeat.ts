/** Rounds one after the other, never two at once, until somebody stops them. */
import type { Clock } from "../core/clock.ts";
import { sleep } from "../core/sleep.ts";

/** When rounds come. */
export interface RepeatOptions {
  /** From the end of a round to the start of the next, in milliseconds. */
  readonly intervalMs: number;
  readonly clock: Clock;
  /** Once it is aborted, no round begins; one that is under way is awaited. */
  readonly signal: AbortSignal;
}

/** Does `round` again and again. @throws What a round throws. */
export async function repeat(
  round: () => Promise<void>,
  { intervalMs, clock, signal }: RepeatOptions,
): Promise<void> {
  while (!signal.aborted) {
    await round();
    await sleep(intervalMs, clock, signal);
  }
}
