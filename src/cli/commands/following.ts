/** Who follows to a remote, in one direction or in both, as its state is told. */
import type { Problem } from "../../core/problem.ts";
import type { Feed } from "../../session/feed.ts";
import type { Follower } from "../../session/follow.ts";
import type { TwoWayFollower } from "../../session/follow_two_way.ts";
import type { WatchedEndpoint } from "../../session/watched_endpoint.ts";

/** What is asked of whoever follows. */
export interface Following {
  readonly rounds: number;
  readonly halted: Error | undefined;
  readonly failure: Error | undefined;
  /** What is left out at present. */
  readonly problems: readonly Problem[];
  /** Conflicts that are left to people at present. */
  readonly conflicts: number;
  /** Whether there is something that is not there yet, as far as is known. */
  readonly isBehind: boolean;
  /**
   * What has to be reached to have all that is there now.
   * @param version A version of the source that has it.
   */
  goal(version: number, signal: AbortSignal): Promise<number>;
  hasReached(goal: number): boolean;
}

/** What both kinds of followers tell alike. */
abstract class FollowerState<F extends Follower | TwoWayFollower> {
  protected readonly follower: F;

  constructor(follower: F) {
    this.follower = follower;
  }

  get rounds(): number {
    return this.follower.rounds;
  }

  get halted(): Error | undefined {
    return this.follower.halted;
  }

  get failure(): Error | undefined {
    return this.follower.failure;
  }

  get problems(): readonly Problem[] {
    return this.follower.problems.map(({ problem }) => problem);
  }
}

/** To a place that gets what the source has. */
export class OneWayFollowing extends FollowerState<Follower>
  implements Following {
  readonly #feed: Feed;

  constructor(follower: Follower, feed: Feed) {
    super(follower);
    this.#feed = feed;
  }

  get conflicts(): number {
    return 0;
  }

  get isBehind(): boolean {
    return !this.hasReached(this.#feed.version?.number ?? 0);
  }

  goal(version: number): Promise<number> {
    return Promise.resolve(version);
  }

  hasReached(goal: number): boolean {
    return (this.follower.reached ?? 0) >= goal;
  }
}

/** With a place that gives as well. */
export class TwoWayFollowing extends FollowerState<TwoWayFollower>
  implements Following {
  readonly #alpha: Pick<WatchedEndpoint, "settled">;

  /** @param alpha The workspace, as this follower watches it. */
  constructor(
    follower: TwoWayFollower,
    alpha: Pick<WatchedEndpoint, "settled">,
  ) {
    super(follower);
    this.#alpha = alpha;
  }

  get conflicts(): number {
    return this.follower.conflicts.length;
  }

  get isBehind(): boolean {
    return this.follower.isBehind;
  }

  /** A try that begins after this has looked at the workspace. */
  async goal(_version: number, signal: AbortSignal): Promise<number> {
    await this.#alpha.settled(signal);
    const goal = this.follower.tries.begun + 1;
    this.follower.wake();
    return goal;
  }

  hasReached(goal: number): boolean {
    return this.follower.tries.through >= goal;
  }
}
