/** `lockstep listen`: receives from senders that connect. */
import { dirname } from "@std/path";
import type { Outcome } from "../../core/outcome.ts";
import { displayPath } from "../../core/path.ts";
import {
  IntegrityError,
  messageOf,
  ProtocolError,
  TransportError,
  UsageError,
} from "../../errors.ts";
import { DenoFileSystem } from "../../fs/deno_fs.ts";
import type { Transport } from "../../net/transport.ts";
import { LocalEndpoint } from "../../session/local_endpoint.ts";
import { Receiver, type ReceiverEvent } from "../../session/receiver.ts";
import { systemClock } from "../../session/system_clock.ts";
import type { OptionsOf } from "../args.ts";
import { type ExitCode, exitCodeOfOutcome } from "../exit_code.ts";
import { SOFTWARE } from "../version.ts";
import { newClientId } from "./client_id.ts";
import type { CommandContext } from "./context.ts";
import { Reception } from "./reception.ts";
import { isLoopback, type Listening, listenOn } from "./server.ts";

type ListenOptions = OptionsOf<"listen">;

/** Runs the command; with `keepListening` until it is interrupted. @throws {SyncError} */
export async function listen(
  options: ListenOptions,
  { reporter, signal }: CommandContext,
): Promise<ExitCode> {
  const fileSystem = new DenoFileSystem();
  const dir = await makeDirectory(fileSystem, options.outputDir);
  const { promise: finished, resolve, reject } = Promise.withResolvers<
    ExitCode
  >();
  let stopWaiting = (): void => {};
  let reception: Reception | undefined;
  const transports = new Map<string, Transport>();
  const receiver = new Receiver({
    open: () => LocalEndpoint.open(fileSystem, dir, { create: true }),
    software: SOFTWARE,
    clientId: newClientId(),
    clock: systemClock,
    wallClock: () => new Date(),
    onEvent,
  });
  const listening = listenOn(options, async (transport) => {
    transports.set(transport.peer, transport);
    // Never rejects: what goes wrong comes as an event.
    await receiver.accept(transport);
    transports.delete(transport.peer);
  });
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  try {
    announce(listening);
    signal.throwIfAborted();
    return await finished;
  } finally {
    signal.removeEventListener("abort", onAbort);
    stopWaiting();
    reception?.stop();
    const outcome: Outcome = signal.aborted
      ? { kind: "interrupted", message: messageOf(signal.reason) }
      : { kind: "done", message: "" };
    await receiver.close(outcome);
    await listening.close();
  }

  function announce({ host, port, url }: Listening): void {
    reporter.report({ kind: "listening", host, port, url, dir });
    if (isLoopback(host)) return;
    const path = displayPath(dir);
    reporter.report({
      kind: "warning",
      message: `Anybody who can reach ${host}:${port} can write to ${path}`,
    });
  }

  function onEvent(event: ReceiverEvent): void {
    switch (event.kind) {
      case "connected":
        stopWaiting();
        reporter.report(event);
        follow(transports.get(event.peer)!);
        break;
      case "ended":
        onEnded(event);
        break;
      case "broken":
        onBroken(event);
        break;
      case "refused":
        reporter.report({ ...event, kind: "turned-away" });
        break;
      default:
        event satisfies never;
    }
  }

  function follow(transport: Transport): void {
    reception?.stop();
    reception = new Reception(
      transport,
      systemClock,
      (received) => reporter.report({ kind: "receiving", received }),
    );
  }

  function onEnded({ outcome }: ReceiverEvent & { kind: "ended" }): void {
    reception!.stop();
    const { received } = reception!;
    reporter.report({ kind: "ended", outcome, received });
    if (!options.keepListening) resolve(exitCodeOfOutcome(outcome));
  }

  function onBroken({ peer, error }: ReceiverEvent & { kind: "broken" }): void {
    reception?.stop();
    // It breaks because this side stops: that is said elsewhere.
    if (signal.aborted) return;
    if (options.keepListening) {
      reporter.report({ kind: "waiting", peer, error, waitMs: undefined });
      return;
    }
    if (!isPassing(error)) return reject(error);
    const waitMs = options.retryFor;
    reporter.report({ kind: "waiting", peer, error, waitMs });
    stopWaiting();
    stopWaiting = systemClock.after(waitMs, () => {
      const message = `The sender did not come back: ${messageOf(error)}`;
      const code = "connection-lost";
      reject(new TransportError(message, code, { cause: error }));
    });
  }
}

/** Whether the session is to blame, and not this machine: then the sender may come back. */
function isPassing(error: Error): boolean {
  return error instanceof TransportError || error instanceof IntegrityError ||
    error instanceof ProtocolError;
}

/**
 * Makes the directory, so that what is wrong with it shows before anybody connects.
 * @throws {UsageError} If it is the root of the file system.
 */
async function makeDirectory(
  fileSystem: DenoFileSystem,
  path: string,
): Promise<string> {
  const root = await fileSystem.openRoot(path, { create: true });
  root.close();
  const real = await Deno.realPath(path);
  // Whatever is not at the sender would go: from the whole system.
  if (dirname(real) !== real) return real;
  throw new UsageError(`--output-dir ${displayPath(real)} is the whole system`);
}
