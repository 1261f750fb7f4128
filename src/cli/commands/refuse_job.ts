/** What the options of one `sync` may not say about the other side. */
import { UsageError } from "../../errors.ts";
import type { SyncJob, SyncOptions } from "./sync_job.ts";

/** @throws {UsageError} If an option is for whoever writes, and that is a listener. */
export function refuseReceiverOptions({ to, trash }: SyncOptions): void {
  if (to.kind === "directory") return;
  if (trash !== undefined) {
    throw new UsageError(
      "The receiver keeps the trash: lockstep listen --trash DIR",
    );
  }
}

/** @throws {UsageError} If an option is for a connection, and there is none, or the reverse. */
export function refuseLinkOptions(jobs: readonly SyncJob[]): void {
  const { compress, bwlimit, noFsync } = jobs[0]!.options;
  const kinds = new Set(jobs.map(({ options }) => options.to.kind));
  if (noFsync && !kinds.has("directory")) {
    throw new UsageError(
      "The receiver writes to the disk: lockstep listen --no-fsync",
    );
  }
  if (kinds.has("url")) return;
  for (const [option, value] of Object.entries({ compress, bwlimit })) {
    if (value === undefined) continue;
    throw new UsageError(
      `--${option} is for connections, and --to is a directory`,
    );
  }
}
