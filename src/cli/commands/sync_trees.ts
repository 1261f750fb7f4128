/** The work of `lockstep sync`: what it loads is loaded while the connection is made. */
import type { Outcome } from "../../core/outcome.ts";
import { DenoFileSystem } from "../../fs/deno_fs.ts";
import type { TrashDirectory } from "../../fs/trash_directory.ts";
import type { MirrorSummary } from "../../session/events.ts";
import {
  LocalEndpoint,
  type LocalEndpointOptions,
} from "../../session/local_endpoint.ts";
import { mirror, type MirrorOptions } from "../../session/mirror.ts";
import { compareWithNothing } from "../../session/preview.ts";
import { RoundTally } from "../../session/round_tally.ts";
import { systemClock } from "../../session/system_clock.ts";
import { EXIT, type ExitCode } from "../exit_code.ts";
import type { Reporter, WireCounts } from "../events.ts";
import type { CommandContext } from "./context.ts";
import { outcomeOf } from "./outcome.ts";
import type { Witnesses } from "./witnesses.ts";
import { recipesFor } from "./recipes.ts";
import { type GuardedRound, safeguardsFor } from "./safeguards.ts";
import type { SyncJob, SyncOptions } from "./sync_job.ts";
import type { Connecting } from "./sync_remote.ts";
import type { RunningFeed } from "./sync_watch.ts";
import { USUAL_PATIENCE_MS } from "./patience.ts";
import { textOfTarget } from "./target_name.ts";

/** What works on one pair of trees is given. */
export interface SyncWork {
  readonly job: SyncJob;
  readonly fileSystem: DenoFileSystem;
  /** Open; whoever began the work closes it. */
  readonly source: LocalEndpoint;
  readonly mirrorOptions: MirrorOptions;
  readonly context: CommandContext;
  /** How to connect to the listener, if there is one. */
  readonly connecting: Connecting;
  /** Opens the source once more, where it was replaced. */
  reopen(): Promise<LocalEndpoint>;
  /** What it has in common with the work for other targets, if there are any. */
  readonly shared: SharedSource | undefined;
}

/** What several targets of one source have in common. */
export interface SharedSource {
  /** How each of them opens the source. */
  readonly source: Pick<
    LocalEndpointOptions,
    "recipes" | "readings" | "firstScan"
  >;
  /** The one watch, where there is to be one. */
  readonly watch: RunningFeed | undefined;
}

/**
 * Mirrors one tree to the other, again and again if that is wanted, or tells what
 * it would do.
 * @throws {SyncError}
 */
export async function syncTrees(
  job: SyncJob,
  context: CommandContext,
  connecting: Connecting,
  shared?: SharedSource,
): Promise<ExitCode> {
  const { interval, dryRun, logFile, verbose, onChange } = job.options;
  if (interval !== undefined) {
    const { syncRounds } = await import("./sync_rounds.ts");
    return await syncRounds(job, interval, context, connecting, shared);
  }
  const isWitnessed = logFile !== undefined || verbose ||
    onChange !== undefined;
  if (isWitnessed && !dryRun) {
    const { witnessed } = await import("./witnesses.ts");
    return await witnessed(
      job,
      { ...context, isShared: shared !== undefined },
      (witnesses) => syncOnce(job, context, connecting, { witnesses, shared }),
    );
  }
  return await syncOnce(job, context, connecting, { shared });
}

async function syncOnce(
  job: SyncJob,
  context: CommandContext,
  connecting: Connecting,
  { witnesses, shared }: {
    readonly witnesses?: Witnesses;
    readonly shared: SharedSource | undefined;
  },
): Promise<ExitCode> {
  return await withSource(job, context, connecting, async (opened) => {
    const work = witnesses ? witnesses.attend(opened) : opened;
    if (job.options.dryRun) {
      const { preview } = await import("./dry_run.ts");
      const exit = await preview(work);
      return { result: exit, outcome: { kind: "planned", message: "" } };
    }
    if (job.options.watch) {
      const { watchTrees } = await import("./sync_watch.ts");
      const { exit, outcome } = await watchTrees(work, witnesses);
      return { result: exit, outcome };
    }
    const summary = await mirrorAndReport(work).catch((error) => {
      // What was done before something went wrong is done.
      witnesses?.tellHook(1);
      throw error;
    });
    witnesses?.tellHook(1, summary.digest);
    const exit = summary.problems.length === 0 ? EXIT.done : EXIT.partial;
    return { result: exit, outcome: outcomeOf(summary) };
  }, { shared });
}

/**
 * Opens the source, checks both places, and does `act`; the source is closed again.
 * @throws {SyncError}
 */
