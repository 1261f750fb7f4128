/**
 * `lockstep sync --interval`: round after round, until it is interrupted. Each is
 * opened, checked and guarded like a run of its own; a round that is not possible
 * (the source is not there, a guard halts it) changes nothing, and comes again.
 */
import { dirname } from "@std/path";
import { hasChanges } from "../../core/change.ts";
import type { DirectoryEntry } from "../../core/entry.ts";
import { NO_ORIGINS, type Origins, originsOf } from "../../core/origins.ts";
import type { Outcome } from "../../core/outcome.ts";
import { displayPath } from "../../core/path.ts";
import type { Snapshot } from "../../core/snapshot.ts";
import {
  GuardError,
  messageOf,
  ProtocolError,
  SyncError,
  TransportError,
} from "../../errors.ts";
import { systemCodeOf } from "../../fs/deno_errors.ts";
import { DenoFileSystem } from "../../fs/deno_fs.ts";
import type { Endpoint } from "../../session/endpoint.ts";
import { LocalEndpoint } from "../../session/local_endpoint.ts";
import { mirror } from "../../session/mirror.ts";
import { repeat } from "../../session/repeat.ts";
import type { RoundRecord, RoundRecords } from "../../session/round_record.ts";
import type { RoundObserver } from "../../session/round_observer.ts";
import { systemClock } from "../../session/system_clock.ts";
import type { CommandEvent } from "../events.ts";
import { EXIT, type ExitCode, exitCodeOfError } from "../exit_code.ts";
import { RoundReporter } from "../round_reporter.ts";
import type { CommandContext } from "./context.ts";
import { witnessed, type Witnesses } from "./witnesses.ts";
import { outcomeOf } from "./outcome.ts";
import { USUAL_PATIENCE_MS } from "./patience.ts";
import { realPlaceOf } from "./overlap.ts";
import type { SyncJob } from "./sync_job.ts";
import type { Connecting } from "./sync_remote.ts";
import {
  type Mirrored,
  mirrorToDirectory,
  reportStart,
  type SharedSource,
  type SyncWork,
  withSource,
} from "./sync_trees.ts";

/**
 * Mirrors every `intervalMs` milliseconds.
 * @returns The exit code of the last round.
 * @throws {SyncError} If the first round fails, or a listener is lost for good.
 */
export async function syncRounds(
  job: SyncJob,
  intervalMs: number,
  context: CommandContext,
  connecting: Connecting,
  shared?: SharedSource,
): Promise<ExitCode> {
  const reporter = new RoundReporter(context.reporter, job.options);
  const loop = { reporter, signal: context.signal };
  const isShared = shared !== undefined;
  return await witnessed(job, { ...loop, isShared }, async (witnesses) => {
    const rounds = new Rounds(job, loop, connecting, witnesses, shared);
    const { to } = job.options;
    try {
      if (to.kind === "directory") {
        await rounds.withDirectory(to.path, intervalMs);
      } else await rounds.withListener(to.url, intervalMs);
    } catch (error) {
      // An interruption is how this ends; but a first round has to be completed.
      if (!loop.signal.aborted || rounds.completed === 0) throw error;
    }
    const { completed, exit } = rounds;
    reporter.report({ kind: "stopped", rounds: completed, exit });
    return exit;
  });
}

class Rounds {
  /** How many rounds came to their end. */
  completed = 0;
  /** Of the last round, whether it was possible or not. */
  exit: ExitCode = EXIT.done;
  /** The same, for the other end. */
  #outcome: Outcome = { kind: "done", message: "" };
  /** Whether a round is under way that has something to change. */
  #isChanging = false;
  readonly #job: SyncJob;
  readonly #context: CommandContext;
  readonly #connecting: Connecting;
  readonly #witnesses: Witnesses;
  readonly #shared: SharedSource | undefined;
  readonly #memory = new RecordInMemory();
  /** The source at the end of the round before. */
  #earlier: DirectoryEntry | undefined;

  constructor(
    job: SyncJob,
    context: CommandContext,
    connecting: Connecting,
    witnesses: Witnesses,
    shared: SharedSource | undefined,
  ) {
    this.#shared = shared;
    this.#job = job;
    this.#context = context;
    this.#connecting = connecting;
    this.#witnesses = witnesses;
  }

