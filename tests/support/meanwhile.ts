/** Being at work while something else is. */

/**
 * Calls `move` again and again until `work` is done; answers how often, too. Where
 * `move` throws, that is thrown once `work` is done.
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
  const [worked, moved] = await Promise.allSettled([working, moving()]);
  for (const end of [moved, worked]) {
    if (end.status === "rejected") throw end.reason;
  }
  return { result: await working, moves };
}
