/** One remote of a workspace: follows to it for as long as it is attached. */
import { sleep } from "../../core/sleep.ts";
import { messageOf } from "../../errors.ts";
import type { RemoteStatus } from "../../daemon/worker_message.ts";
import type {
  RemoteConfig,
  WorkspaceConfig,
} from "../../daemon/workspace_config.ts";
import type { Follower } from "../../session/follow.ts";
import { systemClock } from "../../session/system_clock.ts";
import type { CommandEvent, Reporter } from "../events.ts";
import { EXIT, type ExitCode, exitCodeOfError } from "../exit_code.ts";
import { Interruption } from "../interrupt.ts";
import { connectOptionsOf } from "./connect_options.ts";
import { type SharedSource, syncTrees } from "./sync_trees.ts";
import type { RunningFeed } from "./sync_watch.ts";
import { jobOf } from "./workspace_options.ts";

/** Between two tries where the remote refuses: from, up to. */
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;

/** While a flush waits, it is looked at so often. */
const REACH_EVERY_MS = 10;

/** What a {@link RemoteWork} is given. */
export interface RemoteWorkOptions {
  readonly workspace: WorkspaceConfig;
  readonly remote: RemoteConfig;
  readonly feed: RunningFeed;
  readonly source: SharedSource["source"];
  /** Nothing is done before that. */
  readonly after: Promise<unknown>;
  readonly log: (text: string) => void;
  readonly onChange: () => void;
}

/** What became of an attempt to reach a version. */
export interface Reached {
  readonly exit: ExitCode;
  readonly error: string | undefined;
}

