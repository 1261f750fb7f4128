/**
 * `lockstep sync` with several targets: the source is scanned, watched and chunked
 * once, for all of them; each has its own connection, guards, pace and end.
 */
import { DenoFileSystem } from "../../fs/deno_fs.ts";
import { MemoryRecipeStore } from "../../fs/recipe_store.ts";
import { SharedReadings } from "../../fs/shared_readings.ts";
import { LocalEndpoint } from "../../session/local_endpoint.ts";
import { SharedScan } from "../../session/shared_source.ts";
import { systemClock } from "../../session/system_clock.ts";
import type { CommandEvent, Reporter } from "../events.ts";
import { EXIT, type ExitCode, exitCodeOfError, worstOf } from "../exit_code.ts";
import { Interruption } from "../interrupt.ts";
import type { SyncContext } from "./context.ts";
import { recipesFor } from "./recipes.ts";
import type { SyncJob } from "./sync_job.ts";
import type { Connecting } from "./sync_remote.ts";
import { mirrorOptionsOf, type SharedSource, syncTrees } from "./sync_trees.ts";
import { textOfTarget } from "./target_name.ts";

/**
 * Mirrors to each target of `jobs`, which have the same source.
 * @returns The worst of their exit codes.
 * @throws {SyncError} If the source fails for all of them.
 */
export async function syncTargets(
  jobs: readonly SyncJob[],
  context: SyncContext,
  connectings: readonly Connecting[],
): Promise<ExitCode> {
  const { reporter, signal } = context;
  const { options } = jobs[0]!;
  const { dryRun, watch } = options;
  using recipes = dryRun ? undefined : recipesFor(options, reporter);
  const source = {
    recipes: recipes?.of(options.from) ?? new MemoryRecipeStore(),
    readings: new SharedReadings(),
    firstScan: new SharedScan(systemClock),
  };
  const targets = jobs.map((job, i) =>
    new TargetRun(job, context, connectings[i]!)
  );
  if (dryRun) {
    for (const target of targets) {
      await target.run({ source, watch: undefined });
    }
  } else if (watch) {
    await watchAll(targets, context, source);
  } else {
    await Promise.all(
      targets.map((target) => target.run({ source, watch: undefined })),
    );
  }
  const exits = targets.map(({ exit }) => exit);
  const done = exits.filter((exit) => exit === EXIT.done).length;
  const exit = worstOf(exits);
  // Whoever was stopped in the middle of it says so as with one target.
  const isInterrupted = signal.reason instanceof Interruption &&
    signal.reason.exit === exit;
  if (isInterrupted) throw signal.reason;
  reporter.report({ kind: "finished", targets: targets.length, done, exit });
  return exit;
}

async function watchAll(
  targets: readonly TargetRun[],
  context: SyncContext,
  shared: SharedSource["source"],
): Promise<void> {
  const { job } = targets[0]!;
  const { from } = job.options;
  const { withFeed } = await import("./sync_watch.ts");
  const fileSystem = new DenoFileSystem();
  const { firstScan: _, ...options } = shared;
  const reopen = (): Promise<LocalEndpoint> =>
    LocalEndpoint.open(fileSystem, from, options);
  const mirrorOptions = mirrorOptionsOf(job.options, context.reporter);
  const source = await reopen();
  await withFeed(
    { job, source, mirrorOptions, context, reopen },
    async (watch) => {
      const work = { source: options, watch };
      await Promise.all(targets.map((target) => target.run(work)));
    },
  );
}

/** What says that a target can be reached. */
const HEALTHY: ReadonlySet<CommandEvent["kind"]> = new Set([
  "connected",
  "watch-synced",
  "synced",
  "done",
]);

/** One of several targets, from its beginning to its end. */
class TargetRun implements Reporter {
  readonly job: SyncJob;
  /** How it has ended. */
  exit: ExitCode = EXIT.done;
  readonly #signal: AbortSignal;
  readonly #reporter: Reporter;
  readonly #connecting: Connecting;
  /** Why it can't be reached at present. */
  #fault: Error | undefined;

  constructor(
    job: SyncJob,
    { reporter, signal }: SyncContext,
    connecting: Connecting,
  ) {
    this.job = job;
    this.#signal = signal;
    this.#reporter = reporter.forTarget(textOfTarget(job.options.to));
    this.#connecting = connecting;
  }

  report(event: CommandEvent): void {
    if (event.kind === "retrying") this.#fault = event.error;
    else if (HEALTHY.has(event.kind)) this.#fault = undefined;
    this.#reporter.report(event);
  }

  /** Does what there is to do; what goes wrong is reported, and ends only this one. */
  async run(shared: SharedSource): Promise<void> {
    const context = { reporter: this, signal: this.#signal };
    try {
      this.exit = await syncTrees(this.job, context, this.#connecting, shared);
      // A loop that was stopped while it waited for its target is not done.
      if (this.#fault !== undefined && this.exit === EXIT.done) {
        this.exit = exitCodeOfError(this.#fault);
      }
    } catch (error) {
      this.exit = this.#exitOf(error);
      if (this.exit === exitOfInterruption(this.#signal)) return;
      this.report({ kind: "target-failed", error, exit: this.exit });
    }
  }

  #exitOf(error: unknown): ExitCode {
    const exit = exitOfInterruption(this.#signal);
    if (exit === undefined) return exitCodeOfError(error);
    const { watch, interval } = this.job.options;
    const goesOn = watch || interval !== undefined;
    return goesOn && this.#fault !== undefined
      ? exitCodeOfError(this.#fault)
      : exit;
  }
}

function exitOfInterruption(signal: AbortSignal): ExitCode | undefined {
  const reason: unknown = signal.reason;
  return reason instanceof Interruption ? reason.exit : undefined;
}