  async withDirectory(path: string, intervalMs: number): Promise<void> {
    let device: number | undefined;
    await this.#repeat(intervalMs, async (work) => {
      if (this.completed > 0) checkDevice(path, device);
      else reportStart(this.#job, this.#context.reporter);
      const mirrored = await mirrorToDirectory(work, path);
      device ??= deviceOf(path);
      return mirrored;
    });
  }

  /** In one session, as long as that lasts; a lost one is witnessed by another. */
  async withListener(url: string, intervalMs: number): Promise<void> {
    const { options: { from, retryFor } } = this.#job;
    const fileSystem = new DenoFileSystem();
    // A source that can't be read touches nothing, not even the listener.
    const source = await LocalEndpoint.open(fileSystem, from);
    const { traits } = source;
    await source.close({ kind: "planned", message: "" });
    reportStart(this.#job, this.#context.reporter);
    const { workWithListener } = await import("./sync_remote.ts");
    await workWithListener({ traits }, {
      url,
      retryFor: retryFor ?? USUAL_PATIENCE_MS,
      connecting: this.#connecting,
      work: (target) => this.#withTarget(target, intervalMs),
      outcomeOf: () => this.#outcome,
    }, this.#context);
  }

  async #withTarget(target: Endpoint, intervalMs: number): Promise<void> {
    try {
      await this.#repeat(intervalMs, async ({ source, mirrorOptions }) => ({
        summary: await mirror(source, target, mirrorOptions),
        wire: undefined,
        trashed: undefined,
      }));
    } catch (error) {
      // A round that only looked leaves all as the last one did.
      const { signal } = this.#context;
      if (signal.aborted && this.completed > 0 && !this.#isChanging) return;
      if (!(error instanceof TransportError)) throw error;
      // A listener that has stopped may be started again: that is worth the wait.
      const code = "connection-lost";
      throw new TransportError(messageOf(error), code, { cause: error });
    }
  }

  async #repeat(
    intervalMs: number,
    act: (work: SyncWork) => Promise<Mirrored>,
  ): Promise<void> {
    const { signal } = this.#context;
    const clock = systemClock;
    await repeat(() => this.#once(act), { intervalMs, clock, signal });
  }

  /** `work`, for which the round before is evidence of what has only moved. */
  #withOrigins(work: SyncWork): SyncWork {
    const { mirrorOptions } = work;
    const observer: RoundObserver = {
      staging(): void {},
      passing(): void {},
      applied: ({ comparison }): Promise<void> => {
        this.#earlier = comparison.source.root;
        return Promise.resolve();
      },
    };
    const observers = [...mirrorOptions.observers ?? [], observer];
    const origins = ({ root }: Snapshot): Origins =>
      this.#earlier === undefined ? NO_ORIGINS : originsOf(this.#earlier, root);
    return { ...work, mirrorOptions: { ...mirrorOptions, observers, origins } };
  }

  /** Targets go their own ways after the first scan: each at its own pace. */
  #sharedInRound(): SharedSource | undefined {
    const shared = this.#shared;
    if (shared === undefined || this.completed === 0) return shared;
    const { firstScan: _, ...source } = shared.source;
    return { ...shared, source };
  }

  /** @throws If what went wrong will not go better in the next round. */
  async #once(act: (work: SyncWork) => Promise<Mirrored>): Promise<void> {
    const { reporter, signal } = this.#context;
    const round = this.completed + 1;
    const start = systemClock.now();
    this.#isChanging = false;
    const report = (event: CommandEvent): void => {
      if (event.kind === "planned") {
        this.#isChanging ||= hasChanges(event.totals);
      }
      reporter.report(event);
    };
    try {
      const { summary, trashed } = await withSource(
        this.#job,
        { signal, reporter: { report } },
        this.#connecting,
        async (opened) => {
          const work = this.#withOrigins(this.#witnesses.attend(opened));
          const mirrored = await act(work);
          return { result: mirrored, outcome: outcomeOf(mirrored.summary) };
        },
        {
          round: { isFirst: this.completed === 0, memory: this.#memory },
          shared: this.#sharedInRound(),
        },
      );
      const seconds = (systemClock.now() - start) / 1_000;
      this.completed = round;
      this.exit = summary.problems.length === 0 ? EXIT.done : EXIT.partial;
      this.#outcome = outcomeOf(summary);
      reporter.report({ kind: "synced", round, summary, seconds, trashed });
      this.#witnesses.tellHook(round, summary.digest);
    } catch (error) {
      if (signal.aborted || this.completed === 0 || !isPassing(error)) {
        throw error;
      }
      this.exit = exitCodeOfError(error);
      const kind = error instanceof GuardError ? "halted" : "failed";
      this.#outcome = { kind, message: messageOf(error) };
      reporter.report({ kind: "paused", round, error });
    } finally {
      // What was done before something went wrong is done.
      this.#witnesses.tellHook(round);
    }
  }
}

/** What the guards of a run that goes on know where nothing is to be kept. */
class RecordInMemory implements RoundRecords {
  #record: RoundRecord | undefined;

  read(): Promise<RoundRecord | undefined> {
    return Promise.resolve(this.#record);
  }

  write(record: RoundRecord): Promise<void> {
    this.#record = record;
    return Promise.resolve();
  }
}

/** Whether another round may go better; a session that is broken needs another one. */
function isPassing(error: unknown): boolean {
  if (error instanceof TransportError || error instanceof ProtocolError) {
    return false;
  }
  return error instanceof SyncError || systemCodeOf(error) !== undefined ||
    error instanceof Deno.errors.NotFound;
}

/**
 * A disk that was unmounted leaves an empty directory, or none: the copy must not
 * be made once more on the disk below.
 * @throws {SyncError}
 */
function checkDevice(path: string, before: number | undefined): void {
  if (before === deviceOf(path)) return;
  throw new SyncError(
    "failed",
    `--to ${displayPath(path)} is not on the file system that it was on: ` +
      "was it unmounted?",
  );
}

/** The file system of `path`, or of the nearest directory above it that exists. */
function deviceOf(path: string): number {
  for (let at = realPlaceOf(path);; at = dirname(at)) {
    try {
      return Deno.statSync(at).dev;
    } catch (error) {
      if (dirname(at) === at) throw error;
    }
  }
}
