/** `lockstep trash empty`: removes what is in a trash for good. */
import { isFileSystemError } from "../../errors.ts";
import { DenoFileSystem } from "../../fs/deno_fs.ts";
import { listFolders } from "../../fs/trash_contents.ts";
import { removeFolder } from "../../fs/trash_folder.ts";
import type { OptionsOf } from "../args.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import type { TrashEvent } from "../trash_report.ts";
import type { CommandContext } from "./context.ts";

/** Runs the command. @throws {SyncError} */
export async function trashEmpty(
  options: OptionsOf<"trash empty">,
  { reporter, signal }: CommandContext,
): Promise<ExitCode> {
  const { olderThan = 0 } = options;
  const before = Date.now() - olderThan;
  let count = 0;
  let leftOut = 0;
  const trash = await new DenoFileSystem().openRoot(options.trash);
  try {
    const { folders, strangers } = await listFolders(trash);
    for (const folder of folders) {
      if (folder.time.getTime() > before) continue;
      signal.throwIfAborted();
      try {
        await removeFolder(trash, folder.stamp);
        count++;
        report({ kind: "removed", folder });
      } catch (error) {
        if (!isFileSystemError(error)) throw error;
        leaveOut(folder.stamp, error.message);
      }
    }
    for (const { name, message } of strangers) leaveOut(name, message);
  } finally {
    trash.close();
  }
  report({ kind: "empty-done", count, leftOut });
  return leftOut === 0 ? EXIT.done : EXIT.partial;

  function report(event: TrashEvent): void {
    reporter.report({ kind: "trash", event });
  }

  function leaveOut(path: string, message: string): void {
    leftOut++;
    report({ kind: "left-out", path, message });
  }
}
