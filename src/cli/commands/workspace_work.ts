/** What the process of a workspace does: watches the directory, follows to remotes. */
import { isSameRoot, type RootIdentity } from "../../core/guard.ts";
import { sleep } from "../../core/sleep.ts";
import { messageOf } from "../../errors.ts";
import type {
  FlushResult,
  RemoteStatus,
  SourceState,
  WorkerStatus,
} from "../../daemon/worker_message.ts";
import {
  laterOptions,
  type RemoteConfig,
  type WorkspaceConfig,
} from "../../daemon/workspace_config.ts";
import { DenoFileSystem } from "../../fs/deno_fs.ts";
import { lockFile } from "../../fs/deno_lock.ts";
import type { Lock } from "../../fs/file_system.ts";
import { MemoryRecipeStore } from "../../fs/recipe_store.ts";
import { SharedReadings } from "../../fs/shared_readings.ts";
import { LocalEndpoint } from "../../session/local_endpoint.ts";
import { backoff } from "../../session/reconnect.ts";
import { systemClock } from "../../session/system_clock.ts";
import type { CommandEvent, Reporter } from "../events.ts";
import { EXIT } from "../exit_code.ts";
import { fileNameOf } from "../state/root_file.ts";
import { identityOf } from "../state/root_identity.ts";
import {
  prepareStateDirectory,
  usualStateDirectory,
} from "../state/state_directory.ts";
import { realPlaceOf } from "./overlap.ts";
import { recipesFor } from "./recipes.ts";
import { RemoteWork } from "./remote_work.ts";
import type { SyncJob } from "./sync_job.ts";
import { mirrorOptionsOf, type SharedSource } from "./sync_trees.ts";
import { type RunningFeed, withFeed } from "./sync_watch.ts";
import { jobOfSource } from "./workspace_options.ts";

/** Between two looks for a directory that is not there. */
const LOOK_AGAIN_MS = 1_000;

/** Between two tries to have the directory for us alone. */
const LOCK_AGAIN_MS = 200;

/** What this work is given. */
export interface WorkOptions {
  /** Ends it. */
  readonly signal: AbortSignal;
  readonly log: (text: string) => void;
  /** Hears that the status may be another one; comes often. */
  readonly onChange: () => void;
}

/** The watch, and all that its followers share. */
interface Watching {
  readonly feed: RunningFeed;
  readonly source: SharedSource["source"];
  /** Of the directory that is watched. */
  readonly identity: RootIdentity;
}

/** The work for one workspace; ends with its signal. */
export class WorkspaceWork implements Reporter {
  readonly #options: WorkOptions;
  readonly #remotes = new Map<string, RemoteWork>();
  #config: WorkspaceConfig | undefined;
  #watching: Watching | undefined;
  #state: SourceState = "starting";
  #error: string | undefined;
  #ended = Promise.resolve();
  /** What follows no more is through then: two must not write to one place. */
  #closing: Promise<unknown> = Promise.resolve();
  /** Ends the watch of now, to begin another one. */
  #watch = new AbortController();

  constructor(options: WorkOptions) {
    this.#options = options;
  }

  /** From now on this is to be; what is the same as before is not disturbed. */
  configure(config: WorkspaceConfig): void {
    const isFirst = this.#config === undefined;
    this.#config = config;
    if (isFirst) this.#ended = this.#run();
    else this.#follow();
  }

