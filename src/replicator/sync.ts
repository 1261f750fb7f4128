/** One call that makes a directory equal to another one, for programs. */
import type { DeleteLimit } from "../core/guard.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Problem } from "../core/problem.ts";
import type { IgnoreOptions, SymlinkPolicy } from "../core/snapshot.ts";
import { UsageError } from "../errors.ts";
import { DenoFileSystem } from "../fs/deno_fs.ts";
import type { Trash } from "../fs/trash.ts";
import type { Transport } from "../net/transport.ts";
import { type ConnectOptions, connectWebSocket } from "../net/websocket.ts";
import type { CompressMode } from "../session/compression.ts";
import type { Endpoint } from "../session/endpoint.ts";
import type { EventListener, MirrorSummary } from "../session/events.ts";
import { LocalEndpoint } from "../session/local_endpoint.ts";
import { mirror, type MirrorOptions } from "../session/mirror.ts";
import type { RoundGuard } from "../session/round_guard.ts";
import { Safeguards } from "../session/safeguards.ts";
import { type FileSystemPlace, refuseOverlap } from "./overlap.ts";
import { failureOf, outcomeOf, syncRemote } from "./sync_remote.ts";

const RETRY_FOR_MS = 60_000;

/**
 * What is mirrored: a path on this machine, a directory of any file system, or an
 * endpoint of the caller's, who closes it.
 */
export type SyncSource = string | FileSystemPlace | Endpoint;

/**
 * What becomes equal: as a source, or the `ws://` or `wss://` address of a
 * receiver, or any other way of connecting to one.
 */
export type SyncTarget = SyncSource | SyncConnector;

/** A way of connecting to a receiver. */
export interface SyncConnector {
  /** Makes a connection; called again where one was lost. `sync()` closes it. */
  connect(signal?: AbortSignal): Promise<Transport>;
}

/** How to {@link sync}; nothing has to be said. */
export interface SyncOptions {
  /** Compare by content, not by size and mtime; false unless said. */
  readonly checksum?: boolean;
  /** What becomes of symbolic links; "copy" unless said. */
  readonly symlinks?: SymlinkPolicy;
  /** Whether what is extra at the target is deleted; true unless said. */
  readonly deletes?: boolean;
  /** What takes no part; nothing unless said. */
  readonly ignore?: IgnoreOptions;
  /** Make owners equal as well; the target must be able to set them. */
  readonly owners?: boolean;
  /** Halts before more than this is deleted; anything may be unless said. */
  readonly maxDelete?: DeleteLimit;
  /** Asked in this order before each round changes anything. */
  readonly guards?: readonly RoundGuard[];
  /** Where what is replaced or deleted goes, at a target in a file system here. */
  readonly trash?: Trash;
  /** Whether a target here survives a loss of power; true unless said. */
  readonly durable?: boolean;
  /** How to connect to an address: token, certificates. */
  readonly connect?: ConnectOptions;
  /** Whether content is compressed on its way to a receiver; "auto" unless said. */
  readonly compress?: CompressMode;
  /** How long to try to reach a receiver, in milliseconds; 60,000 unless said, 0: one try. */
  readonly retryForMs?: number;
  /** Stops the work: the call rejects with its reason. */
  readonly signal?: AbortSignal;
  /** Hears of the progress. It must not throw. */
  readonly onEvent?: EventListener;
  /** Hears of what had to be kept in `.lockstep/kept` of a target here. */
  readonly onKept?: (problem: Problem) => void;
}

/**
 * Makes `to` equal to `from`, once: what is extra there is deleted, unless the
 * options say otherwise. Resolves when the target has confirmed it; paths that
 * could not be made equal are in the summary's problems.
 * @throws {UsageError} If a directory would be mirrored into itself, or an option
 *   does not go with the target.
 * @throws {GuardError} If a guard, or `maxDelete`, halts it: nothing was changed.
 * @throws {SyncError} If either side fails as a whole; what was staged is kept.
 */
