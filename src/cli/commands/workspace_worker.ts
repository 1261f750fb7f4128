/**
 * The process of one workspace: one watch of its directory, and whoever follows it to
 * a remote. A daemon starts it, tells it on standard input what is to be, and hears
 * on standard output how it is; when that input ends, so does the process.
 */
import { Interruption } from "../interrupt.ts";
import { SyncError } from "../../errors.ts";
import { linesOf } from "../../daemon/lines.ts";
import {
  type FromWorker,
  HEARTBEAT_MS,
  type ToWorker,
} from "../../daemon/worker_message.ts";
import { systemClock } from "../../session/system_clock.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import { WorkspaceWork } from "./workspace_work.ts";

/** Changes that come in a row are told of at one go. */
const GATHER_MS = 20;

/** An orderly end takes no longer. */
const END_WITHIN_MS = 1_200;

/** A terminal sends these to all processes; the daemon decides what becomes of us. */
const OF_THE_DAEMON: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT"]
  : ["SIGINT", "SIGHUP"];

const encoder = new TextEncoder();

/** Runs until standard input ends. */
export async function runWorker(): Promise<ExitCode> {
  for (const signal of OF_THE_DAEMON) Deno.addSignalListener(signal, () => {});
  const stop = new AbortController();
  let work: WorkspaceWork | undefined;
  let cancelBeat = (): void => {};
  const say = (message: FromWorker): void => {
    write(Deno.stdout, JSON.stringify(message));
  };
  let told = "";
  const tell = (): void => {
    const status = work!.status;
    const text = JSON.stringify(status);
    say(text === told ? { kind: "alive" } : { kind: "status", status });
    told = text;
  };
  // Not later and later: who says nothing for long is taken for dead.
  let isSoon = false;
  const beat = (): void => {
    isSoon = false;
    cancelBeat();
    cancelBeat = systemClock.after(HEARTBEAT_MS, beat);
    tell();
  };
  const tellSoon = (): void => {
    if (isSoon) return;
    isSoon = true;
    cancelBeat();
    cancelBeat = systemClock.after(GATHER_MS, beat);
  };
  for await (const line of linesOf(Deno.stdin.readable)) {
    const message: ToWorker = JSON.parse(line);
    switch (message.kind) {
      case "configure":
        if (work === undefined) {
          work = new WorkspaceWork({
            signal: stop.signal,
            log: (text) => write(Deno.stderr, text),
            onChange: tellSoon,
          });
          work.configure(message.workspace);
          beat();
        } else work.configure(message.workspace);
        break;
      case "retry":
        work?.retry(message.remote);
        break;
      case "flush": {
        const { id, remotes, timeoutMs } = message;
        void work?.flush(remotes, timeoutMs).then((results) => {
          // Whoever hears of it may ask how things are.
          tell();
          say({ kind: "flushed", id, results });
        });
        break;
      }
      default:
        message satisfies never;
    }
  }
  cancelBeat();
  Deno.unrefTimer(setTimeout(() => Deno.exit(EXIT.failed), END_WITHIN_MS));
  stop.abort(new Interruption("SIGTERM", EXIT.terminated));
  await work?.ended;
  return EXIT.done;
}

/** What can't be told is no reason to stop: the end of standard input is. */
function write(sink: typeof Deno.stdout, line: string): void {
  const bytes = encoder.encode(`${line}\n`);
  try {
    for (let at = 0; at < bytes.length;) {
      at += sink.writeSync(bytes.subarray(at));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) {
      throw new SyncError("failed", "The daemon does not listen");
    }
  }
}
