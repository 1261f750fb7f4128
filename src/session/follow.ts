/**
 * One target of a watch: when a round is tried there, because the feed of the source
 * has something new or something is due, and what becomes of a try that failed. It
 * holds no queue: who was away for long needs one round, like who was away for a
 * moment.
 */
import { asError, FileSystemError, type GuardError } from "../errors.ts";
import { refuseOwners } from "./compare_sides.ts";
import { Doubts } from "./doubts.ts";
import type { Endpoint } from "./endpoint.ts";
import type { SidedProblem } from "./events.ts";
import { FailurePause } from "./failure_pause.ts";
import type { Feed } from "./feed.ts";
import { type FeedRoundOptions, FeedRounds } from "./feed_rounds.ts";
import { KnownTarget } from "./known_target.ts";
import { Resting } from "./resting.ts";
import { RetryTimes } from "./retry_times.ts";
import { SourceView } from "./source_view.ts";

/** How to follow a source. */
export interface FollowOptions extends FeedRoundOptions {
  /** The clock by which the source dates files, in milliseconds since 1970. */
  readonly timeOfDay?: () => number;
  /** Milliseconds between looks at what others did at the target; 0: none. */
  readonly repairMs: number;
  /**
   * Whether to go on with the same target after it has failed as a whole; else
   * whoever opened it is to do that anew.
   */
  readonly staysOnFailure: boolean;
  readonly onWarning: (message: string) => void;
}

/** Follows one source to one target, over any number of connections. */
export class Follower {
  readonly #feed: Feed;
  readonly #options: FollowOptions;
  readonly #resting: Resting;
  readonly #doubts: Doubts;
  readonly #source: SourceView;
  readonly #rounds: FeedRounds;
  readonly #pause: FailurePause;
  /** Whether something came into doubt since the last try. */
  #hasFound = false;
  /** Why the last try failed, if it did. */
  #failure: Error | undefined;
  /** The number of the version that was carried out last, by whatever connection. */
  #carriedOut = 0;
  /** The same of the last one of which nothing was put off. */
  #reached = 0;

