/**
 * The two-way cycle again and again, woken by what happens on either side. State
 * decides, not events: a notice that is lost, late or doubled costs time and
 * nothing else, and whoever was away for an hour needs one round.
 */
import {
  addChanges,
  type ChangeTotals,
  hasChanges,
  NO_CHANGES,
} from "../core/change.ts";
import type { Clock } from "../core/clock.ts";
import type { Conflict } from "../core/conflict.ts";
import { laterAllowance } from "../core/guard.ts";
import { SettledTrees } from "../core/settled_trees.ts";
import type { IgnoreOptions } from "../core/snapshot.ts";
import { asError, FileSystemError, GuardError } from "../errors.ts";
import type { Ancestry } from "./ancestry.ts";
import {
  bidirectional,
  type BidirectionalOptions,
  type TwoWayMemory,
} from "./bidirectional.ts";
import type { Endpoint } from "./endpoint.ts";
import { FailurePause } from "./failure_pause.ts";
import { LossBurst } from "./recent_losses.ts";
import { Resting } from "./resting.ts";
import { StandingProblems } from "./standing_problems.ts";
import {
  openConflicts,
  type SyncedTwoWay,
  type TwoWayEvent,
  type TwoWayProblem,
  type TwoWaySummary,
} from "./two_way_events.ts";

/** A side that tells nothing is looked at this often. */
const POLL_MS = 10_000;

/** How to keep two sides equal. */
export interface FollowTwoWayOptions extends
  Omit<
    BidirectionalOptions,
    "clock" | "memory" | "losses" | "signal" | "known"
  > {
  readonly clock: Clock;
  /** Milliseconds after which both sides are looked at though nothing was told; 0: never. */
  readonly rescanMs: number;
  /** Hears of each round that did something, and of the first of each {@link TwoWayFollower.follow}. */
  readonly onSynced: (round: SyncedTwoWay) => void;
  /** Hears why nothing is carried out any more, once until it is again. */
  readonly onHalted: (error: GuardError) => void;
  readonly onWarning: (message: string) => void;
}

/** Keeps alpha and beta equal, over any number of connections to beta. */
export class TwoWayFollower {
  readonly #alpha: Endpoint;
  readonly #options: FollowTwoWayOptions;
  #ignore: IgnoreOptions | undefined;
  readonly #resting: Resting;
  /** What was done of a round whose large changes are still to come. */
  #midway: Midway | undefined;
  readonly #settled = new SettledTrees();
  #beta: TwoWayMemory["beta"];
  readonly #losses: LossBurst;
  #rounds = 0;
  /** Tries are counted from 1: the latest, and the latest that came to its end. */
  #begun = 0;
  #through = 0;
  #halted: GuardError | undefined;
  #failure: Error | undefined;
  readonly #problems: StandingProblems<TwoWayProblem>;
  #conflicts: readonly Conflict[] = [];
  /** Open conflicts that were told of and still stand. */
  #told = new Set<string>();
  #isWoken = true;
  #wake: (() => void) | undefined;
  /** When both sides are looked at, whatever they tell. */
  #nextLook = Infinity;
  readonly #pause: FailurePause;
  /** Whether it pauses because a root is gone. */
  #isAway = false;

  /** @param alpha Its owner closes it, after the last {@link follow}. */
  constructor(alpha: Endpoint, options: FollowTwoWayOptions) {
    this.#alpha = alpha;
    this.#options = options;
    this.#ignore = options.ignore;
    this.#resting = new Resting(options.clock);
    this.#losses = new LossBurst(options.clock);
    this.#problems = new StandingProblems(this.#resting);
    this.#pause = new FailurePause(options.clock, options.onWarning);
  }

  /** How many rounds did something, or were the first with a beta. */
  get rounds(): number {
    return this.#rounds;
  }

