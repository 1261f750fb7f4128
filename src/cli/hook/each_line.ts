/** Text that comes in bytes, line by line. */

/** A longer line is cut into several. */
export const MAX_LINE_LENGTH = 4_096;

/**
 * Calls `take` for each line of `stream`, to its end or until `signal` is aborted;
 * the last line needs no end. What is not UTF-8 is replaced. Never rejects.
 */
export async function eachLine(
  stream: ReadableStream<Uint8Array>,
  take: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  const onAbort = (): void => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", onAbort);
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      rest += done ? decoder.decode() : decoder.decode(value, { stream: true });
      const lines = rest.split("\n");
      rest = lines.pop()!;
      for (const line of lines) takeParts(line);
      while (rest.length > MAX_LINE_LENGTH) {
        take(rest.slice(0, MAX_LINE_LENGTH));
        rest = rest.slice(MAX_LINE_LENGTH);
      }
      if (done) break;
    }
  } catch {
    // What has come so far was taken.
  } finally {
    signal.removeEventListener("abort", onAbort);
    reader.releaseLock();
  }
  if (rest !== "") take(rest);

  function takeParts(line: string): void {
    const text = line.endsWith("\r") ? line.slice(0, -1) : line;
    for (let at = 0; at === 0 || at < text.length; at += MAX_LINE_LENGTH) {
      take(text.slice(at, at + MAX_LINE_LENGTH));
    }
  }
}
