/** The safety stops of a `sync`, as its options and earlier runs have them. */
import { resolve } from "@std/path";
import { displayPath } from "../../core/path.ts";
import { UsageError } from "../../errors.ts";
import type { LocalEndpoint } from "../../session/local_endpoint.ts";
import type { RoundGuard } from "../../session/round_guard.ts";
import type { RoundRecords } from "../../session/round_record.ts";
import { Safeguards, type SafetyLimits } from "../../session/safeguards.ts";
import type { Reporter } from "../events.ts";
import { PlanGuard } from "../plan/plan_guard.ts";
import { identityOf } from "../state/root_identity.ts";
import { RoundFiles } from "../state/round_files.ts";
import {
  prepareStateDirectory,
  stateDirectoryOf,
} from "../state/state_directory.ts";
import { liesWithin } from "./overlap.ts";
import { ruleForOwnState } from "./own_state.ts";
import type { SyncJob } from "./sync_job.ts";
import { nameOfTarget } from "./target_name.ts";

/** Whoever has saved a plan has seen what it does. */
const PLAN_LIMITS: SafetyLimits = {
  maxDelete: undefined,
  allowDelete: { kind: "all" },
  allowNewRoot: true,
};

/** A round of a run that goes on; each is guarded like a run of its own. */
export interface GuardedRound {
  readonly isFirst: boolean;
  /** What such a run remembers where nothing is to be kept. */
  readonly memory: RoundRecords;
}

/**
 * Makes the guards of `job`, or of one `round` of it; a dry run leaves the state
 * directory as it is.
 * @throws {UsageError} If the state directory lies inside the source or target.
 * @throws {SyncError} If it can't be used.
 */
export async function safeguardsFor(
  { options, plan }: SyncJob,
  source: LocalEndpoint,
  reporter: Reporter,
  round?: GuardedRound,
): Promise<readonly RoundGuard[]> {
  const { from, to, dryRun, maxDelete, allowDelete, allowNewRoot } = options;
  const limits = plan === undefined
    ? { maxDelete, allowDelete, allowNewRoot }
    : PLAN_LIMITS;
  const root = identityOf(source.name);
  const planGuards = plan === undefined ? [] : [new PlanGuard(plan)];
  const directory = stateDirectoryOf(options);
  if (directory === undefined) {
    return [...planGuards, await Safeguards.open(root, limits, round?.memory)];
  }
  const isLeftOut = ruleForOwnState(options, from) !== undefined;
  if (!isLeftOut) refuseInside(directory, from, "--from");
  if (to.kind === "directory") refuseInside(directory, to.path, "--to");
  const isFirst = round?.isFirst ?? true;
  if (!dryRun && isFirst) prepareStateDirectory(directory);
  const records = new RoundFiles(
    directory,
    [resolve(from), root.path],
    nameOfTarget(to),
    (message) => reporter.report({ kind: "warning", message }),
  );
  return [...planGuards, await Safeguards.open(root, limits, records)];
}

/** Each run would change what it mirrors, or delete what it remembers. */
function refuseInside(directory: string, root: string, option: string): void {
  if (!liesWithin(directory, root)) return;
  throw new UsageError(
    `The state directory ${displayPath(directory)} lies inside ${option} ${
      displayPath(root)
    }: choose another with --state-dir, or do without with --no-state`,
  );
}