  constructor(feed: Feed, options: FollowOptions) {
    this.#feed = feed;
    this.#options = options;
    this.#resting = new Resting(options.clock);
    this.#doubts = new Doubts(options.timeOfDay);
    this.#source = new SourceView(feed, this.#doubts.racy);
    this.#rounds = new FeedRounds({
      feed,
      source: this.#source,
      doubts: this.#doubts,
      resting: this.#resting,
    }, options);
    this.#pause = new FailurePause(options.clock, options.onWarning);
  }

  /** How many rounds did something, or were the first with a target. */
  get rounds(): number {
    return this.#rounds.count;
  }

  /**
   * The number of the last version that was carried out, but for what `problems`
   * names; 0: none.
   */
  get reached(): number {
    return this.#reached;
  }

  /** Why it stands still, if it does. */
  get halted(): GuardError | undefined {
    return this.#rounds.halted;
  }

  /**
   * Why the target is behind: the failure of the last try, while there is
   * something that was not carried out.
   */
  get failure(): Error | undefined {
    const newest = this.#feed.version?.number ?? 0;
    return this.#carriedOut < newest ? this.#failure : undefined;
  }

  /** Says that what leads to the target has failed. */
  fail(error: unknown): void {
    this.#failure = asError(error);
  }

  /** What was left out of the last round, on either side. */
  get problems(): readonly SidedProblem[] {
    return this.#rounds.problems;
  }

  /**
   * Keeps `target` equal to the source until the signal aborts. To be called
   * again with a new endpoint after it has failed.
   * @throws {SyncError} If the target, or the way to it, fails.
   */
  async follow(target: Endpoint, signal: AbortSignal): Promise<void> {
    refuseOwners(target, this.#options);
    const course = new Course(target);
    this.#pause.restart();
    try {
      while (!signal.aborted) {
        await this.#wait(course, signal);
        if (signal.aborted) break;
        await this.#reread();
        if (this.#isDue(course)) await this.#try(course, signal);
      }
    } catch (error) {
      if (!signal.aborted) this.#failure = asError(error);
      throw error;
    } finally {
      await this.#rounds.record();
      await this.#source.close();
    }
  }

  /** Until there is something new, or something is due. */
  async #wait(course: Course, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    if (this.#isDue(course)) return;
    const ms = Math.min(
      this.#nextTry(course) - clock.now(),
      this.#doubts.racy.wait ?? Infinity,
    );
    const number = this.#pause.until === undefined ? course.done : Infinity;
    const wait = new AbortController();
    const stop = (): void => wait.abort();
    const cancel = ms === Infinity
      ? undefined
      : clock.after(Math.max(0, ms), stop);
    signal.addEventListener("abort", stop);
    await this.#feed.newer(number, wait.signal);
    signal.removeEventListener("abort", stop);
    cancel?.();
  }

  /** When a round is to be tried, though there is nothing new. */
  #nextTry({ nextLook, nextRepair }: Course): number {
    const { until = Infinity } = this.#pause;
    return Math.min(this.#resting.due, until, nextLook, nextRepair);
  }

  #isDue(course: Course): boolean {
    if (this.#options.clock.now() >= this.#nextTry(course)) return true;
    if (this.#pause.until !== undefined) return false;
    return course.isBehind(this.#feed) || this.#hasFound;
  }

  /** Looks again at what was sent too early to be sure of. */
  async #reread(): Promise<void> {
    if (this.#doubts.racy.wait !== 0) return;
    const source = await this.#source.open();
    if (await this.#doubts.reread(source)) this.#hasFound = true;
  }

  async #try(course: Course, signal: AbortSignal): Promise<void> {
    const { clock, staysOnFailure, repairMs } = this.#options;
    const { target } = course;
    await this.#feed.recent(signal);
    const version = this.#feed.version;
    if (version === undefined || signal.aborted) return;
    const { nextLook, nextRepair } = course;
    if (clock.now() >= Math.min(nextLook, nextRepair)) target.forget();
    if (!target.isKnown && repairMs > 0) {
      course.nextRepair = clock.now() + repairMs;
    }
    this.#pause.end();
    this.#hasFound = false;
    this.#feed.relook(this.#resting.wake());
    try {
      const end = await this.#rounds.carryOut(target, version, signal);
      if (end === "through") this.#reached = version.number;
      if (end !== "halted") {
        this.#resting.settle();
        this.#pause.settle();
      }
    } catch (error) {
      if (signal.aborted) throw error;
      target.forget();
      const mayHeal = error instanceof FileSystemError && staysOnFailure &&
        this.#rounds.count > 0;
      if (!mayHeal) throw error;
      course.done = version.number;
      this.#failure = error;
      this.#pause.begin(error);
      return;
    }
    course.settle(clock.now());
    course.done = version.number;
    this.#carriedOut = version.number;
    this.#failure = undefined;
  }
}

/** The way with one endpoint. */
class Course {
  readonly target: KnownTarget;
  /** The number of the version that was carried out last. */
  done = 0;
  /** When the target is looked at again, whatever is known of it. */
  nextRepair = Infinity;
  readonly #retries = new RetryTimes();

  constructor(target: Endpoint) {
    this.target = new KnownTarget(target);
  }

  /** When it is looked at again, because something of it could not be. */
  get nextLook(): number {
    return this.#retries.due;
  }

  /** Says that a round is over, and what time it is. */
  settle(now: number): void {
    if (now >= this.#retries.due) this.#retries.begin();
    this.#retries.saw(this.target.isUnreadable ? "same" : "none", now);
  }

  isBehind(feed: Feed): boolean {
    return (feed.version?.number ?? 0) > this.done;
  }
}
