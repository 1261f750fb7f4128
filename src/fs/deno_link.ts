/** Reads where a symbolic link points. */

/** What Deno shows in place of bytes that are not UTF-8. */
export const REPLACEMENT = "\ufffd";

/**
 * Where the link at `path`, whose own stat is `info`, points.
 * @throws If that is not valid UTF-8: then it can't be told.
 */
export function readLinkAt(path: string, info: Deno.FileInfo): string {
  const target = Deno.readLinkSync(path);
  if (
    target.includes(REPLACEMENT) &&
    new TextEncoder().encode(target).length !== info.size
  ) {
    throw new Error("it points to a path that is not valid UTF-8");
  }
  return target;
}
