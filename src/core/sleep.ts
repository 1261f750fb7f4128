/** Waiting, on a clock that is handed in. */
import type { Clock } from "./clock.ts";

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
