/** `lockstep sync`: mirrors a directory to a listener, or to another directory. */
import type { Transport } from "../../net/transport.ts";
import { connectWebSocket } from "../../net/websocket.ts";
import type { OptionsOf } from "../args.ts";
import type { ExitCode } from "../exit_code.ts";
import type { CommandContext } from "./context.ts";

/** Runs the command. @throws {SyncError} */
export async function sync(
  options: OptionsOf<"sync">,
  context: CommandContext,
): Promise<ExitCode> {
  const connection = connectAhead(options, context.signal);
  try {
    const { syncTrees } = await import("./sync_trees.ts");
    return await syncTrees(options, context, connection);
  } finally {
    // Whoever has used it has closed it: then nothing happens.
    connection?.then((transport) => transport.close(), () => {});
  }
}

/**
 * Begins to connect while the rest of the program is loaded, which takes about
 * as long. Not if there is nothing to send: then the other end hears nothing.
 */
function connectAhead(
  { from, to }: OptionsOf<"sync">,
  signal: AbortSignal,
): Promise<Transport> | undefined {
  if (to.kind === "directory" || !isDirectory(from)) return undefined;
  const connection = connectWebSocket(to.url, { signal });
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
