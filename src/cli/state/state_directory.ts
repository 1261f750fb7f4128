/** Where Lockstep keeps what it remembers from one run to the next. */
import { isAbsolute, join } from "@std/path";
import { displayPath } from "../../core/path.ts";
import { messageOf, SyncError } from "../../errors.ts";

/** The options that say where. */
export interface StateOptions {
  readonly stateDir: string | undefined;
  readonly noState: boolean;
}

/** Reads variables of the environment. */
export type Environment = Pick<typeof Deno.env, "get">;

const HINT = "name a place with --state-dir, or do without with --no-state";

/**
 * The state directory, which may be missing yet; undefined: nothing is kept.
 * @throws {SyncError} If the environment names no place.
 */
export function stateDirectoryOf(
  { stateDir, noState }: StateOptions,
  environment: Environment = Deno.env,
): string | undefined {
  if (noState) return undefined;
  const directory = stateDir ?? usualStateDirectory(environment);
  if (directory !== undefined) return directory;
  throw new SyncError(
    "failed",
    `There is no place to remember this run: HOME is not set; ${HINT}`,
  );
}

/**
 * The state directory that the environment names. Variables that hold no absolute
 * path do not count, as the XDG specification has it.
 */
export function usualStateDirectory(
  environment: Environment = Deno.env,
): string | undefined {
  const base = absolute("XDG_STATE_HOME") ?? absolute("LOCALAPPDATA");
  if (base !== undefined) return join(base, "lockstep");
  const home = absolute("HOME");
  return home && join(home, ".local", "state", "lockstep");

  function absolute(name: string): string | undefined {
    const value = environment.get(name);
    return value !== undefined && isAbsolute(value) ? value : undefined;
  }
}

/**
 * Makes the directory `path`, for its owner alone, where it is missing, and makes
 * a file in it for a moment: only that tells whether it can be done.
 * @throws {SyncError} If it can't.
 */
export function prepareStateDirectory(path: string): void {
  try {
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
    const probe = join(path, `.${crypto.randomUUID()}`);
    Deno.writeTextFileSync(probe, "", { createNew: true, mode: 0o600 });
    Deno.removeSync(probe);
  } catch (error) {
    throw unusable(path, error);
  }
}

/** What is wrong with the state directory, and what can be done about it. */
export function unusable(path: string, error: unknown): SyncError {
  return new SyncError(
    "failed",
    `Cannot use the state directory ${displayPath(path)}: ${
      messageOf(error)
    }; ${HINT}`,
    { cause: error },
  );
}
