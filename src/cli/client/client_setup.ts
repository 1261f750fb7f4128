/** What all commands of a hub's client begin with: the configuration, and what is remembered. */
import { basename, dirname } from "@std/path";
import { displayPath, parseName } from "../../core/path.ts";
import { sleep } from "../../core/sleep.ts";
import type { IgnoreOptions } from "../../core/snapshot.ts";
import { isFileSystemError, SyncError } from "../../errors.ts";
import { DenoFileSystem } from "../../fs/deno_fs.ts";
import type { Lock } from "../../fs/file_system.ts";
import type { ConnectOptions } from "../../net/websocket.ts";
import { systemClock } from "../../session/system_clock.ts";
import {
  ignoreFor,
  refuseStateInside,
  ruleForPlace,
} from "../commands/own_state.ts";
import { hubKeyOf } from "../commands/hub_client.ts";
import { readCaFile } from "../commands/tls_files.ts";
import { TwoWayState } from "../commands/two_way_state.ts";
import type { ClientConfig } from "../config/client_config.ts";
import { readConfigFile } from "../config/config_file.ts";
import type { RootFile } from "../state/root_file.ts";

/** How often a lock is tried, and the time in between. */
const LOCK_TRIES = 5;
const LOCK_PAUSE_MS = 100;

/** One client of a hub. */
export interface ClientSetup {
  readonly config: ClientConfig;
  /** What opens the hub; undefined: it asks for nothing. */
  readonly key: string | undefined;
  readonly connect: ConnectOptions;
  readonly state: TwoWayState;
  /**
   * The directory, as it is remembered: its id is that of the client. Whoever is
   * about to change that reads it once more, when nobody else can.
   */
  readonly root: RootFile;
  readonly ignore: IgnoreOptions;
  /** Rules for what holds the key, which stays here whatever else is said. */
  readonly secrets: readonly string[];
  /** Where a running client says how it is doing. */
  readonly recordFile: string;
}

/** What one client at a time may use. */
export interface LockedClient {
  readonly config: Pick<ClientConfig, "syncDirectory">;
  readonly recordFile: string;
}

/** The options that say which client. */
export interface ClientOptions {
  readonly config: string;
  readonly stateDir: string | undefined;
}

/**
 * Reads the configuration, and opens what is remembered.
 * @param warn Hears what is damaged.
 * @throws {UsageError} If the configuration is wrong.
 * @throws {SyncError} If the state directory can't be used.
 */
export function setUpClient(
  { config: file, stateDir }: ClientOptions,
  readOnly: boolean,
  warn: (message: string) => void,
): ClientSetup {
  const config = readConfigFile(file);
  const { syncDirectory, server, caFile } = config;
  const key = hubKeyOf(config);
  const usual = { stateDir, noState: false };
  const ignore = ignoreFor({
    ...usual,
    exclude: config.ignorePatterns,
    excludeFrom: [],
    gitignore: false,
  }, syncDirectory);
  if (stateDir !== undefined) {
    refuseStateInside(stateDir, syncDirectory, "sync_directory");
  }
  const state = TwoWayState.open({ stateDir, readOnly }, warn);
  return {
    config,
    key,
    connect: {
      ...(key !== undefined && { token: key }),
      ...(caFile !== undefined && server.startsWith("https:") &&
        { caCerts: [readCaFile(caFile)] }),
    },
    state,
    root: state.root(syncDirectory),
    ignore,
    secrets: [file, config.apiKeyFile].flatMap((path) =>
      path === undefined ? [] : ruleForPlace(path, syncDirectory) ?? []
    ),
    recordFile: state.fileFor(syncDirectory, "client"),
  };
}

/**
 * Makes sure that only one client at a time syncs the directory.
 * @throws {SyncError} `locked`, if there is another one.
 */
export async function lockClient(setup: LockedClient): Promise<Lock> {
  for (let tries = 1;; tries++) {
    try {
      return await tryLock(setup);
    } catch (error) {
      if (!isFileSystemError(error, "locked")) throw error;
      // Whoever only looks holds it for a moment.
      if (tries < LOCK_TRIES) {
        await sleep(LOCK_PAUSE_MS, systemClock);
        continue;
      }
      const shown = displayPath(setup.config.syncDirectory);
      throw new SyncError(
        "locked",
        `${shown} is kept in step by another lockstep start already`,
        { cause: error },
      );
    }
  }
}

/** Whether a client syncs the directory now. */
export async function isClientRunning(setup: ClientSetup): Promise<boolean> {
  try {
    Deno.statSync(lockFileOf(setup));
    (await tryLock(setup)).release();
    return false;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    if (isFileSystemError(error, "locked")) return true;
    throw error;
  }
}

async function tryLock(setup: LockedClient): Promise<Lock> {
  const path = lockFileOf(setup);
  const directory = await new DenoFileSystem().openRoot(dirname(path));
  try {
    return await directory.lock(parseName(basename(path)));
  } finally {
    directory.close();
  }
}

function lockFileOf({ recordFile }: LockedClient): string {
  return `${recordFile}.lock`;
}
