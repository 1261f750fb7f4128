/** What kind of problem it is when a change can't be carried out. */
import type { ProblemCode } from "../core/problem.ts";
import { isFileSystemError, StaleError } from "../errors.ts";

/** "stale" where the tree is not what the scan saw: then the next round may help. */
export function problemCodeOf(error: unknown): ProblemCode {
  return error instanceof StaleError ||
      isFileSystemError(error, "exists") ||
      isFileSystemError(error, "not-found") ||
      isFileSystemError(error, "not-a-directory") ||
      isFileSystemError(error, "is-a-directory") ||
      isFileSystemError(error, "not-empty")
    ? "stale"
    : "failed";
}
