/** The sending end of a one-way replication: looks, asks, and follows changes. */
import type { Clock } from "../core/clock.ts";
import type { DirectoryEntry } from "../core/entry.ts";
import type { Outcome } from "../core/outcome.ts";
import type { ProblemCode } from "../core/problem.ts";
import { NO_ORIGINS, type Origins, originsOf } from "../core/origins.ts";
import type {
  IgnoreOptions,
  Snapshot,
  SymlinkPolicy,
} from "../core/snapshot.ts";
import { sleep } from "../core/sleep.ts";
import {
  asError,
  GuardError,
  messageOf,
  StaleError,
  SyncError,
} from "../errors.ts";
import { DigestCache } from "../fs/digest_cache.ts";
import type { FileSystem, Stat } from "../fs/file_system.ts";
import type { EventListener, MirrorSummary } from "../session/events.ts";
import { LocalEndpoint } from "../session/local_endpoint.ts";
import { mirror, type MirrorOptions } from "../session/mirror.ts";
import { backoff } from "../session/reconnect.ts";
import type { RoundObserver } from "../session/round_observer.ts";
import type { RoundGuard } from "../session/round_guard.ts";
import { systemClock } from "../session/system_clock.ts";
import type { CourierOptions, ReplicatorHandler } from "./courier.ts";
import { partyOf } from "./party.ts";
import { RequestEndpoint } from "./request_endpoint.ts";
import { RequestSession } from "./request_session.ts";
import { TreeWatch } from "./tree_watch.ts";

/** How a {@link ReplicatorSource} works; nothing has to be said. */
export interface ReplicatorSourceOptions {
  /**
   * Compare by content, so that a file whose time alone has changed is not sent
   * again: each version of a file is read once at either side. True unless said;
   * without, size and mtime decide.
   */
  readonly checksum?: boolean;
  /** What becomes of symbolic links; "copy" unless said. */
  readonly symlinks?: SymlinkPolicy;
  /** Whether what is extra at the target is deleted; true unless said. */
  readonly deletes?: boolean;
  /** What takes no part; nothing unless said. */
  readonly ignore?: IgnoreOptions;
  /** Asked before each round changes anything. */
  readonly guards?: readonly RoundGuard[];
  /**
   * Hears of what went wrong and will be tried again, and of a watch that sees
   * nothing any more. It must not throw.
   */
  readonly onError?: (error: Error) => void;
  /** Hears of the work of each round. It must not throw. */
  readonly onEvent?: EventListener;
  /** Hears what each round has done, the first one too. It must not throw. */
  readonly onRound?: (summary: MirrorSummary) => void;
  /**
   * How long the source is left alone after a change, in milliseconds: 20 unless
   * said, and at least as long as the last round took.
   */
  readonly settleMs?: number;
  /**
   * After how long the source is looked at again though no change was heard of,
   * in milliseconds: 60,000 unless said, 2,000 where nothing can be watched.
   */
  readonly rescanMs?: number;
  /** How long a request is tried again before its round is given up; 60,000 ms unless said. */
  readonly retryForMs?: number;
  /** How long the handler may take for one request; 60,000 ms unless said. */
  readonly timeoutMs?: number;
  /** The time; that of the system unless said. */
  readonly clock?: Clock;
  /** From 0 up to, but not, 1: spreads what is tried again. */
  readonly random?: () => number;
}

const SETTLE_MS = 20;
const RESCAN_MS = 60_000;
const BLIND_RESCAN_MS = 2_000;
const RETRY_FOR_MS = 60_000;
const TIMEOUT_MS = 60_000;

/** Problems that time may heal. */
const TRIED_AGAIN: ReadonlySet<ProblemCode> = new Set([
  "stale",
  "unreadable",
  "failed",
]);

/** How long the target may take to answer the goodbye. */
const LEAVE_WITHIN_MS = 2_000;

