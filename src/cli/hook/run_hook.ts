/** Runs a command of the user's in the shell, and gives it something to read. */
import type { Clock } from "../../core/clock.ts";
import { messageOf } from "../../errors.ts";
import { formatDuration } from "../format.ts";
import { eachLine } from "./each_line.ts";

/** Between asking a command to stop and ending it. */
const KILL_AFTER_MS = 1_000;

/** For output that a background process of the command may still hold open. */
const OUTPUT_WITHIN_MS = 500;

/** So much is written at a time. */
const PART_LENGTH = 32 * 1024;

/** Never handed on: whoever has it can write to a receiver. */
const SECRET_VARIABLES = ["LOCKSTEP_TOKEN"];

/** What a command is given. */
export interface HookRun {
  readonly command: string;
  /** Comes on its standard input. */
  readonly input: Iterable<string>;
  /** Variables besides those of this process. */
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Stops it. */
  readonly signal: AbortSignal;
  /** Hears each line of its standard output and standard error. */
  readonly onOutput: (line: string) => void;
}

/**
 * Runs a command to its end, and with it all processes of its group where it has
 * to be stopped. Never rejects.
 * @returns What was wrong with it, or undefined.
 */
export async function runHook(run: HookRun): Promise<string | undefined> {
  const { clock, signal, timeoutMs } = run;
  let child: Deno.ChildProcess;
  try {
    child = spawn(run);
  } catch (error) {
    return `it can't be started: ${messageOf(error)}`;
  }
  let fault: string | undefined;
  let cancelKill = (): void => {};
  const stop = (reason: string): void => {
    if (fault !== undefined) return;
    fault = reason;
    kill(child, "SIGTERM");
    cancelKill = clock.after(KILL_AFTER_MS, () => kill(child, "SIGKILL"));
  };
  const onAbort = (): void => stop("it was stopped");
  const cancelTimeout = clock.after(
    timeoutMs,
    () => stop(`it took longer than ${formatDuration(timeoutMs)}`),
  );
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort);
  const feeding = feed(child.stdin, run.input);
  const silence = new AbortController();
  const reading = Promise.all(
    [child.stdout, child.stderr].map((stream) =>
      eachLine(stream, run.onOutput, silence.signal)
    ),
  );
  const status = await child.status;
  cancelTimeout();
  cancelKill();
  signal.removeEventListener("abort", onAbort);
  // Its shell is gone; what it has started may not be.
  if (fault !== undefined) kill(child, "SIGKILL");
  feeding.stop();
  const cancelWait = clock.after(OUTPUT_WITHIN_MS, () => silence.abort());
  await reading;
  cancelWait();
  if (fault !== undefined || status.success) return fault;
  return status.signal === null
    ? `exit code ${status.code}`
    : `it was ended by ${status.signal}`;
}

function spawn({ command, env }: HookRun): Deno.ChildProcess {
  const isWindows = Deno.build.os === "windows";
  const inherited = Deno.env.toObject();
  for (const name of SECRET_VARIABLES) delete inherited[name];
  const options = {
    args: isWindows ? ["/d", "/s", "/c", `"${command}"`] : ["-c", command],
    windowsRawArguments: true,
    clearEnv: true,
    env: { ...inherited, ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    // With a process group of its own, all of it can be stopped.
    detached: !isWindows,
  } as const;
  return new Deno.Command(isWindows ? "cmd" : "sh", options).spawn();
}

/** Ends its process group, or where it has none, itself. */
function kill(child: Deno.ChildProcess, signal: Deno.Signal): void {
  for (const pid of Deno.build.os === "windows" ? [] : [-child.pid]) {
    try {
      Deno.kill(pid, signal);
      return;
    } catch {
      // There is no such group (any more).
    }
  }
  try {
    child.kill(signal);
  } catch {
    // It is gone.
  }
}

/** Writes `input`, as far as somebody reads it. */
function feed(
  stdin: WritableStream<Uint8Array>,
  input: Iterable<string>,
): { stop(): void } {
  const writer = stdin.getWriter();
  const encoder = new TextEncoder();
  let isWanted = true;
  void write().catch(() => {
    // It does not want to read all of it.
  });
  return {
    stop(): void {
      isWanted = false;
      writer.abort().catch(() => {});
    },
  };

  async function write(): Promise<void> {
    let text = "";
    for (const part of input) {
      text += part;
      if (text.length < PART_LENGTH) continue;
      await writer.write(encoder.encode(text));
      text = "";
      if (!isWanted) return;
    }
    await writer.write(encoder.encode(text));
    await writer.close();
  }
}
