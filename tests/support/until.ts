/** Waiting for a condition, not for a time. */

/**
 * Asks `probe` every few milliseconds until it answers something other than
 * undefined and false, and returns that.
 * @throws {Error} After `timeoutMs`; the message says `what` did not come.
 */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 30_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await probe();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > deadline) {
      throw new Error(`Waited ${timeoutMs} ms in vain: ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
}
