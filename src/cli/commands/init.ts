/** `lockstep init`: makes a directory a client of a hub. */
import { resolve } from "@std/path";
import {
  messageOf,
  SyncError,
  TransportError,
  UsageError,
} from "../../errors.ts";
import type { OptionsOf } from "../args.ts";
import { checkClientName, type ClientConfig } from "../config/client_config.ts";
import { writeConfigFile } from "../config/config_file.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import type { CommandContext } from "./context.ts";
import { HubClient, hubKeyOf } from "./hub_client.ts";
import { ignoreOptionsOf } from "./ignore_rules.ts";
import { refuseStateInside } from "./own_state.ts";
import { requireRoot, TwoWayState } from "./two_way_state.ts";

/** How long the hub may take to answer, in milliseconds. */
const REACH_WITHIN_MS = 10_000;

/** Runs the command. @throws {SyncError} */
export async function init(
  options: OptionsOf<"init">,
  { reporter, signal }: CommandContext,
): Promise<ExitCode> {
  const { config: file, force, stateDir, exclude } = options;
  const config = configOf(options);
  const { syncDirectory, server } = config;
  // What is wrong with a pattern is said now, not at the first start.
  ignoreOptionsOf({ exclude, excludeFrom: [], gitignore: false });
  if (stateDir !== undefined) {
    refuseStateInside(stateDir, syncDirectory, "--sync-dir");
  }
  const warn = (message: string): void =>
    reporter.report({ kind: "warning", message });
  const state = TwoWayState.open({ stateDir, readOnly: false }, warn);
  requireRoot(state.root(syncDirectory), syncDirectory);
  makeDirectory(syncDirectory);
  const root = state.root(syncDirectory);
  // Before anything else: a file that is there stops it all.
  writeConfigFile(file, config, force);
  root.persist();
  const registered = await register(config, root.id, signal, warn);
  reporter.report({
    kind: "hub",
    event: {
      kind: "client-made",
      config: resolve(file),
      name: config.clientName,
      dir: Deno.realPathSync(syncDirectory),
      server,
      registered,
    },
  });
  return EXIT.done;
}

function configOf(options: OptionsOf<"init">): ClientConfig {
  const { name, syncDir, server, apiKeyFile, caFile, exclude } = options;
  const apiKey = options.apiKey ??
    (apiKeyFile === undefined ? hubKeyOf(options) : undefined);
  try {
    return {
      clientName: checkClientName(name),
      syncDirectory: resolve(syncDir),
      server,
      ignorePatterns: exclude,
      apiKey,
      apiKeyFile: apiKeyFile && resolve(apiKeyFile),
      caFile: caFile && resolve(caFile),
      conflictPolicy: options.conflict,
    };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`--name: ${error.message}`, { cause: error });
  }
}

function makeDirectory(path: string): void {
  try {
    Deno.mkdirSync(path, { recursive: true });
  } catch (error) {
    const message = `Cannot make the directory of --sync-dir: ${
      messageOf(error)
    }`;
    throw new SyncError("failed", message, { cause: error });
  }
}

/** Whether the hub knows the client now; one that refuses is an error. */
async function register(
  { server, apiKey, apiKeyFile, caFile, clientName }: ClientConfig,
  id: string,
  signal: AbortSignal,
  warn: (message: string) => void,
): Promise<boolean> {
  const within = AbortSignal.any([
    signal,
    AbortSignal.timeout(REACH_WITHIN_MS),
  ]);
  const about = { server, apiKey, apiKeyFile, caFile };
  try {
    using hub = new HubClient(about, within);
    await hub.ask("/register", { name: clientName, client_id: id });
    return true;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof TransportError) warn(error.message);
    else if (within.aborted) warn(`The hub at ${server} does not answer`);
    else throw error;
    return false;
  }
}
