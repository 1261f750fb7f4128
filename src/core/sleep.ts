/** Waiting, on a clock that is handed in. */
import type { Clock } from "./clock.ts";
import { nextTurn } from "./turn.ts";

/** Turns of the event loop in a millisecond, at the most. */
const TURNS_PER_MS = 400;

/** Resolves after `ms` milliseconds, or as soon as `signal` is aborted; never rejects. */
export async function sleep(
  ms: number,
  clock: Clock,
  signal?: AbortSignal,
): Promise<void> {
  if (signal?.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(ms, resolve);
  const onAbort = (): void => resolve();
  signal?.addEventListener("abort", onAbort);
  try {
    await promise;
  } finally {
    cancel();
    signal?.removeEventListener("abort", onAbort);
  }
}

/**
 * As {@link sleep}, for up to a millisecond: a timer would take 2 ms more. The event
 * loop turns meanwhile, so it is for what happens now and then.
 */
export async function sleepBriefly(
  ms: number,
  clock: Clock,
  signal?: AbortSignal,
): Promise<void> {
  const end = clock.now() + ms;
  for (let turns = TURNS_PER_MS * ms; turns > 0; turns--) {
    if (signal?.aborted || clock.now() >= end) return;
    await nextTurn();
  }
  await sleep(Math.max(0, end - clock.now()), clock, signal);
}