export async function withSource<T>(
  job: SyncJob,
  context: CommandContext,
  connecting: Connecting,
  act: (work: SyncWork) => Promise<{ result: T; outcome: Outcome }>,
  { round, shared }: {
    readonly round?: GuardedRound;
    readonly shared?: SharedSource | undefined;
  } = {},
): Promise<T> {
  const { reporter, signal } = context;
  const { from, to, dryRun } = job.options;
  const fileSystem = new DenoFileSystem();
  // A source that can't be read touches nothing: the target comes later.
  using recipes = dryRun || shared
    ? undefined
    : recipesFor(job.options, reporter);
  const sourceOptions = shared?.source ??
    { ...(recipes && { recipes: recipes.of(from) }) };
  const source = await LocalEndpoint.open(fileSystem, from, sourceOptions);
  let outcome: Outcome = { kind: "failed", message: "" };
  try {
    if (to.kind === "directory") {
      const { refuseOverlap } = await import("./overlap.ts");
      refuseOverlap(from, to.path);
      if (job.options.trash !== undefined) {
        const { refuseTrashPlace } = await import("./trash_option.ts");
        const target = { option: "--to", path: to.path };
        const origin = { option: "--from", path: from };
        refuseTrashPlace(job.options.trash, target, origin);
      }
    }
    const { guards, knownFiles } = await safeguardsFor(
      job,
      source,
      reporter,
      round,
    );
    if (round === undefined) reportStart(job, reporter);
    const mirrorOptions = mirrorOptionsOf(job.options, reporter);
    const work: SyncWork = {
      job,
      fileSystem,
      source,
      mirrorOptions: {
        ...mirrorOptions,
        guards,
        signal,
        ...(knownFiles && { recall: (changes) => knownFiles.recall(changes) }),
      },
      context,
      connecting,
      reopen: () => LocalEndpoint.open(fileSystem, from, sourceOptions),
      shared,
    };
    const acted = await act(work);
    outcome = acted.outcome;
    return acted.result;
  } finally {
    await source.close(outcome);
  }
}

/** Says from where to where. */
export function reportStart({ options }: SyncJob, reporter: Reporter): void {
  const { from, to } = options;
  reporter.report({ kind: "started", from, to: textOfTarget(to) });
}

/** What of a mirror the options say. */
export function mirrorOptionsOf(
  options: SyncOptions,
  reporter: Reporter,
): MirrorOptions {
  return {
    checksum: options.checksum,
    symlinks: options.symlinks,
    deletes: !options.noDelete,
    owners: options.owner,
    ignore: options.ignore,
    onEvent: (event) => reporter.report(event),
  };
}

async function mirrorAndReport(work: SyncWork): Promise<MirrorSummary> {
  const start = systemClock.now();
  const { summary, wire, trashed } = await mirrorTo(work);
  const seconds = (systemClock.now() - start) / 1_000;
  const { reporter } = work.context;
  reporter.report({ kind: "done", summary, seconds, wire, trashed });
  return summary;
}

/** What a mirror has done. */
export interface Mirrored {
  readonly summary: MirrorSummary;
  readonly wire: WireCounts | undefined;
  readonly trashed: number | undefined;
}

async function mirrorTo(work: SyncWork): Promise<Mirrored> {
  const { job, source, mirrorOptions, context, connecting } = work;
  const { to, retryFor = USUAL_PATIENCE_MS } = job.options;
  if (to.kind === "directory") {
    return await mirrorToDirectory(work, to.path);
  }
  const { workWithListener } = await import("./sync_remote.ts");
  // A try that is followed by another one may have changed something, too.
  const tally = new RoundTally();
  const observers = [...mirrorOptions.observers ?? [], tally];
  const { result, wire } = await workWithListener(source, {
    url: to.url,
    retryFor,
    connecting,
    async work(target): Promise<MirrorSummary> {
      const options = { ...mirrorOptions, observers };
      const summary = await mirror(source, target, options);
      return { ...summary, changes: tally.totals };
    },
    outcomeOf,
  }, context);
  return { summary: result, wire, trashed: undefined };
}

/** Mirrors to the directory `path`, which is made where it is missing. */
export async function mirrorToDirectory(
  work: SyncWork,
  path: string,
): Promise<Mirrored> {
  const { job, source, mirrorOptions } = work;
  // What is refused must not leave a new directory behind.
  if (job.plan !== undefined) await reviewUnmade(work, path);
  using trash = await trashFor(work, path);
  const target = await openTarget(work, path, trash);
  let outcome: Outcome = { kind: "failed", message: "" };
  try {
    await target.recover(Date.now());
    const summary = await mirror(source, target, mirrorOptions);
    outcome = outcomeOf(summary);
    return { summary, wire: undefined, trashed: trash?.taken };
  } finally {
    await target.close(outcome);
  }
}

/** Opens the directory at `path` to be written to. */
export function openTarget(
  { job, fileSystem, context }: SyncWork,
  path: string,
  trash: TrashDirectory | undefined,
): Promise<LocalEndpoint> {
  return LocalEndpoint.open(fileSystem, path, {
    create: true,
    durable: !job.options.noFsync,
    owners: job.options.owner,
    onKept: ({ message }) => {
      context.reporter.report({ kind: "warning", message });
    },
    ...(trash && { trash }),
  });
}

/** The trash for what is replaced or deleted below `path`, if one is wanted. */
export async function trashFor(
  { job, fileSystem }: SyncWork,
  path: string,
): Promise<TrashDirectory | undefined> {
  if (job.options.trash === undefined) return undefined;
  const { openTrash } = await import("./trash_option.ts");
  return await openTrash(fileSystem, path, job.options);
}

/** Where the target is missing, asks the guards before it is made. */
async function reviewUnmade(
  { fileSystem, source, mirrorOptions }: SyncWork,
  path: string,
): Promise<void> {
  if (await directoryExists(path)) return;
  const place = { name: path, traits: fileSystem.traits };
  const comparison = await compareWithNothing(source, place, mirrorOptions);
  for (const guard of mirrorOptions.guards ?? []) guard.review(comparison);
}

async function directoryExists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
