/** `lockstep sync`: mirrors a directory to listeners, and to other directories. */
import type { Transport } from "../../net/transport.ts";
import { type ConnectOptions, connectWebSocket } from "../../net/websocket.ts";
import type { OptionsOf } from "../args.ts";
import type { ExitCode } from "../exit_code.ts";
import { connectOptionsFor } from "./connect_options.ts";
import type { SyncContext } from "./context.ts";
import { checkTwoWay } from "./two_way_options.ts";
import { refuseLinkOptions, refuseReceiverOptions } from "./refuse_job.ts";
import { jobsOf, type SyncOptions } from "./sync_job.ts";
import type { Connecting } from "./sync_remote.ts";

/** Runs the command. @throws {SyncError} */
export async function sync(
  options: OptionsOf<"sync">,
  context: SyncContext,
): Promise<ExitCode> {
  checkTwoWay(options);
  const jobs = await jobsOf(options);
  for (const job of jobs) refuseReceiverOptions(job.options);
  refuseLinkOptions(jobs);
  const targets = jobs.map(({ options }) => options.to);
  const connects = connectOptionsFor(targets, options);
  const { compress, bwlimit, dryRun } = options;
  const [job, ...others] = jobs;
  if (others.length > 0) {
    // What is wrong with any of them is found before anything begins.
    const { refuseTargets } = await import("./refuse_targets.ts");
    refuseTargets(jobs);
  }
  // A dry run comes to its targets one after the other.
  const isEager = others.length === 0 || !dryRun;
  const connectings = jobs.map(({ options }, i): Connecting => ({
    connect: connects[i]!,
    connection: isEager
      ? connectAhead(options, connects[i]!, context.signal)
      : undefined,
    ...(compress && { compress }),
    ...(bwlimit && { limit: bwlimit }),
  }));
  try {
    if (others.length > 0) {
      const { syncTargets } = await import("./sync_targets.ts");
      return await syncTargets(jobs, context, connectings);
    }
    if (options.twoWay) {
      const { syncTwoWay } = await import("./two_way.ts");
      return await syncTwoWay(job!.options, context, connectings[0]!);
    }
    const { syncTrees } = await import("./sync_trees.ts");
    return await syncTrees(job!, context, connectings[0]!);
  } finally {
    // Whoever has used it has closed it: then nothing happens.
    for (const { connection } of connectings) {
      connection?.then((transport) => transport.close(), () => {});
    }
  }
}

/**
 * Begins to connect while the rest of the program is loaded, which takes about
 * as long. Not if there is nothing to send: then the other end hears nothing.
 */
function connectAhead(
  { from, to }: SyncOptions,
  connect: ConnectOptions,
  signal: AbortSignal,
): Promise<Transport> | undefined {
  if (to.kind === "directory" || !isDirectory(from)) return undefined;
  const connection = connectWebSocket(to.url, { ...connect, signal });
  // Whoever waits for it hears of the error.
  connection.catch(() => {});
  return connection;
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    // Whoever opens it will say what is wrong with it.
    return false;
  }
}