/** Somebody who waits until the target is equal. */
interface Waiting {
  /** The number of the first round that will do. */
  readonly round: number;
  readonly resolve: (summary: MirrorSummary) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Keeps the tree of a {@link ReplicatorTarget} equal to the directory `root`, in
 * one direction. Its requests are carried by the `handler`; see
 * {@link ReplicatorMessage} for what they are made of. Each round is a comparison
 * of the two trees as they are: events of the file system only say that it is time
 * for the next one, so one that is lost, or comes twice, does no harm.
 */
export class ReplicatorSource {
  readonly #fileSystem: FileSystem;
  readonly #root: string;
  readonly #options: ReplicatorSourceOptions;
  readonly #clock: Clock;
  readonly #courier: CourierOptions;
  readonly #watch: TreeWatch;
  readonly #digests = new DigestCache();
  readonly #end = new AbortController();
  /** The directory that was the root when it began. */
  #identity: Stat | undefined;
  /** The source as it was when the target was made equal to it last. */
  #equal: DirectoryEntry | undefined;
  readonly #watcher: RoundObserver = {
    staging(): void {},
    passing(): void {},
    applied: ({ comparison }): Promise<void> => {
      this.#equal = comparison.source.root;
      return Promise.resolve();
    },
  };
  #session: RequestSession | undefined;
  /** Rounds begun so far. */
  #rounds = 0;
  #isDirty = false;
  #wake: (() => void) | undefined;
  #waiting: Waiting[] = [];
  #following: Promise<void> | undefined;
  #started = false;

