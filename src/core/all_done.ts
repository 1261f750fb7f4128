/** Waiting for several things that are done at the same time. */

/**
 * Resolves when all of `works` have ended, so that nothing goes on behind the back
 * of whoever waits.
 * @throws The failure of the first in the list that has failed.
 */
export async function allDone(
  works: Iterable<Promise<unknown> | undefined>,
): Promise<void> {
  for (const result of await Promise.allSettled(works)) {
    if (result.status === "rejected") throw result.reason;
  }
}
