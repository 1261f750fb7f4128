/** Where the daemon of this user has its files, as the environment says. */
import { isAbsolute, join } from "@std/path";
import { SyncError, UsageError } from "../../errors.ts";
import {
  type DaemonPlaces,
  HAS_SOCKETS,
} from "../../daemon/control_address.ts";
import { type Environment, usualStateDirectory } from "./state_directory.ts";

const CONTROL_NAME = HAS_SOCKETS ? "lockstep.sock" : "lockstep.control.json";

/**
 * The places of the daemon.
 * @throws {SyncError} If the environment names none.
 */
export function daemonPlaces(
  environment: Environment = Deno.env,
): DaemonPlaces {
  const state = usualStateDirectory(environment);
  if (state === undefined) {
    throw new SyncError(
      "failed",
      "There is no place for the daemon: HOME is not set",
    );
  }
  const own = join(state, "daemon");
  const runtime = absolute(environment, "XDG_RUNTIME_DIR") ?? own;
  return {
    control: join(runtime, CONTROL_NAME),
    config: configOf(environment),
    state: own,
  };
}

/** The file in which workspaces are remembered; undefined: the environment names none. */
export function workspacesPlace(
  environment: Environment = Deno.env,
): string | undefined {
  try {
    return configOf(environment);
  } catch {
    // A daemon says so when it starts.
    return undefined;
  }
}

function configOf(environment: Environment): string {
  const named = environment.get("LOCKSTEP_CONFIG");
  if (named !== undefined) {
    if (isAbsolute(named)) return named;
    throw new UsageError("LOCKSTEP_CONFIG is not an absolute path");
  }
  const home = absolute(environment, "HOME");
  const base = absolute(environment, "XDG_CONFIG_HOME") ??
    absolute(environment, "APPDATA") ??
    (home && join(home, ".config"));
  if (base !== undefined) return join(base, "lockstep", "workspaces.json");
  throw new SyncError(
    "failed",
    "There is no place for the workspaces: HOME is not set; name a file by " +
      "LOCKSTEP_CONFIG",
  );
}

function absolute(
  environment: Environment,
  name: string,
): string | undefined {
  const value = environment.get(name);
  return value !== undefined && isAbsolute(value) ? value : undefined;
}
