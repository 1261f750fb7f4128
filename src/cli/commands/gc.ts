/** `lockstep gc`: removes versions of a hub that are too old. */
import { SyncError } from "../../errors.ts";
import { openStore } from "../../hub/data_directory.ts";
import type { OptionsOf } from "../args.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import type { CommandContext } from "./context.ts";

const DAY_MS = 24 * 3_600_000;

/** Runs the command. @throws {SyncError} */
export async function gc(
  { dataDir, keepVersions, keepDays, maxVersions }: OptionsOf<"gc">,
  { reporter, signal }: CommandContext,
): Promise<ExitCode> {
  if (!hasHub(dataDir)) {
    throw new SyncError("failed", `There is no hub at ${dataDir}`);
  }
  const store = await openStore(dataDir);
  try {
    const retention = {
      versions: keepVersions,
      ageMs: keepDays * DAY_MS,
      most: maxVersions,
    };
    const done = await store.collect(retention, signal);
    const { versions, bytes, problems } = done;
    for (const message of problems) {
      reporter.report({ kind: "warning", message });
    }
    const event = { kind: "collected", versions, bytes } as const;
    reporter.report({ kind: "hub", event });
    return problems.length === 0 ? EXIT.done : EXIT.failed;
  } finally {
    await store.close();
  }
}

/** It is not made just to be found empty. */
function hasHub(directory: string): boolean {
  try {
    return Deno.statSync(`${directory}/hub.db`).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
