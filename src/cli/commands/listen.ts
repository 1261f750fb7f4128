/** `lockstep listen`: receives from senders that connect. */
import { hasChanges, totalsOfChanges } from "../../core/change.ts";
import { operationsOf } from "../../core/operation.ts";
import type { Outcome } from "../../core/outcome.ts";
import { displayPath } from "../../core/path.ts";
import {
  IntegrityError,
  messageOf,
  ProtocolError,
  SyncError,
  TransportError,
} from "../../errors.ts";
import { DenoFileSystem } from "../../fs/deno_fs.ts";
import { isLoopback } from "../../net/host.ts";
import type { Transport } from "../../net/transport.ts";
import type { Endpoint } from "../../session/endpoint.ts";
import { GuardedEndpoint } from "../../session/guarded_endpoint.ts";
import { LocalEndpoint } from "../../session/local_endpoint.ts";
import {
  type AppliedChanges,
  ObservedEndpoint,
} from "../../session/observed_endpoint.ts";
import { Receiver, type ReceiverEvent } from "../../session/receiver.ts";
import { systemClock } from "../../session/system_clock.ts";
import type { OptionsOf } from "../args.ts";
import type { Reporter } from "../events.ts";
import { EXIT, type ExitCode, exitCodeOfOutcome } from "../exit_code.ts";
import { usualStateDirectory } from "../state/state_directory.ts";
import type { ChangeHook } from "../hook/hook.ts";
import { handleStrayErrors } from "../stray_errors.ts";
import { SOFTWARE } from "../version.ts";
import { newClientId } from "./client_id.ts";
import type { CommandContext } from "./context.ts";
import { makeOutputDirectory } from "./output_directory.ts";
import { liesWithin } from "./overlap.ts";
import { refuseStateInside } from "./own_state.ts";
import { Reception } from "./reception.ts";
import { type Recipes, recipesFor } from "./recipes.ts";
import { type Listening, listenOn } from "./server.ts";
import { expiryOf, readCertificate } from "./tls_files.ts";
import { tokenToAskFor } from "./token.ts";
import { openTrash, refuseTrashPlace } from "./trash_option.ts";
import { twoWayOf } from "./listen_two_way.ts";
import { USUAL_PATIENCE_MS } from "./patience.ts";
import { watched } from "./watched_place.ts";

type ListenOptions = OptionsOf<"listen">;

