/** What one `sync` has to do, wherever that is said. */
import type { IgnoreOptions } from "../../core/snapshot.ts";
import { UsageError } from "../../errors.ts";
import type { OptionsOf } from "../args.ts";
import type { SavedPlan } from "../plan/saved_plan.ts";
import { ignoreFor } from "./own_state.ts";
import type { Target } from "../values.ts";

/** The options of `sync`, in which nothing is left to a saved plan. */
export type SyncOptions = Omit<OptionsOf<"sync">, "to"> & {
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

/**
 * One job for each target, of which there is at least one.
 * @throws {UsageError} If options contradict each other, or the plan is damaged.
 */
export async function jobsOf(
  options: OptionsOf<"sync">,
): Promise<readonly SyncJob[]> {
  if (options.plan !== undefined && !options.dryRun) {
    throw new UsageError("--plan needs --dry-run (see: lockstep sync --help)");
  }
  refuseWatchOptions(options);
  refuseSeveral(options);
  if (options.apply !== undefined) {
    const { jobOfPlan } = await import("../plan/job_of_plan.ts");
    return [await jobOfPlan(options.apply, options)];
  }
  const { from, to } = options;
  // The command line is not accepted without them.
  const ignore = ignoreFor(options, from!);
  return to.map((target) => ({
    options: { ...options, from: from!, to: target, ignore },
    plan: undefined,
  }));
}

/** @throws {UsageError} If an option is for one target, and there are more. */
function refuseSeveral(
  { to, plan, apply, trash }: OptionsOf<"sync">,
): void {
  if (to.length < 2) return;
  for (const [option, value] of Object.entries({ plan, apply, trash })) {
    if (value === undefined) continue;
    throw new UsageError(`--${option} is for one --to, and there are more`);
  }
}

/** @throws {UsageError} If an option does nothing without --watch. */
function refuseWatchOptions(
  { watch, rescan, repair }: OptionsOf<"sync">,
): void {
  if (watch) return;
  const option = rescan !== undefined
    ? "--rescan"
    : repair !== undefined
    ? "--repair"
    : undefined;
  if (option === undefined) return;
  throw new UsageError(`${option} needs --watch (see: lockstep sync --help)`);
}
