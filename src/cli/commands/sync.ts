/** `lockstep sync`: mirrors a directory to a listener, or to another directory. */
import { UsageError } from "../../errors.ts";
import type { Transport } from "../../net/transport.ts";
import { type ConnectOptions, connectWebSocket } from "../../net/websocket.ts";
import type { OptionsOf } from "../args.ts";
import type { ExitCode } from "../exit_code.ts";
import { connectOptionsOf } from "./connect_options.ts";
import type { CommandContext } from "./context.ts";
import { checkTwoWay } from "./two_way_options.ts";
import { jobOf, type SyncOptions } from "./sync_job.ts";

/** Runs the command. @throws {SyncError} */
export async function sync(
  options: OptionsOf<"sync">,
  context: CommandContext,
): Promise<ExitCode> {
  checkTwoWay(options);
  const job = await jobOf(options);
  refuseReceiverOptions(job.options);
  refuseLinkOptions(job.options);
  const connect = connectOptionsOf(job.options.to, options);
  const { compress, bwlimit } = options;
  const connection = connectAhead(job.options, connect, context.signal);
  try {
    const connecting = {
      connect,
      connection,
      ...(compress && { compress }),
      ...(bwlimit && { limit: bwlimit }),
    };
    if (options.twoWay) {
      const { syncTwoWay } = await import("./two_way.ts");
      return await syncTwoWay(job.options, context, connecting);
    }
    const { syncTrees } = await import("./sync_trees.ts");
    return await syncTrees(job, context, connecting);
  } finally {
    // Whoever has used it has closed it: then nothing happens.
    connection?.then((transport) => transport.close(), () => {});
  }
}

/** @throws {UsageError} If an option is for whoever writes, and that is a listener. */
function refuseReceiverOptions({ to, trash, noFsync }: SyncOptions): void {
  if (to.kind === "directory") return;
  if (trash !== undefined) {
    throw new UsageError(
      "The receiver keeps the trash: lockstep listen --trash DIR",
    );
  }
  if (noFsync) {
    throw new UsageError(
      "The receiver writes to the disk: lockstep listen --no-fsync",
    );
  }
}

/** @throws {UsageError} If an option is for a connection, and there is none. */
function refuseLinkOptions({ to, compress, bwlimit }: SyncOptions): void {
  if (to.kind === "url") return;
  for (const [option, value] of Object.entries({ compress, bwlimit })) {
    if (value === undefined) continue;
    throw new UsageError(
      `--${option} is for connections, and --to is a directory`,
    );
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
