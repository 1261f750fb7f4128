/** Waiting, on a clock that is handed in. */
import type { Clock } from "./clock.ts";

/** Resolves after `ms` milliseconds, or as soon as `signal` is aborted; never rejects. */
export async function sleep(
  ms: number,
  clock: Clock,
  signal?: AbortSignal,
): Promise<void> {
  await wait((fn) => clock.after(ms, fn), signal);
}

/**
 * As {@link sleep}, for a millisecond or so, and exact. The processor is kept busy
 * meanwhile, so it is for what happens now and then.
 */
export async function sleepBriefly(
  ms: number,
  clock: Clock,
  signal?: AbortSignal,
): Promise<void> {
  await wait(
    (fn) => clock.afterMoment?.(ms, fn) ?? clock.after(ms, fn),
    signal,
  );
}

async function wait(
  begin: (fn: () => void) => () => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (signal?.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = begin(resolve);
  const onAbort = (): void => resolve();
  signal?.addEventListener("abort", onAbort);
  try {
    await promise;
  } finally {
    cancel();
    signal?.removeEventListener("abort", onAbort);
  }
}
