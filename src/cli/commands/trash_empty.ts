/** `lockstep trash empty`: removes what is in a trash for good. */
import { isFileSystemError } from "../../errors.ts";
import { DenoFileSystem } from "../../fs/deno_fs.ts";
import { listFolders } from "../../fs/trash_contents.ts";
import { removeBare, removeFolder } from "../../fs/trash_folder.ts";
import type { Stamp } from "../../fs/trash_stamp.ts";
import type { OptionsOf } from "../args.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import type { TrashEvent } from "../trash_report.ts";
import type { CommandContext } from "./context.ts";

/** Runs the command. @throws {SyncError} */
export async function trashEmpty(
  options: OptionsOf<"trash empty">,
  { reporter, signal }: CommandContext,
): Promise<ExitCode> {
  const { olderThan } = options;
  // Without an age all of it goes, also what a clock has dated ahead.
  const before = olderThan === undefined ? Infinity : Date.now() - olderThan;
  let count = 0;
  let leftOut = 0;
  const trash = await new DenoFileSystem().openRoot(options.trash);
  try {
    const { folders, strangers, bare } = await listFolders(trash);
    for (const folder of folders) {
      if (folder.time.getTime() > before) continue;
      await remove(folder.stamp, async () => {
        await removeFolder(trash, folder.stamp);
        count++;
        report({ kind: "removed", folder });
      });
    }
    for (const stamp of bare) {
      await remove(stamp, () => removeBare(trash, stamp));
    }
    for (const { name, message } of strangers) leaveOut(name, message);
  } finally {
    trash.close();
  }
  report({ kind: "empty-done", count, leftOut });
  return leftOut === 0 ? EXIT.done : EXIT.partial;

  async function remove(
    stamp: Stamp,
    action: () => Promise<void>,
  ): Promise<void> {
    signal.throwIfAborted();
    try {
      await action();
    } catch (error) {
      if (!isFileSystemError(error)) throw error;
      leaveOut(stamp, error.message);
    }
  }

  function report(event: TrashEvent): void {
    reporter.report({ kind: "trash", event });
  }

  function leaveOut(path: string, message: string): void {
    leftOut++;
    report({ kind: "left-out", path, message });
  }
}
