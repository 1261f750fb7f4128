/** `lockstep sync --watch`: goes on until it is told to stop. */
import type { Outcome } from "../../core/outcome.ts";
import { messageOf } from "../../errors.ts";
import { scanOptionsOf } from "../../session/compare_sides.ts";
import { Feed } from "../../session/feed.ts";
import { Follower } from "../../session/follow.ts";
import { systemClock } from "../../session/system_clock.ts";
import { followAgain } from "./follow_again.ts";
import type { Witnesses } from "./witnesses.ts";
import { mayPass, USUAL_PATIENCE_MS } from "./patience.ts";
import { askingAgain, safeguardsFor } from "./safeguards.ts";
import { openTarget, type SyncWork, trashFor } from "./sync_trees.ts";
import { endOfWatch, type Watched } from "./watch_end.ts";
import { placeOf, USUAL_RESCAN_MS } from "./watched_place.ts";

/** A watch of a source, for all who follow it. */
export interface RunningFeed {
  readonly feed: Feed;
  /** Aborted when it is over, for whatever reason. */
  readonly stop: AbortSignal;
  /** Gets whoever follows it from now on. */
  readonly onFollower?: (follower: Follower) => void;
}

/** What a watch is begun with. */
export type WatchWork = Pick<
  SyncWork,
  "job" | "source" | "mirrorOptions" | "context" | "reopen"
>;

/**
 * Mirrors each change until the signal of the context aborts.
 * @throws {SyncError} If it fails before the target was equal for the first time,
 *   or in a way that no further try can mend.
 */
export async function watchTrees(
  work: SyncWork,
  witnesses?: Witnesses,
): Promise<Watched> {
  const running = work.shared?.watch;
  if (running !== undefined) return await followTo(work, running, witnesses);
  return await withFeed(work, (feed) => followTo(work, feed, witnesses));
}

/**
 * Watches the source of `work` while `act` is under way, and closes it.
 * @throws {SyncError} What `act` throws; or if the source can't be watched any more.
 */