export async function sync(
  from: SyncSource,
  to: SyncTarget,
  options: SyncOptions = {},
): Promise<MirrorSummary> {
  options.signal?.throwIfAborted();
  if (isEndpoint(from)) return await syncFrom(from, undefined, to, options);
  const place = placeOf(from);
  const source = await LocalEndpoint.open(place.fileSystem, place.path);
  try {
    return await syncFrom(source, place, to, options);
  } finally {
    await source.close({ kind: "done", message: "" });
  }
}

async function syncFrom(
  source: Endpoint,
  place: FileSystemPlace | undefined,
  to: SyncTarget,
  options: SyncOptions,
): Promise<MirrorSummary> {
  const { signal, trash, durable } = options;
  const mirrorOptions = await mirrorOptionsOf(options);
  const work = (target: Endpoint): Promise<MirrorSummary> =>
    mirror(source, target, mirrorOptions);
  const connector = connectorOf(to, options);
  if (trash !== undefined || durable !== undefined) {
    if (connector !== undefined || isEndpoint(to)) {
      throw new UsageError(
        "Whoever writes to the target decides about trash and durability",
      );
    }
  }
  if (connector !== undefined) {
    return await syncRemote(source, work, {
      connect: (signal) => connector.connect(signal),
      retryForMs: options.retryForMs ?? RETRY_FOR_MS,
      compress: options.compress ?? "auto",
      signal,
      onEvent: options.onEvent,
    });
  }
  if (isEndpoint(to)) return await work(to);
  const targetPlace = placeOf(to as string | FileSystemPlace);
  if (place !== undefined) await refuseOverlap(place, targetPlace);
  return await withTarget(targetPlace, options, work);
}

/** Opens the directory to be written to, and tells it how the work went. */
async function withTarget(
  { fileSystem, path }: FileSystemPlace,
  { durable = true, owners = false, trash, onKept, signal }: SyncOptions,
  work: (target: Endpoint) => Promise<MirrorSummary>,
): Promise<MirrorSummary> {
  const target = await LocalEndpoint.open(fileSystem, path, {
    create: true,
    durable,
    owners,
    ...(trash && { trash }),
    ...(onKept && { onKept }),
  });
  let outcome: Outcome = { kind: "failed", message: "" };
  try {
    await target.recover();
    const summary = await work(target);
    outcome = outcomeOf(summary);
    return summary;
  } catch (error) {
    outcome = failureOf(error, signal);
    throw error;
  } finally {
    await target.close(outcome);
  }
}

async function mirrorOptionsOf(options: SyncOptions): Promise<MirrorOptions> {
  const { ignore, signal, onEvent, maxDelete } = options;
  const guards = [...options.guards ?? []];
  if (maxDelete !== undefined) {
    const limits = {
      maxDelete,
      allowDelete: undefined,
      allowNewRoot: true,
    };
    // Without a record of an earlier run, the source may be any directory.
    const anywhere = { path: "", device: 0, inode: 0, born: undefined };
    guards.push(await Safeguards.open(anywhere, limits));
  }
  return {
    checksum: options.checksum ?? false,
    symlinks: options.symlinks ?? "copy",
    deletes: options.deletes ?? true,
    owners: options.owners ?? false,
    guards,
    ...(ignore && { ignore }),
    ...(signal && { signal }),
    ...(onEvent && { onEvent }),
  };
}

function isEndpoint(place: object | string): place is Endpoint {
  return typeof place === "object" && "transition" in place;
}

function placeOf(place: string | FileSystemPlace): FileSystemPlace {
  if (typeof place !== "string") return place;
  if (isAddress(place)) {
    throw new UsageError(`${place} is an address: only a target can be one`);
  }
  return { fileSystem: new DenoFileSystem(), path: place };
}

function connectorOf(
  to: SyncTarget,
  { connect = {} }: SyncOptions,
): SyncConnector | undefined {
  if (typeof to !== "string") return "connect" in to ? to : undefined;
  if (!isAddress(to)) return undefined;
  return {
    connect: (signal) =>
      connectWebSocket(to, { ...connect, ...(signal && { signal }) }),
  };
}

function isAddress(text: string): boolean {
  return /^wss?:\/\//i.test(text);
}