  /** Tries at once what waits for its next try. */
  retry(remote: string | undefined): void {
    for (const [name, work] of this.#remotes) {
      if (remote === undefined || remote === name) work.retry();
    }
    // Another directory at the path is taken for the workspace from now on.
    if (remote === undefined && this.#isLost()) this.#watch.abort();
  }

  /** Whether the directory is gone or another one, be it that nobody has noticed yet. */
  #isLost(): boolean {
    if (this.#state === "lost" || this.#watching === undefined) return true;
    try {
      const now = identityOf(this.#config!.path);
      return !isSameRoot(now, this.#watching.identity);
    } catch {
      return true;
    }
  }

  /** Resolves when nothing is written any more. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  get status(): WorkerStatus {
    const remotes = this.#config?.remotes ?? [];
    return {
      source: this.#state,
      error: this.#error,
      remotes: remotes.flatMap(({ name }): RemoteStatus[] => {
        const work = this.#remotes.get(name);
        return work === undefined ? [] : [work.status];
      }),
    };
  }

  /** What concerns the directory itself. */
  report(event: CommandEvent): void {
    switch (event.kind) {
      case "source-lost":
        return this.#lose("the directory is gone, or is another one");
      case "source-back":
        this.#state = "watching";
        this.#error = undefined;
        this.#options.log("The directory is back");
        return this.#options.onChange();
      case "warning":
        return this.#options.log(event.message);
      default:
    }
  }

  /** Waits until what is there now is at `names`. @returns What became of each. */
  async flush(
    names: readonly string[],
    timeoutMs: number,
  ): Promise<readonly FlushResult[]> {
    const timeout = new AbortController();
    const cancel = systemClock.after(timeoutMs, () => timeout.abort());
    const signal = AbortSignal.any([timeout.signal, this.#options.signal]);
    try {
      const version = await this.#settled(signal);
      return await Promise.all(
        names.map(async (name): Promise<FlushResult> => {
          const work = this.#remotes.get(name);
          if (work === undefined || version === undefined) {
            const error = this.#reasonNotToReach(name);
            return { remote: name, exit: EXIT.failed, error };
          }
          return { remote: name, ...await work.reach(version, signal) };
        }),
      );
    } finally {
      cancel();
    }
  }

  #reasonNotToReach(name: string): string {
    const remote = this.#config?.remotes.find((one) => one.name === name);
    if (remote === undefined) return "it is a remote no more";
    if (remote.paused) return "it is paused";
    return this.#error ?? "the directory could not be looked at in time";
  }

  /** A version with all that is there now; undefined: there will be none. */
  async #settled(signal: AbortSignal): Promise<number | undefined> {
    while (this.#watching === undefined) {
      if (signal.aborted || this.#state === "lost") return undefined;
      await sleep(LOCK_AGAIN_MS, systemClock, signal);
    }
    return await this.#watching.feed.feed.settled(signal);
  }

  /** Watches, whenever the directory is there. */
  async #run(): Promise<void> {
    const { signal } = this.#options;
    const config = this.#config!;
    const directory = usualStateDirectory();
    let failures = 0;
    using _lock = await this.#lock(directory, config.path);
    while (!signal.aborted) {
      this.#watch = new AbortController();
      try {
        if (!isDirectory(config.path)) {
          this.#lose("the directory is not there");
          await sleep(LOOK_AGAIN_MS, systemClock, this.#stop);
          continue;
        }
        const job = jobOfSource(config);
        using recipes = recipesFor(job.options, this);
        const source = {
          recipes: recipes?.of(config.path) ?? new MemoryRecipeStore(),
          readings: new SharedReadings(),
        };
        await this.#watchOnce(job, source);
        failures = 0;
      } catch (error) {
        if (this.#stop.aborted) continue;
        this.#lose(messageOf(error));
        await sleep(
          backoff(++failures + 2, Math.random),
          systemClock,
          this.#stop,
        );
      }
    }
  }

  async #watchOnce(
    job: SyncJob,
    source: Watching["source"],
  ): Promise<void> {
    const fileSystem = new DenoFileSystem();
    const reopen = (): Promise<LocalEndpoint> =>
      LocalEndpoint.open(fileSystem, job.options.from, source);
    const context = { reporter: this, signal: this.#stop };
    const mirrorOptions = mirrorOptionsOf(job.options, this);
    const opened = await reopen();
    await withFeed(
      { job, source: opened, mirrorOptions, context, reopen },
      async (feed) => {
        const identity = identityOf(opened.name);
        this.#watching = { feed, source, identity };
        this.#state = "watching";
        this.#error = undefined;
        this.#follow();
        this.#options.onChange();
        await aborted(feed.stop);
        this.#watching = undefined;
        const works = [...this.#remotes.values()];
        this.#remotes.clear();
        await Promise.all([
          this.#closing,
          ...works.map((work) => work.close()),
        ]);
      },
    );
  }

  /** Makes the followers those that the configuration names. */
  #follow(): void {
    if (this.#watching === undefined) return;
    const { remotes } = this.#config!;
    for (const [name, work] of this.#remotes) {
      const wanted = remotes.find((remote) => remote.name === name);
      if (wanted !== undefined && isSame(wanted, work.config)) continue;
      this.#remotes.delete(name);
      this.#closing = Promise.all([this.#closing, work.close()]);
    }
    for (const remote of remotes) {
      if (remote.paused || this.#remotes.has(remote.name)) continue;
      const work = new RemoteWork({
        workspace: this.#config!,
        remote,
        feed: this.#watching.feed,
        source: this.#watching.source,
        after: this.#closing,
        log: (text) => this.#options.log(`${remote.name}: ${text}`),
        onChange: this.#options.onChange,
      });
      this.#remotes.set(remote.name, work);
    }
    this.#options.onChange();
  }

  #lose(error: string): void {
    if (this.#error !== error) this.#options.log(error);
    this.#state = "lost";
    this.#error = error;
    this.#options.onChange();
  }

  get #stop(): AbortSignal {
    return AbortSignal.any([this.#options.signal, this.#watch.signal]);
  }

  /** No other process is to follow from here: one that is being killed may take a moment. */
  async #lock(
    directory: string | undefined,
    path: string,
  ): Promise<Disposable> {
    const none = { [Symbol.dispose]: (): void => {} };
    if (directory === undefined) return none;
    prepareStateDirectory(directory);
    const at = `${directory}/${fileNameOf(realPlaceOf(path))}.watch`;
    while (!this.#options.signal.aborted) {
      let lock: Lock;
      try {
        lock = await lockFile({ at, shown: at });
      } catch (error) {
        this.#lose(`another process works on it: ${messageOf(error)}`);
        await sleep(LOCK_AGAIN_MS, systemClock, this.#options.signal);
        continue;
      }
      return { [Symbol.dispose]: (): void => lock.release() };
    }
    return none;
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true })
  );
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/**
 * Whether whoever follows to one goes on with the other. Both come from the same
 * place, with fields in the same order; what is allowed for a first round is over
 * some time, and disturbs nobody.
 */
function isSame(one: RemoteConfig, other: RemoteConfig): boolean {
  return textOf(one) === textOf(other);
}

function textOf(remote: RemoteConfig): string {
  const options = laterOptions(remote.options);
  return JSON.stringify({ ...remote, options });
}
