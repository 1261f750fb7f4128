/** `lockstep start`: keeps a directory in step with its hub. */
import type { ConflictPolicy } from "../../core/conflict.ts";
import type { IgnoreOptions } from "../../core/snapshot.ts";
import { GuardError, messageOf } from "../../errors.ts";
import { systemClock } from "../../session/system_clock.ts";
import { openConflicts } from "../../session/two_way_events.ts";
import { type OptionsOf, parseCommandLine } from "../args.ts";
import { ClientRecordWriter } from "../client/client_record.ts";
import {
  type ClientSetup,
  lockClient,
  setUpClient,
} from "../client/client_setup.ts";
import { ConfigWatch } from "../client/config_watch.ts";
import { engineUrl } from "../client/hub_address.ts";
import { HubConflicts } from "../client/hub_conflicts.ts";
import type { ClientPolicy } from "../config/client_policy.ts";
import type { CommandEvent, SplitReporter } from "../events.ts";
import type { ExitCode } from "../exit_code.ts";
import type { TwoWayReport } from "../two_way_report.ts";
import type { SyncContext } from "./context.ts";
import { HubClient } from "./hub_client.ts";
import { USUAL_PATIENCE_MS } from "./patience.ts";
import { policyOf } from "./policy.ts";
import type { SyncOptions } from "./sync_job.ts";
import { syncTwoWay } from "./two_way.ts";
import { refuseReplaced, requireRoot } from "./two_way_state.ts";

/** What each policy is for a sync whose alpha is the client. */
const POLICIES: Readonly<Record<ClientPolicy, ConflictPolicy>> = {
  newest: "newest",
  "keep-both": "keep-both",
  "prefer-hub": "prefer-beta",
  "prefer-client": "prefer-alpha",
  manual: "manual",
  // What can't be merged.
  merge: "newest",
};

/** Runs the command. @throws {SyncError} */
export async function start(
  options: OptionsOf<"start">,
  context: SyncContext,
): Promise<ExitCode> {
  const { reporter } = context;
  const warn = (message: string): void =>
    reporter.report({ kind: "warning", message });
  const found = setUpClient(options, false, warn);
  const lock = await lockClient(found);
  try {
    using record = new ClientRecordWriter(found.recordFile);
    record.tell({ state: "connecting", message: undefined });
    try {
      const { state, config: { syncDirectory } } = found;
      // A `sync --two-way` may have the directory: what it remembers is not ours.
      const taken = await state.lock(syncDirectory);
      try {
        const setup = { ...found, root: state.root(syncDirectory) };
        settleRoot(setup, options);
        return await keepInStep(options, context, { setup, record, warn });
      } finally {
        taken.release();
      }
    } catch (error) {
      const state = error instanceof GuardError ? "halted" : "stopped";
      record.tell({ state, message: messageOf(error) });
      throw error;
    }
  } finally {
    lock.release();
  }
}

/** What a running client works with. */
interface ClientWork {
  readonly setup: ClientSetup;
  readonly record: ClientRecordWriter;
  readonly warn: (message: string) => void;
}

async function keepInStep(
  options: OptionsOf<"start">,
  context: SyncContext,
  { setup, record, warn }: ClientWork,
): Promise<ExitCode> {
  const { signal } = context;
  const { config, key, connect } = setup;
  using _watch = options.once
    ? undefined
    : new ConfigWatch(options.config, config, systemClock, warn);
  using hub = new HubClient({ ...config, apiKey: key }, signal);
  const conflicts = new HubConflicts({
    hub,
    directory: config.syncDirectory,
    clientId: setup.root.id,
    merges: config.conflictPolicy === "merge",
    warn,
  });
  const reporter = listenTo(context.reporter, setup, record, conflicts);
  const keeps = ["merge", "manual"].includes(config.conflictPolicy);
  // Who goes on and on waits for the hub from the beginning.
  const patience = options.once ? USUAL_PATIENCE_MS : Infinity;
  const { retryFor = patience } = options;
  try {
    return await syncTwoWay(
      syncOptionsOf(options, setup, retryFor),
      { ...context, reporter },
      { connect, connection: undefined },
      {
        isLocked: true,
        labels: { alpha: labelOf(config.clientName), beta: "hub" },
        // Before they are known, nothing is sent that they might leave out.
        rules: async () => ignoreWith(setup, await policyOf(hub)),
        ...(keeps && { keepElsewhere: (found) => conflicts.keep(found) }),
      },
    );
  } finally {
    await conflicts.told();
  }
}

