/** One remote of a workspace: follows to it for as long as it is attached. */
import { sleep } from "../../core/sleep.ts";
import type { Totals } from "../../core/entry.ts";
import { displayPath } from "../../core/path.ts";
import type { Problem } from "../../core/problem.ts";
import { messageOf } from "../../errors.ts";
import type { SyncedTwoWay } from "../../session/two_way_events.ts";
import { formatNumberOf } from "../format.ts";
import type { RemoteStatus } from "../../daemon/worker_message.ts";
import {
  laterOptions,
  type RemoteConfig,
  type WorkspaceConfig,
} from "../../daemon/workspace_config.ts";
import { systemClock } from "../../session/system_clock.ts";
import type { CommandEvent, Reporter } from "../events.ts";
import { EXIT, type ExitCode, exitCodeOfError } from "../exit_code.ts";
import { Interruption } from "../interrupt.ts";
import { connectOptionsOf } from "./connect_options.ts";
import {
  type Following,
  OneWayFollowing,
  TwoWayFollowing,
} from "./following.ts";
import type { Connecting } from "./sync_remote.ts";
import { type SharedSource, syncTrees } from "./sync_trees.ts";
import type { RunningFeed } from "./sync_watch.ts";
import { isTwoWay, jobOf } from "./workspace_options.ts";

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

/** How a round ended, in one direction or in both. */
type RoundEnd = Pick<SyncedTwoWay, "digest" | "totals" | "problems">;

type Amount = Pick<Totals, "files" | "bytes">;

