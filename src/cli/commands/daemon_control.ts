/** `lockstep daemon start`, `stop` and `status`. */
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { basename, dirname } from "@std/path";
import { sleep } from "../../core/sleep.ts";
import { SyncError, TransportError } from "../../errors.ts";
import type { DaemonStatus } from "../../daemon/control.ts";
import type { DaemonPlaces } from "../../daemon/control_address.ts";
import { systemClock } from "../../session/system_clock.ts";
import type { Command, OptionsOf } from "../args.ts";
import type { DaemonEvent } from "../daemon_report.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import { daemonPlaces } from "../state/daemon_places.ts";
import type { CommandContext } from "./context.ts";
import { DaemonClient } from "./daemon_client.ts";
import { programWords } from "./daemon_run.ts";

type DaemonCommand = Extract<
  Command,
  { kind: "daemon start" | "daemon stop" | "daemon status" }
>;

const START_WITHIN_MS = 30_000;
const STOP_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 20;

/** Runs the command. @throws {SyncError} */
export async function runDaemonCommand(
  command: DaemonCommand,
  { reporter, signal }: CommandContext,
): Promise<ExitCode> {
  const tell = (event: DaemonEvent): void =>
    reporter.report({ kind: "daemon", event });
  const places = daemonPlaces();
  using client = new DaemonClient(signal, places);
  switch (command.kind) {
    case "daemon start": {
      const before = await client.status();
      const status = before ??
        await startDaemon(command.options, places, client, signal);
      const { pid, socket, config } = status;
      const isNew = before === undefined;
      tell({ kind: "running", isNew, pid, socket, config });
      return EXIT.done;
    }
    case "daemon stop": {
      const { pid } = await client.ask("GET", "daemon") as DaemonStatus;
      await client.ask("POST", "daemon/stop");
      await within(
        STOP_WITHIN_MS,
        "The daemon does not stop",
        signal,
        async () => (await client.status())?.pid !== pid || undefined,
      );
      tell({ kind: "stopped" });
      return EXIT.done;
    }
    case "daemon status": {
      const status = await client.ask("GET", "daemon") as DaemonStatus;
      tell({ kind: "status", status });
      return EXIT.done;
    }
    default:
      return command satisfies never;
  }
}

/** Starts it in the background, and waits until it, or another one, answers. */
async function startDaemon(
  { stallAfter, maxFailures, failureWindow }: OptionsOf<"daemon start">,
  places: DaemonPlaces,
  client: DaemonClient,
  signal: AbortSignal,
): Promise<DaemonStatus> {
  Deno.mkdirSync(places.state, { recursive: true, mode: 0o700 });
  const said = `${places.state}/start.log`;
  const [program, ...words] = programWords();
  const args = [
    ...words,
    ...["daemon", "run", `--stall-after=${stallAfter}ms`],
    ...[`--max-failures=${maxFailures}`, `--failure-window=${failureWindow}ms`],
  ];
  const log = openSync(said, "w", 0o600);
  let end: number | undefined;
  let fault: Error | undefined;
  let pid: number | undefined;
  try {
    // A session of its own: a terminal that is closed does not end it.
    const child = spawn(asProgram(program!), args, {
      cwd: Deno.build.os === "windows" ? undefined : "/",
      detached: true,
      stdio: ["ignore", "ignore", log],
    });
    child.on("error", (error: Error) => fault = error);
    child.on("exit", (code: number | null) => end = code ?? EXIT.failed);
    pid = child.pid;
    child.unref();
  } finally {
    closeSync(log);
  }
  return await within(
    START_WITHIN_MS,
    "The daemon does not answer",
    signal,
    async () => {
      if (fault !== undefined) throw fault;
      const status = await client.status();
      // Where another one was faster, ours is not to take its place later on.
      const isOther = status !== undefined && status.pid !== pid;
      if (end === undefined) return isOther ? undefined : status;
      if (status !== undefined) return status;
      const reason = lastLineOf(said) ?? `it ended with exit code ${end}`;
      throw new SyncError("failed", `The daemon does not start: ${reason}`);
    },
  );
}

/**
 * The path of a program, spelled so that `spawn` does not know it for Deno: if it
 * does, it takes the words for those of Node.js and puts some of its own before them.
 */
function asProgram(path: string): string {
  return `${dirname(path)}/./${basename(path)}`;
}

/** Asks `probe` until it answers. @throws {TransportError} If it does not in time. */
async function within<T>(
  ms: number,
  message: string,
  signal: AbortSignal,
  probe: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = systemClock.now() + ms;
  while (systemClock.now() < deadline) {
    signal.throwIfAborted();
    const answer = await probe();
    if (answer !== undefined) return answer;
    await sleep(LOOK_EVERY_MS, systemClock, signal);
  }
  throw new TransportError(message, "unreachable");
}

function lastLineOf(path: string): string | undefined {
  const text = Deno.readTextFileSync(path).trim();
  const line = text.split("\n").at(-1)?.replace(/^lockstep: /, "");
  return line === "" ? undefined : line;
}