  /** The number of the try that began last, and of the last that came to its end. */
  get tries(): { readonly begun: number; readonly through: number } {
    return { begun: this.#begun, through: this.#through };
  }

  /** Whether something may be on one side alone. */
  get isBehind(): boolean {
    return this.#isWoken || this.#through < this.#begun;
  }

  /** Why it stands still, if it does. */
  get halted(): GuardError | undefined {
    return this.#halted;
  }

  /** Why the last try failed, if it did. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Says that what leads to beta has failed. */
  fail(error: unknown): void {
    this.#failure = asError(error);
  }

  /** What was left out of the last round, on either side. */
  get problems(): readonly TwoWayProblem[] {
    return this.#problems.all;
  }

  /** Conflicts that are left to people. */
  get conflicts(): readonly Conflict[] {
    return this.#conflicts;
  }

  /** From the next round on, this takes no part, instead of what was said before. */
  leaveOut(ignore: IgnoreOptions): void {
    this.#ignore = ignore;
  }

  /** Begins a round soon, as if a side had told of a change. */
  wake(): void {
    this.#isWoken = true;
    this.#wake?.();
  }

  /**
   * Keeps both sides equal until the signal aborts. To be called again with a new
   * beta after that has failed.
   * @throws {SyncError} If beta, or the way to it, fails; or if a side can't be
   *   used before the first round is through.
   */
  async follow(
    beta: Endpoint,
    ancestry: Ancestry,
    signal: AbortSignal,
  ): Promise<void> {
    const wake = (): void => this.wake();
    this.#isWoken = true;
    this.#pause.end();
    let isFirst = true;
    try {
      for (const side of [this.#alpha, beta]) {
        await side.notices?.subscribe(wake, signal);
      }
      while (!signal.aborted) {
        await this.#wait(signal);
        if (signal.aborted) break;
        const isThrough = await this.#try(beta, ancestry, isFirst, signal);
        if (isThrough) isFirst = false;
        this.#nextLook = this.#options.clock.now() + this.#lookMs(beta);
      }
    } catch (error) {
      if (!signal.aborted) this.#failure = asError(error);
      throw error;
    }
  }

  #lookMs(beta: Endpoint): number {
    const { rescanMs } = this.#options;
    const usual = rescanMs > 0 ? rescanMs : Infinity;
    const tells = this.#alpha.notices !== undefined &&
      beta.notices !== undefined;
    return tells ? usual : Math.min(usual, POLL_MS);
  }

  /** Until a side tells something, or something is due. */
  async #wait(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const pausedUntil = this.#pause.until;
    if (this.#isWoken && (pausedUntil === undefined || this.#isAway)) return;
    const due = pausedUntil ?? Math.min(this.#resting.due, this.#nextLook);
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = due === Infinity
      ? undefined
      : clock.after(Math.max(0, due - clock.now()), resolve);
    // A directory tells when it is back; no other failure ends with a notice.
    if (pausedUntil === undefined || this.#isAway) this.#wake = resolve;
    const onAbort = (): void => resolve();
    signal.addEventListener("abort", onAbort);
    await promise;
    signal.removeEventListener("abort", onAbort);
    this.#wake = undefined;
    cancel?.();
  }

  /** One round; whether it came to its end. */
  async #try(
    beta: Endpoint,
    ancestry: Ancestry,
    isFirst: boolean,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { onHalted } = this.#options;
    this.#isWoken = false;
    const number = ++this.#begun;
    this.#pause.end();
    this.#resting.wake();
    let isOver: boolean;
    try {
      isOver = await this.#round(beta, ancestry, isFirst, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      if (error instanceof GuardError) {
        if (this.#halted === undefined) onHalted(error);
        this.#halted = error;
        return false;
      }
      const mayHeal = error instanceof FileSystemError && this.#rounds > 0;
      if (!mayHeal) throw error;
      this.#isAway = error.code === "not-found";
      this.#failure = error;
      this.#pause.begin(error);
      return false;
    }
    this.#resting.settle();
    this.#through = number;
    this.#halted = undefined;
    this.#failure = undefined;
    this.#pause.settle();
    return isOver;
  }

  /** One round, or what is small of it; whether nothing was put off. */
  async #round(
    beta: Endpoint,
    ancestry: Ancestry,
    isFirst: boolean,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { clock, onSynced } = this.#options;
    const start = clock.now();
    const memory: TwoWayMemory = {
      settled: this.#settled,
      beta: this.#beta,
      isResting: (path) => this.#resting.has(path),
      keepTo: (changes, problems) => this.#resting.keepTo(changes, problems),
      mayPostpone: this.#midway === undefined,
      rest: (sided) => {
        const { path, code } = sided.problem;
        if (code !== "kept") this.#resting.add(path, code, sided);
      },
    };
    let summary: TwoWaySummary;
    try {
      summary = await bidirectional({ alpha: this.#alpha, beta }, ancestry, {
        ...this.#options,
        limits: this.#limits(),
        ...(this.#ignore && { ignore: this.#ignore }),
        memory,
        losses: this.#losses.begin(),
        signal,
        onEvent: (event) => this.#pass(event, isFirst),
      });
    } finally {
      this.#beta = memory.beta;
      this.#losses.end();
    }
    this.#note(summary);
    const { totals, digest } = summary;
    const midway = this.#midway ?? { start, ...NOTHING_DONE };
    const changes = {
      alpha: addChanges(midway.alpha, summary.changes.alpha),
      beta: addChanges(midway.beta, summary.changes.beta),
    };
    const settled = midway.settled + summary.conflicts.length;
    if (this.#midway === undefined && !memory.mayPostpone) {
      // The round is not over: what is large is still to come.
      this.wake();
      this.#midway = { start: midway.start, ...changes, settled };
      return false;
    }
    this.#midway = undefined;
    const { allowDelete } = this.#options.limits;
    if (this.#rounds === 0 && allowDelete !== undefined) this.#losses.forget();
    const hasDone = hasChanges(changes.alpha) || hasChanges(changes.beta);
    if (!hasDone && !isFirst) return true;
    const round = ++this.#rounds;
    onSynced({
      round,
      digest,
      changes,
      totals,
      conflicts: settled,
      open: this.#conflicts.length,
      problems: summary.problems.length,
      seconds: (clock.now() - midway.start) / 1_000,
    });
    await beta.synced({ round, digest }, signal);
    return true;
  }

  /** What was allowed answers for what waits now: for the first complete round. */
  #limits(): BidirectionalOptions["limits"] {
    const { limits } = this.#options;
    if (this.#rounds === 0) return limits;
    return { ...limits, allowDelete: laterAllowance(limits.allowDelete) };
  }

  /** Passes on what is worth a word while it goes on and on. */
  #pass(event: TwoWayEvent, isFirst: boolean): void {
    const { onEvent } = this.#options;
    switch (event.kind) {
      case "scanning":
      case "scanned":
        if (isFirst) onEvent?.(event);
        break;
      case "planned": {
        const { alpha, beta } = event.changes;
        if (!hasChanges(alpha) && !hasChanges(beta)) break;
        onEvent?.({ ...event, round: this.#rounds + 1 });
        break;
      }
      case "problem":
      case "conflict":
        // Told of at the end, if they are new.
        break;
      case "transfer":
      case "applying":
        onEvent?.(event);
        break;
      default:
        event satisfies never;
    }
  }

  /** What a round has left; what of it is new is told of. */
  #note({ problems, conflicts }: TwoWaySummary): void {
    const { onEvent } = this.#options;
    const resting = this.#resting.problems() as TwoWayProblem[];
    const left = new Set([...problems, ...resting]);
    for (const { side, problem } of this.#problems.replace([...left])) {
      onEvent?.({ kind: "problem", side, problem });
    }
    const told = new Set<string>();
    for (const conflict of conflicts) {
      const key = keyOf(conflict);
      if (conflict.winner === undefined) told.add(key);
      if (this.#told.has(key)) continue;
      onEvent?.({ kind: "conflict", conflict });
    }
    this.#told = told;
    this.#conflicts = openConflicts({ conflicts });
  }
}

/** A round of which the small changes are done. */
interface Midway {
  /** When it was begun, in milliseconds of the clock. */
  readonly start: number;
  readonly alpha: ChangeTotals;
  readonly beta: ChangeTotals;
  /** Conflicts that were settled. */
  readonly settled: number;
}

const NOTHING_DONE: Omit<Midway, "start"> = {
  alpha: NO_CHANGES,
  beta: NO_CHANGES,
  settled: 0,
};

/** The same for as long as neither version is another one. */
function keyOf({ path, alpha, beta }: Conflict): string {
  const versions = [alpha.new, beta.new].map((entry) =>
    entry?.kind === "file"
      ? entry.digest
      : entry?.kind === "symlink"
      ? entry.target
      : entry?.kind
  );
  return JSON.stringify([path, ...versions]);
}
