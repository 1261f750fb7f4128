/** `lockstep daemon install` and `uninstall`: the system's own supervisor starts it. */
import { dirname, isAbsolute, join } from "@std/path";
import { SyncError } from "../../errors.ts";
import { fileSystemError, isNotFound } from "../../fs/deno_errors.ts";
import type { Command } from "../args.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import { AtomicFile } from "../state/atomic_file.ts";
import type { CommandContext } from "./context.ts";
import { programWords } from "./daemon_run.ts";
import { type Service, serviceOf } from "../service_file.ts";

type InstallCommand = Extract<
  Command,
  { kind: "daemon install" | "daemon uninstall" }
>;

/** Variables that say where things are: the daemon has to look there, too. */
const PLACES = ["LOCKSTEP_CONFIG", "XDG_CONFIG_HOME", "XDG_STATE_HOME"];

/** Runs the command. @throws {SyncError} */
export function runInstallCommand(
  { kind }: InstallCommand,
  { reporter }: CommandContext,
): ExitCode {
  const service = ownService();
  const { path, enable, disable } = service;
  if (kind === "daemon install") {
    install(service);
    const event = { kind: "installed", path, command: enable } as const;
    reporter.report({ kind: "daemon", event });
  } else {
    uninstall(service);
    const event = { kind: "uninstalled", path, command: disable } as const;
    reporter.report({ kind: "daemon", event });
  }
  return EXIT.done;
}

function ownService(): Service {
  const { os } = Deno.build;
  if (os !== "linux" && os !== "darwin") {
    throw new SyncError(
      "unsupported",
      'This is for Linux and macOS; elsewhere let the system run "lockstep ' +
        'daemon run" when you log in',
    );
  }
  const home = placeIn("HOME");
  if (home === undefined) {
    throw new SyncError("failed", "There is no place for it: HOME is not set");
  }
  const config = placeIn("XDG_CONFIG_HOME") ?? join(home, ".config");
  const environment = PLACES.flatMap((name): [string, string][] => {
    const value = placeIn(name);
    return value === undefined ? [] : [[name, value]];
  });
  const words = [...programWords(), "daemon", "run"];
  return serviceOf(os, { home, config, words, environment });
}

function install({ path, text }: Service): void {
  try {
    Deno.mkdirSync(dirname(path), { recursive: true });
    using file = new AtomicFile(path);
    file.write(text);
    file.commit();
  } catch (error) {
    throw fileSystemError(error, "write", path);
  }
}

function uninstall({ path }: Service): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!isNotFound(error)) throw fileSystemError(error, "remove", path);
    throw new SyncError("not-found", `Nothing is installed at ${path}`);
  }
}

function placeIn(variable: string): string | undefined {
  const value = Deno.env.get(variable);
  return value !== undefined && isAbsolute(value) ? value : undefined;
}
