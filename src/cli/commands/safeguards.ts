/** The safety stops of a `sync`, as its options and earlier runs have them. */
import { resolve } from "@std/path";
import { laterAllowance } from "../../core/guard.ts";
import type { LocalEndpoint } from "../../session/local_endpoint.ts";
import type { RoundGuard } from "../../session/round_guard.ts";
import type { RoundRecords } from "../../session/round_record.ts";
import { Safeguards, type SafetyLimits } from "../../session/safeguards.ts";
import type { Reporter } from "../events.ts";
import { PlanGuard } from "../plan/plan_guard.ts";
import { identityOf } from "../state/root_identity.ts";
import { KnownFiles } from "../state/known_files.ts";
import { pathForPair, RoundFiles } from "../state/round_files.ts";
import {
  prepareStateDirectory,
  stateDirectoryOf,
} from "../state/state_directory.ts";
import { refuseStateInside, ruleForOwnState } from "./own_state.ts";
import type { SyncJob } from "./sync_job.ts";
import { nameOfTarget } from "./target_name.ts";

/** Whoever has saved a plan has seen what it does. */
const PLAN_LIMITS: SafetyLimits = {
  maxDelete: undefined,
  allowDelete: { kind: "all" },
  allowNewRoot: true,
};

/** What guards a run, and what is remembered from the one before. */
export interface RunMemory {
  readonly guards: readonly RoundGuard[];
  /** Undefined where nothing is remembered, or a plan says what is to be done. */
  readonly knownFiles: KnownFiles | undefined;
}

/** A round of a run that goes on; each is guarded like a run of its own. */
export interface GuardedRound {
  readonly isFirst: boolean;
  /** What such a run remembers where nothing is to be kept. */
  readonly memory: RoundRecords;
}

/** A job that goes on, after its first complete round: a person has to be asked anew. */
export function askingAgain(job: SyncJob): SyncJob {
  const { options } = job;
  const allowDelete = laterAllowance(options.allowDelete);
  return { ...job, options: { ...options, allowDelete, allowNewRoot: false } };
}

/**
 * Makes the guards of `job`, or of one `round` of it; a dry run leaves the state
 * directory as it is.
 * @throws {UsageError} If the state directory lies inside the source or target.
 * @throws {SyncError} If it can't be used.
 */
export async function safeguardsFor(
  job: SyncJob,
  source: LocalEndpoint,
  reporter: Reporter,
  round?: GuardedRound,
): Promise<RunMemory> {
  const isFirst = round?.isFirst ?? true;
  const { options, plan } = isFirst ? job : askingAgain(job);
  const { from, to, dryRun, maxDelete, allowDelete, allowNewRoot } = options;
  const limits = plan === undefined
    ? { maxDelete, allowDelete, allowNewRoot }
    : PLAN_LIMITS;
  const root = identityOf(source.name);
  const planGuards = plan === undefined ? [] : [new PlanGuard(plan)];
  const directory = stateDirectoryOf(options);
  if (directory === undefined) {
    const guards = [
      ...planGuards,
      await Safeguards.open(root, limits, round?.memory),
    ];
    return { guards, knownFiles: undefined };
  }
  const isLeftOut = ruleForOwnState(options, from) !== undefined;
  if (!isLeftOut) refuseStateInside(directory, from, "--from");
  if (to.kind === "directory") refuseStateInside(directory, to.path, "--to");
  if (!dryRun && isFirst) prepareStateDirectory(directory);
  const records = new RoundFiles(
    directory,
    [resolve(from), root.path],
    nameOfTarget(to),
    (message) => reporter.report({ kind: "warning", message }),
  );
  const pair = { source: root.path, target: nameOfTarget(to) };
  const known = new KnownFiles(pathForPair(directory, pair, "files"), pair);
  const safeguards = await Safeguards.open(root, limits, records);
  // What a plan says is carried out entry by entry.
  const isPlanned = plan !== undefined || options.plan !== undefined;
  return {
    guards: [...planGuards, safeguards, known],
    knownFiles: isPlanned ? undefined : known,
  };
}