/** @throws {GuardError} If it is not the directory of the last time, unless allowed. */
function settleRoot(
  { root, config: { syncDirectory } }: ClientSetup,
  { allowNewRoot, yes }: OptionsOf<"start">,
): void {
  const isAllowed = allowNewRoot || yes;
  requireRoot(root, syncDirectory);
  if (root.isReplaced) {
    if (!isAllowed) refuseReplaced(syncDirectory);
    root.renew();
  }
  if (isDirectory(syncDirectory)) root.persist();
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    // Whoever opens it will say what is wrong with it.
    return false;
  }
}

/** The sync that this client does, as if its options had been written. */
function syncOptionsOf(
  options: OptionsOf<"start">,
  setup: ClientSetup,
  retryFor: number,
): SyncOptions {
  const { config, root } = setup;
  const { syncDirectory: from, server, clientName } = config;
  const url = engineUrl(server, { client_id: root.id, name: clientName });
  const usual = parseCommandLine([
    "sync",
    "--two-way",
    `--from=${from}`,
    "-t.",
  ]);
  if (usual.kind !== "sync") throw new TypeError("It is a sync");
  const { maxDelete, allowDelete, allowNewRoot, yes } = options;
  const { stateDir, json, quiet, verbose } = options;
  return {
    ...usual.options,
    ...{ from, maxDelete, retryFor },
    watch: !options.once,
    ignore: ignoreWith(setup, []),
    ...{ stateDir, json, quiet, verbose },
    to: { kind: "url", url },
    conflict: POLICIES[config.conflictPolicy],
    allowDelete: yes ? { kind: "all" } : allowDelete,
    allowNewRoot: allowNewRoot || yes,
  };
}

/** What takes no part, with these rules of the hub. */
function ignoreWith(
  { ignore, secrets }: ClientSetup,
  policy: readonly string[],
): IgnoreOptions {
  // The hub's word is above ours, but never opens what holds the key.
  return { ...ignore, rules: [...ignore.rules, ...policy, ...secrets] };
}

/** How conflict copies call this client. */
function labelOf(name: string): string {
  const label = name.toLowerCase().replaceAll(/[^a-z0-9]/g, "").slice(0, 32);
  return label === "" ? "client" : label;
}

/** Passes everything on, and keeps the record and the hub's conflicts up to date. */
function listenTo(
  reporter: SplitReporter,
  { config }: ClientSetup,
  record: ClientRecordWriter,
  conflicts: HubConflicts,
): SplitReporter {
  const report = (event: CommandEvent): void => {
    switch (event.kind) {
      case "started":
        // What else the address says is between us and the hub.
        reporter.report({ ...event, to: config.server });
        return;
      case "connected":
        record.tell({ state: "connected", message: undefined });
        break;
      case "retrying":
        record.tell({ state: "offline", message: messageOf(event.error) });
        break;
      case "two-way":
        noteTwoWay(event.event, record, conflicts);
        break;
      case "halted":
        record.tell({ state: "halted", message: event.message });
        break;
      case "source-lost":
        record.tell({ state: "halted", message: `${event.path} is gone` });
        break;
      case "source-back":
        record.tell({ state: "connected", message: undefined });
        break;
      case "watch-stopped":
        record.tell({ state: "stopped", message: undefined });
        break;
      default:
    }
    reporter.report(event);
  };
  return { report, forTarget: (to) => reporter.forTarget(to) };
}

function noteTwoWay(
  event: TwoWayReport,
  record: ClientRecordWriter,
  conflicts: HubConflicts,
): void {
  const lastSync = new Date().toISOString();
  switch (event.kind) {
    case "conflict":
      conflicts.tell(event.conflict);
      break;
    case "synced": {
      const { problems, open } = event.round;
      const state = "connected";
      record.tell({ state, message: undefined, lastSync, problems, open });
      break;
    }
    case "done": {
      const problems = event.summary.problems.length;
      const open = openConflicts(event.summary).length;
      const state = "stopped";
      record.tell({ state, message: undefined, lastSync, problems, open });
      break;
    }
    default:
      // Whatever else there is says nothing about how it is doing.
  }
}
