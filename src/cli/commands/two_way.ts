/** `lockstep sync --two-way`: both sides get what the other one changed. */
import type { Outcome } from "../../core/outcome.ts";
import type { IgnoreOptions } from "../../core/snapshot.ts";
import { DenoFileSystem } from "../../fs/deno_fs.ts";
import type { KnownDigests } from "../../fs/known_digests.ts";
import { AbsentEndpoint } from "../../session/absent_endpoint.ts";
import type { Ancestry } from "../../session/ancestry.ts";
import {
  bidirectional,
  type BidirectionalOptions,
  previewTwoWay,
  type Sides,
} from "../../session/bidirectional.ts";
import type { Endpoint } from "../../session/endpoint.ts";
import type { TwoWayFollower } from "../../session/follow_two_way.ts";
import { LocalEndpoint } from "../../session/local_endpoint.ts";
import { PairedAncestry, type PairedSide } from "../../session/pairing.ts";
import { RemotePairing } from "../../session/remote_pairing.ts";
import { systemClock } from "../../session/system_clock.ts";
import type { TwoWaySummary } from "../../session/two_way_events.ts";
import type { Reporter, WireCounts } from "../events.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import { newPairingId, type RootFile } from "../state/root_file.ts";
import { messageOf } from "../../errors.ts";
import { stateDirectoryOf } from "../state/state_directory.ts";
import type { CommandContext } from "./context.ts";
import { refuseOverlap } from "./overlap.ts";
import { refuseStateInside, ruleForOwnState } from "./own_state.ts";
import { USUAL_PATIENCE_MS } from "./patience.ts";
import type { SyncOptions } from "./sync_job.ts";
import type { Connecting } from "./sync_remote.ts";
import { outcomeOf, reportEvent, reportRound } from "./two_way_output.ts";
import { refuseReplaced, requireRoot, TwoWayState } from "./two_way_state.ts";
import { watched } from "./watched_place.ts";

/** What a run works with. */
export interface TwoWayWork {
  readonly options: SyncOptions;
  readonly context: CommandContext;
  readonly connecting: Connecting;
  readonly fileSystem: DenoFileSystem;
  readonly state: TwoWayState;
  /** Of `--from`. */
  readonly root: RootFile;
  readonly alpha: Endpoint;
  readonly cycle: BidirectionalOptions;
  /** What takes no part, asked anew for each connection; that of `cycle` unless said. */
  readonly rules: TwoWayExtras["rules"];
  readonly onFollower: TwoWayExtras["onFollower"];
}

/** What a client of a hub adds to a sync. */
export interface TwoWayExtras
  extends Partial<Pick<BidirectionalOptions, "labels" | "keepElsewhere">> {
  /** What takes no part, as the hub has it now. @throws {SyncError} */
  readonly rules?: () => Promise<IgnoreOptions>;
  /** Whether the caller has the lock of the directory, see `TwoWayState.lock`. */
  readonly isLocked?: boolean;
  /** Hears of what goes on and on, before it begins; `alpha` is watched. */
  readonly onFollower?: (follower: TwoWayFollower, alpha: Endpoint) => void;
}

/** What is done with both sides, once they are there. */
export type Act<T> = (sides: Sides, ancestry: Ancestry) => Promise<T>;

/**
 * Makes both sides equal, or tells what that would do.
 * @throws {SyncError}
 */
export async function syncTwoWay(
  options: SyncOptions,
  context: CommandContext,
  connecting: Connecting,
  extras: TwoWayExtras = {},
): Promise<ExitCode> {
  const { from, dryRun } = options;
  const warn = (message: string): void =>
    context.reporter.report({ kind: "warning", message });
  checkPlaces(options);
  const state = TwoWayState.open({ ...options, readOnly: dryRun }, warn);
  const lock = dryRun || extras.isLocked ? undefined : await state.lock(from);
  try {
    return await withState(options, { context, connecting, extras, state });
  } finally {
    lock?.release();
  }
}

/** What {@link withState} works with. */
interface OpenedState extends Pick<TwoWayWork, "context" | "connecting"> {
  readonly extras: TwoWayExtras;
  readonly state: TwoWayState;
}

