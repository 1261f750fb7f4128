/** Small text files that options name. */
import { displayPath } from "../../core/path.ts";
import { messageOf, UsageError } from "../../errors.ts";

const MAX_BYTES = 1024 * 1024;

/** What the usual errors mean to people. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EACCES: "no permission",
  EISDIR: "it is no file",
};

/**
 * The text of the file `path` that `option` names.
 * @throws {UsageError} If it can't be read, or is none that one would write by hand.
 */
export function readOptionFile(option: string, path: string): string {
  try {
    const { isFile, size } = Deno.statSync(path);
    if (!isFile) throw unreadable(option, path, "it is no file");
    if (size > MAX_BYTES) throw unreadable(option, path, "it is too large");
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw unreadable(option, path, reasonOf(error), error);
  }
}

/** The error for a file of `option` that can't be taken, because of `reason`. */
export function unreadable(
  option: string,
  path: string,
  reason: string,
  cause?: unknown,
): UsageError {
  const message = `Cannot read ${option} ${displayPath(path)}: ${reason}`;
  return new UsageError(message, { cause });
}

/** What a failed call says, in words. */
export function reasonOf(error: unknown): string {
  const code = (error as { readonly code?: string } | undefined)?.code ?? "";
  return REASONS[code] ?? messageOf(error);
}
