/** `--log-file FILE`: where it may be, and opening it. */
import { basename, dirname, join } from "@std/path";
import { displayPath } from "../../core/path.ts";
import { UsageError } from "../../errors.ts";
import { fileSystemError } from "../../fs/deno_errors.ts";
import { liesWithin } from "../commands/overlap.ts";
import type { NamedDirectory } from "../commands/trash_option.ts";
import { OperationLog } from "./operation_log.ts";

/** The options of a log. */
export interface LogOptions {
  readonly logFile: string | undefined;
  readonly logMaxSize: number;
  readonly logKeep: number;
}

/**
 * Opens the log that `options` name, or answers undefined; its owner disposes of it.
 * @param trees None of them may hold it: each line would be a change to sync.
 * @param warn Hears what goes wrong with it later; must not throw.
 * @throws {UsageError} If it lies inside one of `trees`.
 * @throws {FileSystemError} If it can't be written to.
 */
export function openLog(
  { logFile, logMaxSize, logKeep }: LogOptions,
  trees: readonly NamedDirectory[],
  warn: (message: string) => void,
): OperationLog | undefined {
  if (logFile === undefined) return undefined;
  const path = realPathOf(logFile);
  for (const { option, path: tree } of trees) {
    if (!liesWithin(path, tree)) continue;
    throw new UsageError(
      `--log-file ${displayPath(logFile)} lies inside ${option} ${
        displayPath(tree)
      }`,
    );
  }
  return OperationLog.open(path, { maxSize: logMaxSize, keep: logKeep }, warn);
}

/** Where the system would write for `path`; only the last name may be missing. */
function realPathOf(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch {
    // It is missing: its directory has to be there.
  }
  try {
    return join(Deno.realPathSync(dirname(path)), basename(path));
  } catch (error) {
    throw fileSystemError(error, "write to the log", path);
  }
}
