/** `lockstep status`: how a client of a hub is doing; changes nothing. */
import { messageOf, SyncError } from "../../errors.ts";
import { DenoFileSystem } from "../../fs/deno_fs.ts";
import type { Comparison } from "../../session/events.ts";
import { LocalEndpoint } from "../../session/local_endpoint.ts";
import type { OptionsOf } from "../args.ts";
import { readClientRecord } from "../client/client_record.ts";
import {
  type ClientSetup,
  isClientRunning,
  setUpClient,
} from "../client/client_setup.ts";
import { engineUrl } from "../client/hub_address.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import type { ClientStatus, WireConflict } from "../client_report.ts";
import { compare } from "./compare.ts";
import type { CommandContext } from "./context.ts";
import { HubClient } from "./hub_client.ts";
import { policyOf } from "./policy.ts";

/** Conflicts are counted up to this many. */
const MAX_COUNTED = 1_000;

/** What both sides show. */
interface Compared {
  readonly comparison: Comparison;
  readonly conflicts: number;
}

/** Runs the command. @throws {SyncError} */
export async function status(
  options: OptionsOf<"status">,
  context: CommandContext,
): Promise<ExitCode> {
  const { reporter, signal } = context;
  const warn = (message: string): void =>
    reporter.report({ kind: "warning", message });
  const setup = setUpClient(options, true, warn);
  const { config } = setup;
  const running = await isClientRunning(setup);
  const record = readClientRecord(setup.recordFile);
  let compared: Compared | undefined;
  let failure: SyncError | undefined;
  try {
    compared = await lookAtBoth(setup, context);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof SyncError)) throw error;
    failure = error;
    warn(messageOf(error));
  }
  const { source, target, changes, problems } = compared?.comparison ?? {};
  const status: ClientStatus = {
    client: config.clientName,
    directory: config.syncDirectory,
    server: config.server,
    connected: compared !== undefined,
    running,
    // Whoever was killed has not said so.
    state: running ? record.state : "stopped",
    ...(record.message !== undefined && { message: record.message }),
    ...(record.lastSync !== undefined && { last_sync: record.lastSync }),
    ...(changes && { pending: changes.length }),
    ...(compared && { conflicts: compared.conflicts }),
    problems: problems?.length ?? record.problems,
    ...(source && { root_digest: source.root.digest! }),
    ...(target && { hub_root_digest: target.root.digest! }),
  };
  reporter.report({ kind: "hub", event: { kind: "client-status", status } });
  if (failure !== undefined) {
    return failure.code === "unreachable" ? EXIT.unreachable : EXIT.refused;
  }
  const isEqual = status.pending === 0 && status.conflicts === 0 &&
    status.problems === 0;
  return isEqual ? EXIT.done : EXIT.partial;
}

async function lookAtBoth(
  { config, connect, key, ignore, secrets }: ClientSetup,
  context: CommandContext,
): Promise<Compared> {
  const { signal } = context;
  using hub = new HubClient({ ...config, apiKey: key }, signal);
  const { conflicts } = await hub.ask(
    `/conflicts?limit=${MAX_COUNTED}`,
    undefined,
    "soon",
  ) as { readonly conflicts: readonly WireConflict[] };
  const policy = await policyOf(hub);
  const fileSystem = new DenoFileSystem();
  const source = await LocalEndpoint.open(fileSystem, config.syncDirectory);
  try {
    const comparison = await compare({
      to: { kind: "url", url: engineUrl(config.server, { role: "source" }) },
      retryFor: 0,
      fileSystem,
      source,
      mirrorOptions: {
        checksum: true,
        symlinks: "copy",
        deletes: true,
        ignore: { ...ignore, rules: [...ignore.rules, ...policy, ...secrets] },
        signal,
      },
      context: { ...context, reporter: { report: () => {} } },
      connecting: { connect, connection: undefined },
    }, { orNothing: false });
    return { comparison, conflicts: conflicts.length };
  } finally {
    await source.close({ kind: "planned", message: "" });
  }
}
