/**
 * One workspace: the process that works on it, and the watchdog over that. A process
 * that died or does not answer is ended and started anew; where that happens too
 * often, the workspace has failed until somebody resumes it.
 *
 * | state    | process | what comes next                                             |
 * | -------- | ------- | ----------------------------------------------------------- |
 * | starting | yes, no | running, when it has said something                         |
 * | running  | yes     | waiting, when it died or was ended                          |
 * | waiting  | no      | starting, after a pause                                     |
 * | failed   | no      | starting, when it is resumed                                |
 * | paused   | no      | starting, when it is resumed                                |
 */
import type { Clock } from "../core/clock.ts";
import { messageOf } from "../errors.ts";
import {
  formatSynced,
  type LastSynced,
  lastSyncedOf,
  parseSynced,
  type SyncedStore,
} from "./last_synced.ts";
import { type FailureLimits, Failures } from "./failures.ts";
import type { Turnstile } from "./turnstile.ts";
import type {
  FlushResult,
  FromWorker,
  RemoteStatus,
  WorkerStatus,
} from "./worker_message.ts";
import type { WorkerListener, WorkerProcess } from "./worker_process.ts";
import type { RemoteConfig, WorkspaceConfig } from "./workspace_config.ts";

/** A process loads the program, and others may do the same at this moment. */
const START_WITHIN_MS = 60_000;

/** So long a process may take to end by itself. */
const STOP_WITHIN_MS = 1_500;

/** So many lines of the log are told of a workspace that has failed. */
const LAST_LINES = 20;

/** Nobody reads a longer line. */
const MAX_LINE_LENGTH = 4_096;

/** A process has so much time beyond its own limit to say that it is reached. */
const FLUSH_GRACE_MS = 2_000;

/** What remotes got last is written down no more often than this. */
const SAVE_EVERY_MS = 5_000;

/** What becomes of a workspace. */
export type WorkspaceState =
  | "starting"
  | "running"
  | "waiting"
  | "paused"
  | "failed";

/** What workspaces have in common. */
export interface Surroundings {
  readonly clock: Clock;
  readonly limits: FailureLimits;
  /** A process that says nothing for so long is ended, in milliseconds. */
  readonly stallMs: number;
  /** Holds up who would start beside too many others. */
  readonly turnstile: Turnstile;
  /** Remembers what remotes got last. */
  readonly synced: SyncedStore;
  /** Starts the process of a workspace. @throws If the system can't. */
  startWorker(listener: WorkerListener): WorkerProcess;
  /** Hears of each round of a remote that is complete; must not throw. */
  onRound?(name: string, remote: string): void;
  /** Takes a line for the log of the workspace `name`; must not throw. */
  log(name: string, line: string): void;
}

/** A workspace at one moment, as the control interface tells it. */
export interface WorkspaceStatus {
  readonly name: string;
  readonly path: string;
  readonly state: WorkspaceState;
  /** Whether the directory is there; undefined where nobody looks. */
  readonly source: WorkerStatus["source"] | undefined;
  /** What is wrong, if something is. */
  readonly error: string | undefined;
  /** Of its process, if there is one. */
  readonly pid: number | undefined;
  /** How often the process failed lately. */
  readonly failures: number;
  readonly options: WorkspaceConfig["options"];
  readonly remotes: readonly (RemoteStatus & {
    readonly to: string;
    readonly options: RemoteConfig["options"];
    readonly hasToken: boolean;
  })[];
  /** The end of the log, where it has failed. */
  readonly log: readonly string[] | undefined;
}

interface Flush {
  readonly id: number;
  readonly remotes: readonly string[];
  /** By our clock. */
  readonly deadline: number;
  readonly done: (results: readonly FlushResult[]) => void;
}

/** One workspace; whoever made it starts it, calls `check` now and then, and closes it. */
export class Workspace {
  readonly #around: Surroundings;
  readonly #failures: Failures;
  #config: WorkspaceConfig;
  #state: WorkspaceState = "paused";
  #process: WorkerProcess | undefined;
  #heardAt = 0;
  /** Why the process is being ended, if it is. */
  #verdict: string | undefined;
  #status: WorkerStatus | undefined;
  readonly #remotes = new Map<string, RemoteStatus>();
  #error: string | undefined;
  #lines: readonly string[] = [];
  /** Whether it was closed. */
  #isOver = false;
  #savedAt = -Infinity;
  #cancelSave: (() => void) | undefined;
  #cancelRestart = (): void => {};
  #leaveTurnstile = (): void => {};
  /** Counts starts and stops, so that a start that was overtaken shows. */
  #turn = 0;
  readonly #flushes = new Map<number, Flush>();
  #nextFlush = 1;

  constructor(config: WorkspaceConfig, around: Surroundings) {
    this.#config = config;
    this.#around = around;
    this.#failures = new Failures(around.limits);
    const text = around.synced.read(config.name);
    if (text === undefined) return;
    for (const { to, ...last } of parseSynced(text, config.path)) {
      const isSame = config.remotes.some((remote) =>
        remote.name === last.name && remote.to === to
      );
      if (!isSame) continue;
      this.#remotes.set(last.name, { ...nothingOf(last.name), ...last });
    }
  }