const NOTHING: Amount = { files: 0, bytes: 0 };

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
  /** Whether a round was complete: nothing that was allowed for it holds any more. */
  #isAnswered = false;
  #following: Following | undefined;
  #phase: "connecting" | "syncing" | "watching" | "failed" = "connecting";
  #fault: { readonly message: string; readonly exit: ExitCode } | undefined;
  #behindSince: number | undefined;
  #synced: Pick<RemoteStatus, "digest" | "syncedAt" | "files" | "bytes"> = {
    digest: undefined,
    syncedAt: undefined,
    files: 0,
    bytes: 0,
  };
  #sent = NOTHING;
  #received = NOTHING;
  #problems = 0;

  constructor(options: RemoteWorkOptions) {
    this.#options = options;
    this.#ended = this.#run();
  }

  get config(): RemoteConfig {
    return this.#options.remote;
  }

  get status(): RemoteStatus {
    return {
      name: this.config.name,
      state: this.#state,
      error: this.#why()?.message,
      lagMs: this.#lagMs(),
      ...this.#synced,
      sentFiles: this.#sent.files,
      sentBytes: this.#sent.bytes,
      receivedFiles: this.#received.files,
      receivedBytes: this.#received.bytes,
      problems: this.#problems,
      conflicts: this.#following?.conflicts ?? 0,
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
      case "watch-synced":
        this.#note(event.round);
        this.#sent = sumOf(this.#sent, event.round.changes);
        break;
      case "two-way":
        if (event.event.kind === "conflict") {
          const path = displayPath(event.event.conflict.path);
          this.#options.log(`Conflict at ${path}: both sides changed it`);
          break;
        }
        if (event.event.kind !== "synced") return;
        this.#note(event.event.round);
        this.#sent = sumOf(this.#sent, event.event.round.changes.beta);
        this.#received = sumOf(this.#received, event.event.round.changes.alpha);
        break;
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

  #note({ digest, totals, problems }: RoundEnd): void {
    this.#phase = "watching";
    this.#isAnswered = true;
    this.#fault = undefined;
    this.#synced = {
      digest,
      syncedAt: new Date().toISOString(),
      files: totals.files,
      bytes: totals.bytes,
    };
    this.#problems = problems;
  }

  /** Tries at once, if it waits for its next try. */
  retry(): void {
    this.#retry.abort();
  }

  /** Waits until the version `number` is in place; not where it is refused. */
  async reach(number: number, signal: AbortSignal): Promise<Reached> {
    let following: Following | undefined;
    let goal = 0;
    for (;;) {
      if (following !== this.#following) {
        following = this.#following;
        goal = await following?.goal(number, signal) ?? 0;
      }
      const { problems = [], conflicts = 0 } = following ?? {};
      const settles = problems.some(({ code }) => code === "stale");
      const isThere = following?.hasReached(goal) ?? false;
      if (isThere && problems.length + conflicts === 0) {
        return { exit: EXIT.done, error: undefined };
      }
      const isOver = signal.aborted || this.#stop.signal.aborted;
      if (isThere && (!settles || isOver)) {
        return { exit: EXIT.partial, error: leftOf(problems, conflicts) };
      }
      const why = this.#why();
      if (
        isOver || this.status.state === "halted" || this.#phase === "failed"
      ) {
        const { message, exit } = why ?? {
          message: this.#stop.signal.aborted
            ? "nothing goes there any more: it was paused, detached or changed"
            : "it was not in place in time",
          exit: EXIT.failed,
        };
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
      const rounds = this.#following?.rounds ?? 0;
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
      if ((this.#following?.rounds ?? 0) > rounds) pauseMs = FIRST_PAUSE_MS;
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
    const job = jobOf(workspace, {
      ...remote,
      ...this.#isAnswered && { options: laterOptions(remote.options) },
    });
    const { options } = job;
    const { compress, bwlimit } = options;
    const stop = AbortSignal.any([feed.stop, this.#stop.signal]);
    const context = { reporter: this, signal: stop };
    const connecting: Connecting = {
      connect: connectOptionsOf(options.to, options),
      connection: undefined,
      ...(compress && { compress }),
      ...(bwlimit && { limit: bwlimit }),
    };
    this.#following = undefined;
    if (options.twoWay) {
      const { followTwoWay } = await import("./two_way_remote.ts");
      return await followTwoWay({
        ...{ workspace, remote, job, connecting },
        onFollower: (follower, alpha) => {
          this.#following = new TwoWayFollowing(follower, alpha);
        },
      }, context);
    }
    await syncTrees(job, context, connecting, {
      source,
      watch: {
        feed: feed.feed,
        stop,
        onFollower: (follower) => {
          this.#following = new OneWayFollowing(follower, feed.feed);
        },
      },
    });
  }

  get #state(): RemoteStatus["state"] {
    const following = this.#following;
    if (this.#phase === "failed") {
      return this.#fault?.exit === EXIT.halted ? "halted" : "failed";
    }
    if (following?.halted !== undefined) return "halted";
    const isThrough = this.#phase === "syncing" && isTwoWay(this.config) &&
      following !== undefined && following.rounds > 0 && !following.isBehind;
    // A round of which nothing came to pass is not told of.
    return isThrough ? "watching" : this.#phase;
  }

  get #isOver(): boolean {
    return this.#stop.signal.aborted || this.#options.feed.stop.aborted;
  }

  #why(): { readonly message: string; readonly exit: ExitCode } | undefined {
    const error = this.#following?.halted ?? this.#following?.failure;
    if (error === undefined) return this.#fault;
    return { message: messageOf(error), exit: exitCodeOfError(error) };
  }

  #lagMs(): number {
    const newest = this.#options.feed.feed.version?.number ?? 0;
    const isBehind = this.#following?.isBehind ?? newest > 0;
    if (!isBehind) {
      this.#behindSince = undefined;
      return 0;
    }
    this.#behindSince ??= systemClock.now();
    return Math.round(systemClock.now() - this.#behindSince);
  }
}

function sumOf(one: Amount, other: Amount): Amount {
  return {
    files: one.files + other.files,
    bytes: one.bytes + other.bytes,
  };
}

/** What is not in place, of which there is something. */
function leftOf(problems: readonly Problem[], conflicts: number): string {
  const [problem] = problems;
  const open = formatNumberOf(conflicts, "conflict");
  if (problem === undefined) return `${open} left to people`;
  const more = problems.length + conflicts - 1;
  return `${problem.message}${more === 0 ? "" : ` (and ${more} more)`}`;
}