/** {@link syncTwoWay}, once nobody else syncs `from`. @throws {SyncError} */
async function withState(
  options: SyncOptions,
  { context, connecting, extras, state }: OpenedState,
): Promise<ExitCode> {
  const { from, to, dryRun, allowNewRoot } = options;
  const { reporter } = context;
  const fileSystem = new DenoFileSystem();
  const root = state.root(from);
  requireRoot(root, from);
  // Nothing is made here: the directory has to be there.
  (await fileSystem.openRoot(from)).close();
  if (root.isReplaced) {
    if (!allowNewRoot) refuseReplaced(from);
    root.renew();
  }
  if (!dryRun) root.persist();
  const digests = dryRun ? undefined : state.digestsOf(from);
  try {
    const open = (): Promise<LocalEndpoint> =>
      openSide(fileSystem, from, options, digests, reporter);
    const local = await open();
    const { rescan: rescanMs } = options;
    const alpha = options.watch
      ? watched(local, { reporter, rescanMs, path: from, open })
      : local;
    const { rules, onFollower, isLocked: _, ...labelled } = extras;
    const cycle = { ...cycleOf(options, context), ...labelled };
    const work: TwoWayWork = {
      options,
      context,
      connecting,
      fileSystem,
      state,
      root,
      alpha,
      cycle,
      rules,
      onFollower,
    };
    let outcome: Outcome = { kind: "failed", message: "" };
    try {
      if (!dryRun) await local.recover(Date.now());
      const place = to.kind === "directory" ? to.path : to.url;
      reporter.report({ kind: "started", from, to: place });
      if (dryRun) {
        outcome = { kind: "planned", message: "" };
        return await preview(work);
      }
      if (options.watch) {
        const { watchTwoWay } = await import("./two_way_watch.ts");
        const end = await watchTwoWay(work);
        ({ outcome } = end);
        return end.exit;
      }
      const summary = await syncAndReport(work);
      outcome = outcomeOf(summary);
      return outcome.kind === "done" ? EXIT.done : EXIT.partial;
    } finally {
      await alpha.close(outcome);
    }
  } finally {
    digests?.close();
  }
}

/** @throws {UsageError} If one of the places lies in another. */
function checkPlaces(options: SyncOptions): void {
  const { from, to, stateDir } = options;
  const directory = stateDirectoryOf({ stateDir, noState: false })!;
  const isLeftOut = ruleForOwnState(options, from) !== undefined;
  if (!isLeftOut) refuseStateInside(directory, from, "--from");
  if (to.kind === "url") return;
  refuseStateInside(directory, to.path, "--to");
  if (isDirectory(from)) refuseOverlap(from, to.path);
}

function cycleOf(
  options: SyncOptions,
  { reporter, signal }: CommandContext,
): BidirectionalOptions {
  const { conflict = "newest", symlinks, ignore } = options;
  const { maxDelete, allowDelete } = options;
  return {
    policy: conflict,
    labels: { alpha: "alpha", beta: "beta" },
    limits: { maxDelete, allowDelete },
    symlinks: symlinks === "skip" ? "skip" : "copy",
    ignore,
    signal,
    onEvent: (event) => reportEvent(event, reporter),
  };
}

function openSide(
  fileSystem: DenoFileSystem,
  path: string,
  options: SyncOptions,
  digests: KnownDigests | undefined,
  reporter: Reporter,
): Promise<LocalEndpoint> {
  return LocalEndpoint.open(fileSystem, path, {
    create: !options.dryRun,
    durable: !options.noFsync,
    onKept: ({ message }) => reporter.report({ kind: "warning", message }),
    ...(digests && { digests }),
  });
}

async function syncAndReport(work: TwoWayWork): Promise<TwoWaySummary> {
  const start = systemClock.now();
  const { result: summary, wire } = await withBeta(
    work,
    async (sides, ancestry) => {
      const { ignore } = work.cycle;
      const rules = await work.rules?.() ?? ignore;
      const cycle = { ...work.cycle, ...(rules && { ignore: rules }) };
      return await bidirectional(sides, ancestry, cycle);
    },
    outcomeOf,
  );
  const seconds = (systemClock.now() - start) / 1_000;
  const event = { kind: "done", summary, seconds, wire } as const;
  work.context.reporter.report({ kind: "two-way", event });
  return summary;
}

