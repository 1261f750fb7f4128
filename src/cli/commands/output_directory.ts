/** The directory that `lockstep listen` writes to. */
import { closeSync, constants, openSync } from "node:fs";
import { dirname } from "@std/path";
import { displayPath } from "../../core/path.ts";
import { UsageError } from "../../errors.ts";
import { fileSystemError, systemCodeOf } from "../../fs/deno_errors.ts";
import type { DenoFileSystem } from "../../fs/deno_fs.ts";

/** Linux: opens a new file that has no name, in the directory that is named. */
const O_TMPFILE = 0o20000000 | (constants.O_DIRECTORY ?? 0);

/** Any other error says only that the file system has no such files. */
const NOT_WRITABLE: readonly (string | undefined)[] = [
  "EACCES",
  "EPERM",
  "EROFS",
];

/**
 * Makes the directory, so that what is wrong with it shows before anybody connects.
 * @throws {UsageError} If it is the root of the file system.
 * @throws {FileSystemError} If it can't be made, or not be written to.
 */
export async function makeOutputDirectory(
  fileSystem: DenoFileSystem,
  path: string,
): Promise<string> {
  const root = await fileSystem.openRoot(path, { create: true });
  root.close();
  const real = await Deno.realPath(path);
  // Whatever is not at the sender would go: from the whole system.
  if (dirname(real) === real) {
    throw new UsageError(
      `--output-dir ${displayPath(real)} is the whole system`,
    );
  }
  checkWritable(real);
  return real;
}

/** Leaves no trace; `node:fs` has `access`, but it looks at the mode only. */
function checkWritable(path: string): void {
  if (Deno.build.os !== "linux") return;
  try {
    closeSync(openSync(path, O_TMPFILE | constants.O_WRONLY, 0o600));
  } catch (error) {
    if (!NOT_WRITABLE.includes(systemCodeOf(error))) return;
    throw fileSystemError(error, "write to", path);
  }
}