/** Follows to one remote; begins at once, ends when it is closed. */
export class RemoteWork implements Reporter {
  readonly #options: RemoteWorkOptions;
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;
  #retry = new AbortController();
  #follower: Follower | undefined;
  #phase: "connecting" | "syncing" | "watching" | "failed" = "connecting";
  #fault: { readonly message: string; readonly exit: ExitCode } | undefined;
  #behindSince: number | undefined;
  #synced: Pick<RemoteStatus, "digest" | "syncedAt" | "files" | "bytes"> = {
    digest: undefined,
    syncedAt: undefined,
    files: 0,
    bytes: 0,
  };
  #sent = { files: 0, bytes: 0 };
  #problems = 0;

  constructor(options: RemoteWorkOptions) {
    this.#options = options;
    this.#ended = this.#run();
  }

  get config(): RemoteConfig {
    return this.#options.remote;
  }

  get status(): RemoteStatus {
    const halted = this.#follower?.halted;
    return {
      name: this.config.name,
      state: halted !== undefined && this.#phase !== "failed"
        ? "halted"
        : this.#phase,
      error: this.#why()?.message,
      lagMs: this.#lagMs(),
      ...this.#synced,
      sentFiles: this.#sent.files,
      sentBytes: this.#sent.bytes,
      problems: this.#problems,
    };
  }

  report(event: CommandEvent): void {
    switch (event.kind) {
      case "connected":
        this.#phase = "syncing";
        this.#fault = undefined;
        this.#options.log(`Connected to ${event.peer}`);
        break;
      case "planned":
        this.#phase = "syncing";
        break;
      case "watch-synced": {
        const { digest, changes, totals, problems } = event.round;
        this.#phase = "watching";
        this.#fault = undefined;
        this.#synced = {
          digest,
          syncedAt: new Date().toISOString(),
          files: totals.files,
          bytes: totals.bytes,
        };
        this.#sent = {
          files: this.#sent.files + changes.files,
          bytes: this.#sent.bytes + changes.bytes,
        };
        this.#problems = problems;
        break;
      }
      case "retrying": {
        const message = messageOf(event.error);
        if (this.#fault?.message !== message) this.#options.log(message);
        this.#phase = "connecting";
        this.#fault = { message, exit: exitCodeOfError(event.error) };
        break;
      }
      case "halted":
      case "warning":
        this.#options.log(event.message);
        break;
      case "problem":
        this.#options.log(`Left out: ${event.problem.message}`);
        break;
      default:
        return;
    }
    this.#options.onChange();
  }

  /** Tries at once, if it waits for its next try. */
  retry(): void {
    this.#retry.abort();
  }

  /** Waits until the version `number` is in place; not where it is refused. */
  async reach(number: number, signal: AbortSignal): Promise<Reached> {
    for (;;) {
      const problems = this.#follower?.problems ?? [];
      const settles = problems.some(({ problem }) => problem.code === "stale");
      const isThere = (this.#follower?.reached ?? 0) >= number;
      if (isThere && problems.length === 0) {
        return { exit: EXIT.done, error: undefined };
      }
      const isOver = signal.aborted || this.#stop.signal.aborted;
      if (isThere && (!settles || isOver)) {
        const [{ problem }] = problems as [typeof problems[number]];
        const more = problems.length > 1
          ? ` (and ${problems.length - 1} more)`
          : "";
        return { exit: EXIT.partial, error: `${problem.message}${more}` };
      }
      const why = this.#why();
      if (
        isOver || this.status.state === "halted" || this.#phase === "failed"
      ) {
        const { message = "it was not in place in time", exit = EXIT.failed } =
          why ?? {};
        return { exit, error: message };
      }
      await sleep(REACH_EVERY_MS, systemClock, signal);
    }
  }

  /** Follows no more; resolves when nothing is written there any more. */
  async close(): Promise<void> {
    this.#stop.abort(new Interruption("SIGTERM", EXIT.terminated));
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    let pauseMs = FIRST_PAUSE_MS;
    await this.#options.after;
    while (!signal.aborted) {
      this.#retry = new AbortController();
      const rounds = this.#follower?.rounds ?? 0;
      try {
        await this.#follow();
        return;
      } catch (error) {
        if (this.#isOver) return;
        const { message, exit } = {
          message: messageOf(error),
          exit: exitCodeOfError(error),
        };
        if (this.#fault?.message !== message) this.#options.log(message);
        this.#fault = { message, exit };
        this.#phase = "failed";
        this.#options.onChange();
      }
      if ((this.#follower?.rounds ?? 0) > rounds) pauseMs = FIRST_PAUSE_MS;
      await sleep(
        pauseMs,
        systemClock,
        AbortSignal.any([signal, this.#retry.signal]),
      );
      pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2);
    }
  }

  async #follow(): Promise<void> {
    const { workspace, remote, feed, source } = this.#options;
    const job = jobOf(workspace, remote);
    const { options } = job;
    const { compress, bwlimit } = options;
    const stop = AbortSignal.any([feed.stop, this.#stop.signal]);
    this.#follower = undefined;
    await syncTrees(job, { reporter: this, signal: stop }, {
      connect: connectOptionsOf(options.to, options),
      connection: undefined,
      ...(compress && { compress }),
      ...(bwlimit && { limit: bwlimit }),
    }, {
      source,
      watch: {
        feed: feed.feed,
        stop,
        onFollower: (follower) => {
          this.#follower = follower;
        },
      },
    });
  }

  get #isOver(): boolean {
    return this.#stop.signal.aborted || this.#options.feed.stop.aborted;
  }

  #why(): { readonly message: string; readonly exit: ExitCode } | undefined {
    const error = this.#follower?.halted ?? this.#follower?.failure;
    if (error === undefined) return this.#fault;
    return { message: messageOf(error), exit: exitCodeOfError(error) };
  }

  #lagMs(): number {
    const newest = this.#options.feed.feed.version?.number ?? 0;
    const isBehind = (this.#follower?.reached ?? 0) < newest;
    if (!isBehind) {
      this.#behindSince = undefined;
      return 0;
    }
    this.#behindSince ??= systemClock.now();
    return Math.round(systemClock.now() - this.#behindSince);
  }
}
