/** Being at work while something else is. */

/**
 * Calls `move` again and again until `work` is done; answers how often, too. What
 * `move` throws ends the waiting.
 */
export async function meanwhile<T>(
  move: (count: number) => void,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly moves: number }> {
  let moves = 0;
  let done = false;
  const moving = async (): Promise<void> => {
    while (!done) {
      move(moves++);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  };
  const working = work().finally(() => done = true);
  const [result] = await Promise.all([working, moving()]);
  return { result, moves };
}