export async function withFeed<T>(
  work: WatchWork,
  act: (running: RunningFeed) => Promise<T>,
): Promise<T> {
  const { signal } = work.context;
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(signal.reason);
  signal.addEventListener("abort", onAbort);
  if (signal.aborted) onAbort();
  try {
    return await whileFeeding(await openFeed(work, stop.signal), stop, act);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Runs `feed` while `act` is under way, then closes it and its source. */
async function whileFeeding<T>(
  feed: Feed,
  stop: AbortController,
  act: (running: RunningFeed) => Promise<T>,
): Promise<T> {
  let failure: { readonly error: unknown } | undefined;
  const feeding = feed.run().catch((error) => {
    failure = { error };
    stop.abort(error);
  });
  let result: T;
  try {
    result = await act({ feed, stop: stop.signal });
  } finally {
    stop.abort();
    feed.close();
    await feeding;
    await feed.source.close({ kind: "done", message: "" });
  }
  if (failure !== undefined) throw failure.error;
  return result;
}

/** Follows to the target of `work` until the feed stops. */
async function followTo(
  work: SyncWork,
  { feed, stop, onFollower }: RunningFeed,
  witnesses: Witnesses | undefined,
): Promise<Watched> {
  const start = systemClock.now();
  const follower = newFollower(feed, work, witnesses);
  onFollower?.(follower);
  const { to } = work.job.options;
  try {
    if (to.kind === "directory") {
      const { reporter } = work.context;
      await followAgain(
        { follower, signal: stop, reporter },
        () => followOnce(work, to.path, follower, feed, stop),
      );
    } else {
      await followToListener(work, to.url, follower, feed, stop);
    }
  } catch (error) {
    if (!stop.aborted) throw error;
  } finally {
    // What was done before something went wrong is done.
    witnesses?.tellHook(follower.rounds + 1);
  }
  // Before the first round is through, an interruption is one.
  if (follower.rounds === 0) throw stop.reason;
  const { rounds } = follower;
  const seconds = (systemClock.now() - start) / 1_000;
  work.context.reporter.report({ kind: "watch-stopped", rounds, seconds });
  return endOf(follower, feed);
}

/** What both sides say of the end. */
function endOf(follower: Follower, feed: Feed): Watched {
  const { halted, failure, problems } = follower;
  const lost = feed.isLost ? "the source" : undefined;
  return endOfWatch({ halted, lost, failure, problems });
}

/** A feed of the source of `work`, which is closed if there is none. */
async function openFeed(work: WatchWork, signal: AbortSignal): Promise<Feed> {
  const { job, source, mirrorOptions, context, reopen } = work;
  const { from, rescan = USUAL_RESCAN_MS } = job.options;
  try {
    return await Feed.open(source, {
      scan: scanOptionsOf(mirrorOptions, source.traits.modes),
      place: placeOf(source.name, from, reopen),
      clock: systemClock,
      rescanMs: rescan,
      signal,
      onEvent: (event) => context.reporter.report(event),
    });
  } catch (error) {
    await source.close({ kind: "failed", message: messageOf(error) });
    throw error;
  }
}

function newFollower(
  feed: Feed,
  work: SyncWork,
  witnesses: Witnesses | undefined,
): Follower {
  const { job, mirrorOptions, context } = work;
  const { reporter } = context;
  const { to, repair = 0, allowDelete } = job.options;
  const follower: Follower = new Follower(feed, {
    ...mirrorOptions,
    clock: systemClock,
    guards: async () => {
      const asked = follower.rounds === 0 ? job : askingAgain(job);
      const { guards } = await safeguardsFor(asked, feed.source, reporter);
      return guards;
    },
    isFirstMeant: allowDelete !== undefined,
    repairMs: repair,
    staysOnFailure: to.kind === "url",
    onSynced: (round) => {
      reporter.report({ kind: "watch-synced", round });
      witnesses?.tellHook(round.round, round.digest);
    },
    // The rest may take hours: what there is so far is told of now.
    onBrokenOff: (round) => witnesses?.tellHook(round),
    onHalted: ({ message }) => reporter.report({ kind: "halted", message }),
    onWarning: (message) => reporter.report({ kind: "warning", message }),
  });
  return follower;
}

async function followToListener(
  work: SyncWork,
  url: string,
  follower: Follower,
  feed: Feed,
  stop: AbortSignal,
): Promise<void> {
  const { job, connecting, context } = work;
  const { retryFor } = job.options;
  const { workWithListener } = await import("./sync_remote.ts");
  await workWithListener<void>(feed.source, {
    url,
    retryFor: retryFor ?? USUAL_PATIENCE_MS,
    retryAgainFor: retryFor ?? Infinity,
    isTransient: mayPass,
    connecting,
    async work(target, { signal: lost }): Promise<void> {
      const signal = AbortSignal.any([stop, lost]);
      try {
        await follower.follow(target, signal);
      } catch (error) {
        if (!stop.aborted) {
          follower.fail(lost.aborted ? lost.reason : error);
          throw error;
        }
      }
      // Only who was told to stop is through.
      if (!stop.aborted) {
        follower.fail(lost.reason);
        throw lost.reason;
      }
      if (follower.rounds === 0) throw stop.reason;
    },
    outcomeOf: () => endOf(follower, feed).outcome,
  }, context);
}

async function followOnce(
  work: SyncWork,
  path: string,
  follower: Follower,
  feed: Feed,
  stop: AbortSignal,
): Promise<void> {
  using trash = await trashFor(work, path);
  const target = await openTarget(work, path, trash);
  let outcome: Outcome = { kind: "failed", message: "" };
  try {
    await target.recover();
    await follower.follow(target, stop);
    outcome = endOf(follower, feed).outcome;
  } catch (error) {
    outcome = { kind: "interrupted", message: messageOf(error) };
    throw error;
  } finally {
    await target.close(outcome);
  }
}
