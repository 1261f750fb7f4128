/** `lockstep daemon run`: the daemon itself. */
import { fromFileUrl } from "@std/path";
import { asError, messageOf, SyncError } from "../../errors.ts";
import { answerControl } from "../../daemon/control.ts";
import { ControlSocket, noteOfProcess } from "../../daemon/control_socket.ts";
import { Daemon } from "../../daemon/daemon.ts";
import { Registry } from "../../daemon/registry.ts";
import { Turnstile } from "../../daemon/turnstile.ts";
import { startWorkerProcess } from "../../daemon/worker_process.ts";
import { systemClock } from "../../session/system_clock.ts";
import type { OptionsOf } from "../args.ts";
import type { DaemonEvent } from "../daemon_report.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import { daemonPlaces } from "../state/daemon_places.ts";
import { SyncedFiles } from "../state/synced_files.ts";
import { WorkspacesFile } from "../state/workspaces_file.ts";
import { handleStrayErrors } from "../stray_errors.ts";
import { SOFTWARE } from "../version.ts";
import { WORKER_WORD } from "../worker_word.ts";
import type { CommandContext } from "./context.ts";
import { DaemonLogs } from "./daemon_log_files.ts";
import { workspaceChecks } from "./workspace_options.ts";

/** So many processes may load the program at a time. */
const STARTS_AT_A_TIME = 4;

/** Each remote has a token of its own; faults are ordered for one kind of process. */
const WORKER_ENV = {
  LOCKSTEP_TOKEN: undefined,
  LOCKSTEP_API_KEY: undefined,
  LOCKSTEP_FAULT: Deno.env.get("LOCKSTEP_WORKER_FAULT"),
};

/** Runs until it is stopped or interrupted. @throws {SyncError} */
export async function daemonRun(
  options: OptionsOf<"daemon run">,
  { reporter, signal }: CommandContext,
): Promise<ExitCode> {
  const places = daemonPlaces();
  const tell = (event: DaemonEvent): void =>
    reporter.report({ kind: "daemon", event });
  let daemon: Daemon | undefined;
  const control = await ControlSocket.open(
    places,
    (request) => answerControl(daemon ?? refuseEarly, request),
  ).catch((error) => {
    if (!(error instanceof SyncError && error.code === "busy")) throw error;
    const pid = noteOfProcess(places);
    const who = pid === undefined ? "" : `, as process ${pid}`;
    throw new SyncError("failed", `${error.message}${who}`, { cause: error });
  });
  try {
    using logs = new DaemonLogs(
      places,
      (message) => reporter.report({ kind: "warning", message }),
    );
    const broken = new AbortController();
    // What it has broken is not known: whoever starts it anew begins with what is.
    using _ = handleStrayErrors((error) => broken.abort(asError(error)));
    const registry = new Registry(
      new WorkspacesFile(places.config),
      workspaceChecks,
    );
    const words = [...programWords(), WORKER_WORD];
    daemon = new Daemon({
      registry,
      clock: systemClock,
      about: {
        software: SOFTWARE,
        pid: Deno.pid,
        since: new Date().toISOString(),
        config: places.config,
        socket: places.control,
        logs: places.state,
      },
      fault: () => control.fault(),
      around: {
        clock: systemClock,
        limits: {
          count: options.maxFailures,
          withinMs: options.failureWindow,
        },
        stallMs: options.stallAfter,
        turnstile: new Turnstile(STARTS_AT_A_TIME),
        synced: new SyncedFiles(places, (message) => logs.ofDaemon(message)),
        startWorker: (listener) =>
          startWorkerProcess({ words, env: WORKER_ENV }, listener),
        log: (name, line) => logs.ofWorkspace(name, line),
      },
    });
    logs.ofDaemon(`${SOFTWARE} runs as process ${Deno.pid}`);
    const { control: socket, config } = places;
    tell({ kind: "running", isNew: true, pid: Deno.pid, socket, config });
    try {
      await daemon.run(AbortSignal.any([signal, broken.signal]));
      if (broken.signal.aborted) throw broken.signal.reason;
    } catch (error) {
      logs.ofDaemon(`It has to end: ${messageOf(error)}`);
      throw error;
    }
    logs.ofDaemon("It was stopped");
    tell({ kind: "stopped" });
    return EXIT.done;
  } finally {
    await control.close();
  }
}

/** Whoever asks before everything is read is told so. */
const refuseEarly = new Proxy({} as Daemon, {
  get(): never {
    throw new SyncError("busy", "The daemon is just starting: ask again");
  },
});

/** The words that start this program. */
export function programWords(): string[] {
  const program = Deno.execPath();
  return Deno.build.standalone
    ? [program]
    : [program, "run", "-A", fromFileUrl(Deno.mainModule)];
}
