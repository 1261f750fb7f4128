/** The options of workspaces: those of `sync --watch`, which say what they mean. */
import { displayPath, quote } from "../../core/path.ts";
import type { IgnoreOptions } from "../../core/snapshot.ts";
import { messageOf, UsageError } from "../../errors.ts";
import type { ConfigChecks } from "../../daemon/registry.ts";
import type {
  OptionTexts,
  RemoteConfig,
  WorkspaceConfig,
} from "../../daemon/workspace_config.ts";
import { type OptionsOf, parseCommandLine } from "../args.ts";
import { engineUrl, hubOf } from "../client/hub_address.ts";
import { workspacesPlace } from "../state/daemon_places.ts";
import type { Target } from "../values.ts";
import { liesWithin, realPlaceOf } from "./overlap.ts";
import { ignoreFor, ruleForPlace } from "./own_state.ts";
import { refuseLinkOptions, refuseReceiverOptions } from "./refuse_job.ts";
import { refuseTargets } from "./refuse_targets.ts";
import type { SyncJob, SyncOptions } from "./sync_job.ts";
import { nameOfTarget } from "./target_name.ts";
import { checkTwoWay } from "./two_way_options.ts";

/** What of a directory is synced: the same for all its remotes. */
const OF_WORKSPACE: ReadonlySet<string> = new Set([
  "checksum",
  "exclude",
  "exclude-from",
  "gitignore",
  "owner",
  "rescan",
  "symlinks",
]);

/** What is done anyway where content is always compared. */
const MEANT_BY_TWO_WAY: ReadonlySet<string> = new Set(["checksum"]);

/** How it is synced to one place. */
const OF_REMOTE: ReadonlySet<string> = new Set([
  "allow-delete",
  "allow-new-root",
  "bwlimit",
  "ca-file",
  "compress",
  "conflict",
  "max-delete",
  "no-delete",
  "no-fsync",
  "repair",
  "token-file",
  "trash",
  "two-way",
]);

/** A remote goes on for as long as it is attached. */
const PATIENCE_MS = Infinity;

/**
 * What is to be done for one remote.
 * @throws {UsageError} If there is something wrong with an option.
 */
export function jobOf(
  workspace: Pick<WorkspaceConfig, "path" | "options">,
  remote: Pick<RemoteConfig, "to" | "options" | "token">,
): SyncJob {
  const options = optionsOf(workspace, remote);
  const from = workspace.path;
  const [to] = options.to;
  if (remote.token !== undefined && options.tokenFile !== undefined) {
    throw new UsageError("A token and token-file exclude each other");
  }
  const job: SyncJob = {
    options: {
      ...options,
      from,
      to: to!,
      retryFor: PATIENCE_MS,
      ignore: ignoreOf(options, from),
      token: remote.token,
    },
    plan: undefined,
  };
  refuseReceiverOptions(job.options);
  refuseLinkOptions([job]);
  refuseTokenTo(to!, job);
  return job;
}

/** Whether what a remote changes comes to the workspace, too. */
export function isTwoWay(
  { to, options }: Pick<RemoteConfig, "to" | "options">,
): boolean {
  return options["two-way"] === true || hubOf(to) !== undefined;
}

/** What the options say; and what holds the tokens stays here, as it does for a client. */
function ignoreOf(options: OptionsOf<"sync">, from: string): IgnoreOptions {
  const { rules, files } = ignoreFor(options, from);
  const place = workspacesPlace();
  const own = place === undefined ? undefined : ruleForPlace(place, from);
  return { rules: own === undefined ? rules : [...rules, own], files };
}

/** What says how the directory is watched, whoever follows. */
export function jobOfSource(
  workspace: Pick<WorkspaceConfig, "path" | "options">,
): SyncJob {
  // Nobody goes there: only what concerns the source is looked at.
  return jobOf(workspace, {
    to: "ws://localhost",
    options: {},
    token: undefined,
  });
}

