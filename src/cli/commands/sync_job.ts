/** What one `sync` has to do, wherever that is said. */
import type { IgnoreOptions } from "../../core/snapshot.ts";
import { UsageError } from "../../errors.ts";
import type { OptionsOf } from "../args.ts";
import type { SavedPlan } from "../plan/saved_plan.ts";
import { ignoreFor } from "./own_state.ts";
import type { Target } from "../values.ts";

/** The options of `sync`, in which nothing is left to a saved plan. */
export type SyncOptions = OptionsOf<"sync"> & {
  readonly from: string;
  readonly to: Target;
  /** What `exclude`, `excludeFrom` and `gitignore` say. */
  readonly ignore: IgnoreOptions;
};

/** From where to where, how, and whether a plan says what. */
export interface SyncJob {
  readonly options: SyncOptions;
  /** What is to be done, and nothing else. */
  readonly plan: SavedPlan | undefined;
}

/** @throws {UsageError} If options contradict each other, or the plan is damaged. */
export async function jobOf(options: OptionsOf<"sync">): Promise<SyncJob> {
  if (options.plan !== undefined && !options.dryRun) {
    throw new UsageError("--plan needs --dry-run (see: lockstep sync --help)");
  }
  refuseWatchOptions(options);
  if (options.apply !== undefined) {
    const { jobOfPlan } = await import("../plan/job_of_plan.ts");
    return jobOfPlan(options.apply, options);
  }
  const { from, to } = options;
  // The command line is not accepted without them.
  const ignore = ignoreFor(options, from!);
  return {
    options: { ...options, from: from!, to: to!, ignore },
    plan: undefined,
  };
}

/** @throws {UsageError} If options contradict --watch, or do nothing without it. */
function refuseWatchOptions(options: OptionsOf<"sync">): void {
  const { watch, dryRun, apply, rescan, repair } = options;
  const see = "(see: lockstep sync --help)";
  if (watch && dryRun) {
    throw new UsageError(`--dry-run and --watch exclude each other ${see}`);
  }
  if (watch && apply !== undefined) {
    throw new UsageError(`--apply and --watch exclude each other ${see}`);
  }
  if (watch) return;
  if (rescan !== undefined) {
    throw new UsageError(`--rescan needs --watch ${see}`);
  }
  if (repair !== undefined) {
    throw new UsageError(`--repair needs --watch ${see}`);
  }
}