  /** Begins to work, unless it is paused. */
  start(): void {
    if (!this.#config.paused) void this.#start();
  }

  /** From now on `config` holds; remotes that are the same in it are not disturbed. */
  configure(config: WorkspaceConfig): void {
    const before = this.#config;
    this.#config = config;
    const names = new Set(config.remotes.map(({ name }) => name));
    for (const name of this.#remotes.keys()) {
      if (!names.has(name)) this.#remotes.delete(name);
    }
    if (config.paused && !before.paused) this.#pause();
    else if (!config.paused && before.paused) this.start();
    else this.#process?.send({ kind: "configure", workspace: config });
  }

  /** Tries at once what waits for its next try, and what was given up. */
  retry(remote: string | undefined): void {
    if (this.#config.paused) return;
    this.#failures.forget();
    if (this.#state === "failed" || this.#state === "waiting") {
      void this.#start();
    } else this.#process?.send({ kind: "retry", remote });
  }

  /** Looks whether the process still answers; `isLate`: we were stopped ourselves. */
  check(isLate: boolean): void {
    const { clock, stallMs } = this.#around;
    if (this.#process === undefined || this.#verdict !== undefined) return;
    if (isLate) this.#heardAt = clock.now();
    const limit = this.#state === "starting"
      ? Math.max(stallMs, START_WITHIN_MS)
      : stallMs;
    if (clock.now() - this.#heardAt <= limit) return;
    this.#verdict = `it did not answer for ${Math.round(limit / 1_000)} s`;
    this.#process.kill();
  }

  /**
   * Waits until what is there now has arrived at `remotes`. Never rejects.
   * @returns What has become of each of them.
   */
  flush(
    remotes: readonly string[],
    timeoutMs: number,
  ): Promise<readonly FlushResult[]> {
    const { clock } = this.#around;
    const { promise, resolve } = Promise.withResolvers<
      readonly FlushResult[]
    >();
    const id = this.#nextFlush++;
    const cancel = clock.after(timeoutMs + FLUSH_GRACE_MS, () => {
      flush.done(failed(remotes, "it did not answer in time"));
    });
    const flush: Flush = {
      id,
      remotes,
      deadline: clock.now() + timeoutMs,
      done: (results): void => {
        cancel();
        this.#flushes.delete(id);
        resolve(results);
      },
    };
    this.#flushes.set(id, flush);
    const reason = this.#reasonNotToWork();
    if (reason !== undefined) flush.done(failed(remotes, reason));
    else if (this.#state === "running") this.#sendFlush(flush);
    return promise;
  }

  get status(): WorkspaceStatus {
    const { name, path, options } = this.#config;
    const source = this.#process === undefined
      ? undefined
      : this.#status?.source;
    return {
      name,
      path,
      state: this.#state,
      source,
      error: this.#error ?? this.#status?.error,
      pid: this.#process?.pid,
      failures: this.#failures.count,
      options,
      remotes: this.#config.remotes.map((remote) => this.#statusOf(remote)),
      log: this.#state === "failed" ? this.#lines : undefined,
    };
  }

  /** Ends the process; resolves when it is gone. */
  async close(): Promise<void> {
    const process = this.#process;
    this.#isOver = true;
    this.#pause();
    await process?.ended;
    if (this.#cancelSave !== undefined) this.#save();
  }

  /** Nothing is to be remembered of it; comes after `close`. */
  forget(): void {
    this.#around.synced.remove(this.#config.name);
  }

  async #start(): Promise<void> {
    const { clock, turnstile, startWorker } = this.#around;
    const turn = ++this.#turn;
    this.#cancelRestart();
    this.#state = "starting";
    this.#error = undefined;
    // Two processes never work on one workspace.
    await this.#process?.ended;
    const leave = await turnstile.enter();
    if (turn !== this.#turn) return leave();
    this.#leaveTurnstile = leave;
    this.#heardAt = clock.now();
    this.#verdict = undefined;
    this.#status = undefined;
    let process: WorkerProcess;
    try {
      process = startWorker({
        onMessage: (message) => this.#hear(process, message),
        onLog: (line) => this.#log(line),
      });
    } catch (error) {
      return this.#fail(`it can't be started: ${messageOf(error)}`);
    }
    this.#process = process;
    this.#log(`Process ${process.pid} works on it`);
    process.send({ kind: "configure", workspace: this.#config });
    const end = await process.ended;
    if (this.#process === process) this.#process = undefined;
    leave();
    if (turn === this.#turn) this.#fail(this.#verdict ?? end);
  }

  #hear(process: WorkerProcess, message: FromWorker): void {
    if (process !== this.#process) return;
    this.#heardAt = this.#around.clock.now();
    switch (message.kind) {
      case "status": {
        this.#status = message.status;
        for (const remote of message.status.remotes) this.#note(remote);
        if (this.#state !== "starting" || this.#verdict !== undefined) return;
        this.#state = "running";
        this.#leaveTurnstile();
        for (const flush of this.#flushes.values()) this.#sendFlush(flush);
        return;
      }
      case "alive":
        return;
      case "flushed":
        return this.#flushes.get(message.id)?.done(message.results);
      default:
        message satisfies never;
    }
  }

  /** What was synced last is known also while a new process has not done so yet. */
  #note(remote: RemoteStatus): void {
    if (!this.#config.remotes.some(({ name }) => name === remote.name)) return;
    const before = this.#remotes.get(remote.name);
    const { digest, syncedAt, files, bytes } = remote.syncedAt === undefined
      ? before ?? remote
      : remote;
    this.#remotes.set(remote.name, {
      ...remote,
      digest,
      syncedAt,
      files,
      bytes,
    });
    if (syncedAt === before?.syncedAt) return;
    this.#saveSoon();
    this.#around.onRound?.(this.#config.name, remote.name);
  }

  #saveSoon(): void {
    const { clock } = this.#around;
    const waitMs = this.#savedAt + SAVE_EVERY_MS - clock.now();
    this.#cancelSave ??= clock.after(Math.max(0, waitMs), () => this.#save());
  }

  #save(): void {
    const { clock, synced } = this.#around;
    this.#cancelSave?.();
    this.#cancelSave = undefined;
    this.#savedAt = clock.now();
    const { name, path, remotes } = this.#config;
    const all = remotes.flatMap((remote): LastSynced[] => {
      const known = this.#remotes.get(remote.name);
      const last = known && lastSyncedOf(known, remote.to);
      return last === undefined ? [] : [last];
    });
    synced.write(name, formatSynced(path, all));
  }

  #fail(reason: string): void {
    const { clock } = this.#around;
    this.#leaveTurnstile();
    this.#error = `The process of the workspace failed: ${reason}`;
    this.#log(this.#error);
    const delayMs = this.#failures.note(clock.now());
    if (delayMs === undefined) {
      this.#state = "failed";
      this.#log("It failed too often: it is not started again before a resume");
      return this.#endFlushes();
    }
    this.#state = "waiting";
    this.#log(`It is started again in ${delayMs} ms`);
    this.#cancelRestart = clock.after(delayMs, () => void this.#start());
  }

  #pause(): void {
    this.#turn++;
    this.#cancelRestart();
    this.#leaveTurnstile();
    this.#state = "paused";
    this.#error = undefined;
    this.#failures.forget();
    this.#endFlushes();
    const process = this.#process;
    if (process === undefined) return;
    process.stop();
    const cancel = this.#around.clock.after(
      STOP_WITHIN_MS,
      () => process.kill(),
    );
    void process.ended.then(() => {
      cancel();
      if (this.#process === process) this.#process = undefined;
    });
  }

  #endFlushes(): void {
    const reason = this.#reasonNotToWork();
    if (reason === undefined) return;
    for (const flush of this.#flushes.values()) {
      flush.done(failed(flush.remotes, reason));
    }
  }

  #sendFlush({ id, remotes, deadline }: Flush): void {
    const timeoutMs = Math.max(0, deadline - this.#around.clock.now());
    this.#process?.send({ kind: "flush", id, remotes, timeoutMs });
  }

  #reasonNotToWork(): string | undefined {
    if (this.#isOver) return "the workspace was removed, or the daemon ends";
    switch (this.#state) {
      case "paused":
        return "the workspace is paused";
      case "failed":
        return this.#error ?? "the workspace has failed";
      default:
        return undefined;
    }
  }

  #statusOf(remote: RemoteConfig): WorkspaceStatus["remotes"][number] {
    const { name, to, options, token } = remote;
    const known = this.#remotes.get(name);
    return {
      ...known ?? nothingOf(name),
      ...this.#stateOf(remote, known),
      to,
      options,
      hasToken: token !== undefined,
    };
  }

  /** Without a process, what it has said last is over. */
  #stateOf(
    { paused }: RemoteConfig,
    known: RemoteStatus | undefined,
  ): Partial<RemoteStatus> {
    if (paused || this.#state === "paused") {
      return { state: "paused", error: undefined, lagMs: 0 };
    }
    if (this.#state === "failed") return { state: "failed", lagMs: 0 };
    const isKnown = this.#state === "running" && known !== undefined &&
      known.state !== "paused";
    return isKnown ? {} : { state: "connecting", lagMs: 0 };
  }

  #log(text: string): void {
    const line = text.slice(0, MAX_LINE_LENGTH);
    this.#lines = [...this.#lines, line].slice(-LAST_LINES);
    this.#around.log(this.#config.name, line);
  }
}

function failed(remotes: readonly string[], error: string): FlushResult[] {
  return remotes.map((remote) => ({ remote, exit: 1, error }));
}

function nothingOf(name: string): RemoteStatus {
  return {
    name,
    state: "connecting",
    error: undefined,
    lagMs: 0,
    digest: undefined,
    syncedAt: undefined,
    files: 0,
    bytes: 0,
    sentFiles: 0,
    sentBytes: 0,
    receivedFiles: 0,
    receivedBytes: 0,
    problems: 0,
    conflicts: 0,
  };
}
