/** `lockstep clean`: removes what broken-off runs have left in a directory. */
import { DenoFileSystem } from "../../fs/deno_fs.ts";
import { cleanStaged } from "../../fs/stale_staging.ts";
import type { OptionsOf } from "../args.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import type { CommandContext } from "./context.ts";

/** Runs the command. @throws {SyncError} */
export async function clean(
  { dir, dryRun }: OptionsOf<"clean">,
  { reporter, signal }: CommandContext,
): Promise<ExitCode> {
  const root = await new DenoFileSystem().openRoot(dir);
  try {
    const { files, bytes, kept } = await cleanStaged(root, { dryRun, signal });
    for (const { message } of kept) {
      reporter.report({ kind: "warning", message });
    }
    reporter.report({ kind: "cleaned", files, bytes, dryRun });
    return EXIT.done;
  } finally {
    root.close();
  }
}