  /** Does nothing yet; see {@link start}. */
  constructor(
    fileSystem: FileSystem,
    root: string,
    handler: ReplicatorHandler,
    options: ReplicatorSourceOptions = {},
  ) {
    this.#fileSystem = fileSystem;
    this.#root = root;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#courier = {
      handler,
      clock: this.#clock,
      random: options.random ?? Math.random,
      retryForMs: options.retryForMs ?? RETRY_FOR_MS,
      timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
      onError: (error) => this.#report(error),
    };
    this.#watch = new TreeWatch(fileSystem, {
      changed: () => this.#changed(),
      failed: ({ message, remedy }) => {
        const advice = remedy === undefined ? "" : ` (${remedy})`;
        const text = `Changes are found by looking now and then: ${message}`;
        this.#report(new SyncError("failed", text + advice));
      },
    });
  }

  /**
   * Makes the target equal to the source, and resolves with what that was; from
   * then on the target follows each change, until {@link close}.
   * @throws {SyncError} If the source can't be read, or the target can't be
   *   reached for `retryForMs`, or refuses. Then nothing is followed.
   * @throws {GuardError} If one of the guards halts it.
   * @throws {TypeError} If it was started before.
   */
  async start(): Promise<MirrorSummary> {
    if (this.#started) throw new TypeError("The source was started before");
    this.#started = true;
    let summary: MirrorSummary;
    try {
      summary = await this.#firstRound();
    } catch (error) {
      this.#watch.close();
      await this.#leave({ kind: "failed", message: messageOf(error) });
      throw error;
    }
    this.#following = this.#follow();
    return summary;
  }

  /**
   * Compares both sides once more, now, whether or not a change was heard of:
   * resolves when all that was there before the call is at the target, however
   * often that has to be tried, with what the last round did. Paths that could
   * not be made equal are in its problems.
   * @throws {TypeError} If it is not started, or closed meanwhile.
   */
  flush(): Promise<MirrorSummary> {
    if (this.#following === undefined || this.#end.signal.aborted) {
      return Promise.reject(new TypeError("The source is not at work"));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ round: this.#rounds + 1, resolve, reject });
      this.#changed();
    });
  }

  /**
   * Stops: a round that is under way is broken off, changes that were not sent
   * yet stay unsent (see {@link flush}), and all watches are released.
   */
  async close(): Promise<void> {
    this.#started = true;
    const isFirst = !this.#end.signal.aborted;
    this.#end.abort(new TypeError("The source is closed"));
    this.#watch.close();
    await this.#following;
    for (const { reject } of this.#waiting.splice(0)) {
      reject(this.#end.signal.reason);
    }
    if (isFirst) await this.#leave({ kind: "done", message: "" });
  }

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #firstRound(): Promise<MirrorSummary> {
    for (let failures = 1;; failures++) {
      try {
        return await this.#round();
      } catch (error) {
        this.#end.signal.throwIfAborted();
        // A target that has begun anew knows nothing of the session.
        if (!(error instanceof StaleError)) throw error;
        this.#report(error);
        await this.#pause(failures);
      }
    }
  }

  async #follow(): Promise<void> {
    const { signal } = this.#end;
    const { settleMs = SETTLE_MS } = this.#options;
    let failures = 0;
    let workMs = 0;
    while (!signal.aborted) {
      if (!this.#isDirty) await this.#idle(failures);
      if (signal.aborted) return;
      if (this.#waiting.length === 0) {
        // A tree that never rests takes half of the time at the most.
        await sleep(Math.max(settleMs, workMs), this.#clock, signal);
      }
      const begin = this.#clock.now();
      try {
        const { problems } = await this.#round();
        const isUnfinished = problems.some(({ problem }) =>
          TRIED_AGAIN.has(problem.code)
        );
        failures = isUnfinished ? failures + 1 : 0;
      } catch (error) {
        if (signal.aborted) return;
        this.#report(asError(error));
        failures++;
      }
      workMs = this.#clock.now() - begin;
    }
  }

  /** Waits for a change, but not for ever; after `failures` in a row not for long. */
  async #idle(failures: number): Promise<void> {
    const { rescanMs = this.#watch.seesAll ? RESCAN_MS : BLIND_RESCAN_MS } =
      this.#options;
    const ms = failures === 0
      ? rescanMs
      : Math.min(rescanMs, backoff(failures, this.#courier.random));
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    this.#wake = wake;
    const { signal } = this.#end;
    signal.addEventListener("abort", wake);
    const cancel = this.#clock.after(ms, wake);
    await promise;
    cancel();
    signal.removeEventListener("abort", wake);
    this.#wake = undefined;
  }

  #pause(failures: number): Promise<void> {
    const ms = backoff(failures, this.#courier.random);
    return sleep(ms, this.#clock, this.#end.signal);
  }

  /** One comparison of both sides, and what follows from it. */
  async #round(): Promise<MirrorSummary> {
    const round = ++this.#rounds;
    this.#isDirty = false;
    await this.#prepare();
    const { fileSystem } = this.#watch;
    const source = await LocalEndpoint.open(fileSystem, this.#root, {
      digests: this.#digests,
    });
    let summary: MirrorSummary;
    try {
      const target = new RequestEndpoint(await this.#connect());
      summary = await mirror(source, target, this.#mirrorOptions());
    } finally {
      await source.close({ kind: "done", message: "" });
    }
    this.#watch.finish();
    this.#options.onRound?.(summary);
    const isServed = ({ round: least }: Waiting): boolean => least <= round;
    for (const { resolve } of this.#waiting.filter(isServed)) resolve(summary);
    this.#waiting = this.#waiting.filter((waiting) => !isServed(waiting));
    return summary;
  }

  #mirrorOptions(): MirrorOptions {
    const { checksum, symlinks, deletes, ignore, guards, onEvent } =
      this.#options;
    return {
      checksum: checksum ?? true,
      symlinks: symlinks ?? "copy",
      deletes: deletes ?? true,
      clock: this.#clock,
      signal: this.#end.signal,
      origins: (here) => this.#originsOf(here),
      observers: [this.#watcher],
      ...(ignore && { ignore }),
      ...(guards && { guards }),
      ...(onEvent && { onEvent }),
    };
  }

  /** What of the source, as it is now, stood elsewhere after the last round. */
  #originsOf({ root }: Snapshot): Origins {
    return this.#equal === undefined
      ? NO_ORIGINS
      : originsOf(this.#equal, root);
  }

  /** Makes sure of the root, and that its changes are heard of. */
  async #prepare(): Promise<void> {
    const root = await this.#fileSystem.openRoot(this.#root);
    try {
      const stat = await root.stat();
      this.#identity ??= stat;
      const { device, inode } = this.#identity;
      if (stat.device !== device || stat.inode !== inode) {
        throw new GuardError(
          `${root.path} is another directory than at the start: start anew if that is meant`,
        );
      }
      await this.#watch.begin(root);
    } finally {
      root.close();
    }
  }

  async #connect(): Promise<RequestSession> {
    const known = this.#session;
    if (known !== undefined && !known.isClosed) return known;
    const { traits } = this.#fileSystem;
    return this.#session = await RequestSession.open(
      partyOf(traits),
      this.#courier,
      this.#end.signal,
    );
  }

  /** Says goodbye, if the target will hear it soon. */
  async #leave(outcome: Outcome): Promise<void> {
    const session = this.#session;
    const cancel = this.#clock.after(LEAVE_WITHIN_MS, () => session?.close());
    try {
      await session?.bye(outcome);
    } catch {
      // It will find out when somebody else comes.
    } finally {
      cancel();
      session?.close();
    }
  }

  #changed(): void {
    this.#isDirty = true;
    this.#wake?.();
  }

  #report(error: Error): void {
    this.#options.onError?.(error);
  }
}