/** Does `act` with the other side, wherever that is. */
async function withBeta<T>(
  work: TwoWayWork,
  act: Act<T>,
  outcomeOf: (result: T) => Outcome,
): Promise<{ readonly result: T; readonly wire: WireCounts | undefined }> {
  const { options, alpha, connecting, context } = work;
  const { to, retryFor = USUAL_PATIENCE_MS } = options;
  if (to.kind === "directory") {
    const result = await withDirectory(work, to.path, act, outcomeOf);
    return { result, wire: undefined };
  }
  const { workWithListener } = await import("./sync_remote.ts");
  return await workWithListener(alpha, {
    url: to.url,
    retryFor,
    connecting,
    twoWay: true,
    async work(beta, session): Promise<T> {
      const ancestry = await agree(work, beta, new RemotePairing(session));
      return await act({ alpha, beta }, ancestry);
    },
    outcomeOf,
  }, context);
}

/** Does `act` with the directory `path` as the other side. @throws {SyncError} */
export async function withDirectory<T>(
  work: TwoWayWork,
  path: string,
  act: Act<T>,
  outcomeOf: (result: T) => Outcome,
): Promise<T> {
  const { options, state } = work;
  const lock = options.dryRun ? undefined : await state.lock(path);
  try {
    return await withLocked(work, path, act, outcomeOf);
  } finally {
    lock?.release();
  }
}

async function withLocked<T>(
  work: TwoWayWork,
  path: string,
  act: Act<T>,
  outcomeOf: (result: T) => Outcome,
): Promise<T> {
  const { options, alpha, fileSystem, state, context: { reporter } } = work;
  const root = state.root(path);
  if (!options.allowNewRoot) requireRoot(root, path);
  const digests = options.dryRun ? undefined : state.digestsOf(path);
  try {
    const open = (): Promise<LocalEndpoint> =>
      openSide(fileSystem, path, options, digests, reporter);
    const { dryRun, watch, rescan: rescanMs } = options;
    let beta: Endpoint;
    if (dryRun && !isDirectory(path)) {
      beta = new AbsentEndpoint(path, fileSystem.traits);
    } else {
      const local = await open();
      if (!dryRun) await recovered(local);
      beta = watch ? watched(local, { reporter, rescanMs, path, open }) : local;
    }
    let outcome: Outcome = { kind: "failed", message: "" };
    try {
      const ancestry = await agree(work, beta, root);
      const result = await act({ alpha, beta }, ancestry);
      outcome = outcomeOf(result);
      return result;
    } finally {
      await beta.close(outcome);
    }
  } finally {
    digests?.close();
  }
}

/** Puts right what a run that was killed has left; closes it where that fails. */
async function recovered(local: LocalEndpoint): Promise<void> {
  try {
    await local.recover(Date.now());
  } catch (error) {
    await local.close({ kind: "failed", message: messageOf(error) });
    throw error;
  }
}

/** What both sides agreed on last, as far as both know of it. */
export async function agree(
  { options, root, state, context: { reporter } }: TwoWayWork,
  beta: Endpoint,
  side: PairedSide,
): Promise<Ancestry> {
  const remembered = await side.look(root.id);
  if (remembered.isReplaced && !options.allowNewRoot) {
    refuseReplaced(beta.name);
  }
  return await PairedAncestry.open({
    alphaId: root.id,
    beta: side,
    records: state.ancestors,
    newToken: newPairingId,
    warn: (message) => reporter.report({ kind: "warning", message }),
  }, remembered);
}

/** Tells what the first round would do; a directory that is missing is not made. */
async function preview(work: TwoWayWork): Promise<ExitCode> {
  const { context: { reporter } } = work;
  // The listener hears goodbye before anything is printed: reading takes time.
  const { result: round } = await withBeta(
    work,
    (sides, ancestry) => previewTwoWay(sides, ancestry, work.cycle),
    () => ({ kind: "planned", message: "" }),
  );
  await reportRound(round, reporter);
  return EXIT.done;
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    // Whoever opens it will say what is wrong with it.
    return false;
  }
}