/** Runs the command; with `keepListening` until it is interrupted. @throws {SyncError} */
export async function listen(
  options: ListenOptions,
  { reporter, signal }: CommandContext,
): Promise<ExitCode> {
  const token = tokenToAskFor(options);
  const certificate = readCertificate(options);
  const { trash: trashPath, outputDir } = options;
  if (trashPath !== undefined) {
    const target = { option: "--output-dir", path: outputDir };
    refuseTrashPlace(trashPath, target);
  }
  if (options.stateDir !== undefined) {
    refuseStateInside(options.stateDir, outputDir, "--output-dir");
  }
  const fileSystem = new DenoFileSystem();
  const dir = await makeOutputDirectory(fileSystem, outputDir);
  using trash = await openTrash(fileSystem, dir, options);
  using twoWay = await twoWayOf(options, dir, reporter);
  using recipes = recipesIn(dir, options, reporter);
  const store = recipes?.of(dir);
  const hook = await hookOf(options, reporter);
  let applied = 0;
  let reportedTrashed = 0;
  const { promise: finished, resolve, reject } = Promise.withResolvers<
    ExitCode
  >();
  let stopWaiting = (): void => {};
  /** Whether the sender watches: it ends when somebody stops it, or this. */
  let isFollowing = false;
  let reception: Reception | undefined;
  const transports = new Map<string, Transport>();
  const receiver = new Receiver({
    open: openTarget,
    software: SOFTWARE,
    clientId: newClientId(),
    clock: systemClock,
    ...(options.bwlimit && { limit: options.bwlimit }),
    wallClock: () => new Date(),
    onEvent,
    ...(twoWay && { pairing: twoWay.root, watches: true }),
  });
  await recover();
  const { host, port } = options;
  const listening = listenOn(
    { host, port, token, certificate, clock: systemClock },
    {
      async connected(transport): Promise<void> {
        transports.set(transport.peer, transport);
        // Never rejects: what goes wrong comes as an event.
        await receiver.accept(transport);
        transports.delete(transport.peer);
      },
      turnedAway: (peer, reason) =>
        reporter.report({ kind: "turned-away", peer, reason }),
      faltered(reason): void {
        const message = `The listener starts anew: ${reason}`;
        reporter.report({ kind: "warning", message });
      },
    },
  );
  using _ = handleStrayErrors(onStray);
  const onAbort = (): void => {
    if (isFollowing) resolve(EXIT.done);
    else reject(signal.reason);
  };
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
    await hook?.close(signal);
  }

  async function openTarget(): Promise<Endpoint> {
    const directory = await openDirectory();
    let target: Endpoint = twoWay === undefined
      ? directory
      : watched(directory, { reporter, path: outputDir, open: openDirectory });
    if (hook !== undefined) {
      target = new ObservedEndpoint(target, (changes) => tell(hook, changes));
    }
    const { maxDelete } = options;
    if (maxDelete === undefined) return target;
    return new GuardedEndpoint(target, maxDelete);
  }

  function tell(hook: ChangeHook, changes: AppliedChanges): void {
    const { moves, achieved, modes, digest } = changes;
    const totals = totalsOfChanges(achieved, modes, moves.length);
    if (!hasChanges(totals)) return;
    const set = { round: ++applied, root: dir, digest, totals };
    hook.changed(set, operationsOf(achieved, { modes, moves }));
  }

  function openDirectory(): Promise<LocalEndpoint> {
    return LocalEndpoint.open(fileSystem, dir, {
      create: true,
      durable: !options.noFsync,
      owners: options.owner,
      onKept: ({ message }) => reporter.report({ kind: "warning", message }),
      ...(trash && { trash }),
      ...(twoWay && { digests: twoWay.digests }),
      ...(store && { recipes: store }),
    });
  }

  /** What a receiver that was killed has left is put right before anybody comes. */
  async function recover(): Promise<void> {
    const target = await openDirectory();
    try {
      await target.recover(Date.now());
    } finally {
      await target.close({ kind: "planned", message: "" });
    }
  }

  function announce({ host, port, url }: Listening): void {
    const asksForToken = token !== undefined;
    const isTwoWay = twoWay !== undefined;
    reporter.report({
      kind: "listening",
      host,
      port,
      url,
      dir,
      asksForToken,
      isTwoWay,
    });
    const expiry = certificate && expiryOf(certificate.cert, new Date());
    if (expiry !== undefined) {
      const day = expiry.toISOString().slice(0, 10);
      const message = `The certificate is valid until ${day} only: no sender ` +
        "will trust it";
      reporter.report({ kind: "warning", message });
    }
    if (isLoopback(host) || asksForToken) return;
    const path = displayPath(dir);
    reporter.report({
      kind: "warning",
      message: `Anybody who can reach ${host}:${port} can ${
        twoWay === undefined ? "write to" : "read and write"
      } ${path}`,
    });
  }

  function onEvent(event: ReceiverEvent): void {
    switch (event.kind) {
      case "connected":
        stopWaiting();
        reporter.report(event);
        follow(transports.get(event.peer)!);
        break;
      case "synced":
        isFollowing = true;
        reporter.report({ kind: "peer-synced", round: event.round });
        break;
      case "ended":
        isFollowing = false;
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

  /**
   * A fault of the program. What it has broken is not known, so the session that
   * is under way ends; the next one begins anew.
   */
  function onStray(fault: unknown): void {
    const message = `Internal error: ${messageOf(fault)}`;
    reporter.report({ kind: "warning", message });
    receiver.drop(new SyncError("failed", message, { cause: fault }));
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
    // Nobody knows how long this process goes on.
    store?.close();
    const { received } = reception!;
    const trashed = trash && trash.taken - reportedTrashed;
    reportedTrashed = trash?.taken ?? 0;
    reporter.report({ kind: "ended", outcome, received, trashed });
    // Who only looked may be about to send.
    const isOver = !options.keepListening && outcome.kind !== "planned";
    if (isOver) resolve(exitCodeOfOutcome(outcome));
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
    // Who watches comes back whenever it can.
    const waitMs = options.retryFor ??
      (isFollowing ? undefined : USUAL_PATIENCE_MS);
    reporter.report({ kind: "waiting", peer, error, waitMs });
    stopWaiting();
    if (waitMs === undefined) return;
    stopWaiting = systemClock.after(waitMs, () => {
      const message = `The sender did not come back: ${messageOf(error)}`;
      const code = "connection-lost";
      reject(new TransportError(message, code, { cause: error }));
    });
  }
}

/** A sender would delete what is remembered in the directory that it writes to. */
function recipesIn(
  dir: string,
  options: ListenOptions,
  reporter: Reporter,
): Recipes | undefined {
  const usual = usualStateDirectory();
  const isUsual = options.stateDir === undefined && usual !== undefined;
  if (isUsual && liesWithin(usual, dir)) return undefined;
  return recipesFor(options, reporter);
}

async function hookOf(
  options: ListenOptions,
  reporter: Reporter,
): Promise<ChangeHook | undefined> {
  if (options.onChange === undefined) return undefined;
  const { openHook } = await import("./hook_option.ts");
  return openHook(options, reporter);
}

/** Whether the session is to blame, and not this machine: then the sender may come back. */
function isPassing(error: Error): boolean {
  return error instanceof TransportError || error instanceof IntegrityError ||
    error instanceof ProtocolError;
}
