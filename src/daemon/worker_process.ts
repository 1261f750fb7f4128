/** The process of a workspace, as the daemon holds it. */
import { sleep } from "../core/sleep.ts";
import { messageOf } from "../errors.ts";
import { systemClock } from "../session/system_clock.ts";
import { linesOf } from "./lines.ts";
import type { FromWorker, ToWorker } from "./worker_message.ts";

/** Hears a {@link WorkerProcess}. */
export interface WorkerListener {
  onMessage(message: FromWorker): void;
  /** Hears a line for the log. */
  onLog(line: string): void;
}

/** A process that works on one workspace. */
export interface WorkerProcess {
  readonly pid: number;
  /** Resolves with the way it ended, in words; never rejects. */
  readonly ended: Promise<string>;
  /** Tells it something; a process that is gone hears nothing. */
  send(message: ToWorker): void;
  /** Asks it to end, which it does by itself when the daemon is gone. */
  stop(): void;
  /** Ends it, whatever it does. */
  kill(): void;
}

/** How a {@link WorkerProcess} is started. */
export interface WorkerCommand {
  /** The program and its arguments. */
  readonly words: readonly string[];
  /** Variables that it gets in place of ours; undefined: not at all. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** For the rest of its output, when it is gone. */
const OUTPUT_WITHIN_MS = 500;

const encoder = new TextEncoder();

/** Starts the process. @throws If the system can't. */
export function startWorkerProcess(
  { words, env: own }: WorkerCommand,
  listener: WorkerListener,
): WorkerProcess {
  const env = Deno.env.toObject();
  for (const [name, value] of Object.entries(own)) {
    if (value === undefined) delete env[name];
    else env[name] = value;
  }
  const [program, ...args] = words;
  const child = new Deno.Command(program!, {
    args,
    env,
    clearEnv: true,
    // It is to hold no directory that somebody wants to unmount.
    cwd: Deno.build.os === "windows" ? undefined : "/",
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  } as Deno.CommandOptions).spawn();
  const input = child.stdin.getWriter();
  // Whoever is gone takes nothing; that it is gone is told by its end.
  input.closed.catch(() => {});
  const kill = (): void => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It ended this moment.
    }
  };
  const hear = async (): Promise<void> => {
    try {
      for await (const line of linesOf(child.stdout)) {
        listener.onMessage(JSON.parse(line));
      }
    } catch (error) {
      listener.onLog(`Said what nobody understands: ${messageOf(error)}`);
      kill();
    }
  };
  const log = async (): Promise<void> => {
    try {
      for await (const line of linesOf(child.stderr)) listener.onLog(line);
    } catch (error) {
      listener.onLog(messageOf(error));
      kill();
    }
  };
  const end = async (): Promise<string> => {
    const reading = Promise.all([hear(), log()]);
    const status = await child.status;
    // What it has started may hold its output open for longer.
    const wait = new AbortController();
    await Promise.race([
      reading,
      sleep(OUTPUT_WITHIN_MS, systemClock, wait.signal),
    ]);
    wait.abort();
    await input.abort().catch(() => {});
    return status.signal === null
      ? `it ended with exit code ${status.code}`
      : `it was ended by ${status.signal}`;
  };
  return {
    pid: child.pid,
    ended: end(),
    send(message): void {
      const line = encoder.encode(`${JSON.stringify(message)}\n`);
      input.write(line).catch(() => {});
    },
    stop(): void {
      input.close().catch(() => {});
    },
    kill,
  };
}
