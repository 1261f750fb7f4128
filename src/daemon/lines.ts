/** Lines of a stream, within limits. */

/** More than a configuration with all workspaces takes. */
const MAX_LINE_LENGTH = 8 * 1024 * 1024;

/**
 * The lines of `stream`, which is UTF-8. What has no end is a line as well.
 * @throws {RangeError} If a line is longer than that.
 */
export async function* linesOf(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  maxLength = MAX_LINE_LENGTH,
): AsyncGenerator<string> {
  let parts: string[] = [];
  let length = 0;
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const [first, ...others] = text.split("\n");
    parts.push(first!);
    length += first!.length;
    for (const other of others) {
      yield parts.join("");
      parts = [other];
      length = other.length;
    }
    if (length > maxLength) {
      throw new RangeError(`A line has more than ${maxLength} characters`);
    }
  }
  if (length > 0) yield parts.join("");
}