/** Whether remotes and paths are possible. */
export const workspaceChecks: ConfigChecks = {
  checkOptions(workspace): void {
    inWords(workspace, () => {
      jobOfSource(workspace);
      for (const remote of workspace.remotes) {
        inWords(remote, () => jobOf(workspace, remote));
      }
    });
  },

  check(workspace, others): void {
    this.checkOptions(workspace);
    const jobs = workspace.remotes.map((remote) => jobOf(workspace, remote));
    if (jobs.length > 0) refuseTargets(jobs);
    if (workspace.remotes.filter(isTwoWay).length > 1) {
      throw new UsageError(
        "A workspace has one hub or other two-way remote at the most: two would " +
          "pass on each other's conflicts",
      );
    }
    const path = realPlaceOf(workspace.path);
    for (const other of others) {
      if (realPlaceOf(other.path) === path) {
        throw new UsageError(
          `${displayPath(path)} is the path of the workspace ${
            quote(other.name)
          } already`,
        );
      }
      for (const { options } of jobs) refuseSharing(options, other);
    }
  },
};

/** @throws {UsageError} If another workspace is mirrored to the same place. */
function refuseSharing(
  { to, twoWay }: SyncOptions,
  other: WorkspaceConfig,
): void {
  for (const remote of other.remotes) {
    // In both directions nobody deletes what the other one has.
    if (twoWay && isTwoWay(remote)) continue;
    const taken = optionsOf(other, remote).to[0]!;
    const isSame = to.kind === "url" || taken.kind === "url"
      ? nameOfTarget(to) === nameOfTarget(taken)
      : liesWithin(to.path, taken.path) || liesWithin(taken.path, to.path);
    if (!isSame) continue;
    throw new UsageError(
      `The workspace ${quote(other.name)} is mirrored to ${
        displayPath(remote.to)
      } already: two would take turns deleting what the other one has`,
    );
  }
}

function optionsOf(
  workspace: Pick<WorkspaceConfig, "path" | "options">,
  remote: Pick<RemoteConfig, "to" | "options">,
): OptionsOf<"sync"> {
  const hub = hubOf(remote.to);
  const ofWorkspace = wordsOf(workspace.options, OF_WORKSPACE, "a workspace");
  const { "two-way": _, ...ofRemote } = remote.options;
  const both = isTwoWay(remote);
  const command = parseCommandLine([
    "sync",
    "--watch",
    ...(both ? ["--two-way"] : []),
    `--from=${workspace.path}`,
    `--to=${hub === undefined ? remote.to : engineUrl(hub, {})}`,
    ...ofWorkspace.filter((word) =>
      !(both && MEANT_BY_TWO_WAY.has(word.slice("--".length)))
    ),
    ...wordsOf(ofRemote, OF_REMOTE, "a remote"),
  ]);
  if (command.kind !== "sync") throw new TypeError("It is a sync");
  checkTwoWay(command.options);
  return command.options;
}

function wordsOf(
  options: OptionTexts,
  possible: ReadonlySet<string>,
  owner: string,
): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    if (!possible.has(name)) {
      throw new UsageError(
        `${quote(name)} is no option of ${owner}; possible are: ${
          [...possible].join(", ")
        }`,
      );
    }
    if (value === true) return [`--${name}`];
    return [value].flat().map((text) => `--${name}=${text}`);
  });
}

/** @throws {UsageError} If there is a token, and nobody to show it to. */
function refuseTokenTo(to: Target, { options }: SyncJob): void {
  const { token, tokenFile, caFile } = options;
  if (to.kind === "url") return;
  if ([token, tokenFile, caFile].every((value) => value === undefined)) return;
  throw new UsageError(
    "A token and certificates are for addresses, and this is a directory",
  );
}

/** Does `check`; what it throws says what it is about. */
function inWords({ name }: { readonly name: string }, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${quote(name)}: ${messageOf(error)}`);
  }
}
