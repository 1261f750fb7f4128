/** A watch of a directory that fails now and then. */
import { sleep } from "../../core/sleep.ts";
import { SyncError } from "../../errors.ts";
import { backoff } from "../../session/reconnect.ts";
import { systemClock } from "../../session/system_clock.ts";
import type { Reporter } from "../events.ts";

/** What a watch of a directory is kept going with. */
export interface FollowAgain {
  /** Counts the rounds that were carried out. */
  readonly follower: { readonly rounds: number };
  /** Ends it. */
  readonly signal: AbortSignal;
  readonly reporter: Reporter;
}

/**
 * Calls `follow` until the signal aborts: again, and after ever longer pauses,
 * where it fails.
 * @throws What it throws before the first round, or what no further try can mend.
 */
export async function followAgain(
  { follower, signal, reporter }: FollowAgain,
  follow: () => Promise<void>,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    const before = follower.rounds;
    try {
      await follow();
    } catch (error) {
      if (signal.aborted) return;
      const mayHeal = error instanceof SyncError && follower.rounds > 0;
      if (!mayHeal) throw error;
      failures = follower.rounds > before ? 1 : failures + 1;
      const delayMs = backoff(failures + 2, Math.random);
      const attempt = failures + 1;
      reporter.report({ kind: "retrying", attempt, delayMs, error });
      await sleep(delayMs, systemClock, signal);
    }
  }
}
