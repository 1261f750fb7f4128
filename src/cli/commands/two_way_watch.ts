/** `lockstep sync --two-way --watch`: keeps both sides equal until it is told to stop. */
import { TwoWayFollower } from "../../session/follow_two_way.ts";
import { RemotePairing } from "../../session/remote_pairing.ts";
import { systemClock } from "../../session/system_clock.ts";
import { WatchedEndpoint } from "../../session/watched_endpoint.ts";
import { followAgain } from "./follow_again.ts";
import { mayPass, USUAL_PATIENCE_MS } from "./patience.ts";
import { agree, type TwoWayWork, withDirectory } from "./two_way.ts";
import { endOfWatch, type Watched } from "./watch_end.ts";
import { USUAL_RESCAN_MS } from "./watched_place.ts";

/**
 * Carries each change to the other side until the signal of the context aborts.
 * @throws {SyncError} If it fails before both sides were equal for the first time,
 *   or in a way that no further try can mend.
 */
export async function watchTwoWay(work: TwoWayWork): Promise<Watched> {
  const { options: { to }, context: { reporter, signal } } = work;
  const start = systemClock.now();
  const follower = newFollower(work);
  work.onFollower?.(follower, work.alpha);
  try {
    if (to.kind === "directory") {
      await followDirectory(work, to.path, follower);
    } else {
      await followListener(work, to.url, follower);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  // Before the first round is through, an interruption is one.
  if (follower.rounds === 0 && follower.halted === undefined) {
    throw signal.reason;
  }
  const { rounds } = follower;
  const seconds = (systemClock.now() - start) / 1_000;
  reporter.report({ kind: "watch-stopped", rounds, seconds });
  return endOf(work, follower);
}

function newFollower(
  { options, alpha, cycle, context: { reporter } }: TwoWayWork,
): TwoWayFollower {
  const { signal: _, ...roundOptions } = cycle;
  return new TwoWayFollower(alpha, {
    ...roundOptions,
    clock: systemClock,
    rescanMs: options.rescan ?? USUAL_RESCAN_MS,
    onSynced: (round) =>
      reporter.report({ kind: "two-way", event: { kind: "synced", round } }),
    onHalted: ({ message }) => reporter.report({ kind: "halted", message }),
    onWarning: (message) => reporter.report({ kind: "warning", message }),
  });
}

/** What both sides say of the end. */
function endOf({ alpha }: TwoWayWork, follower: TwoWayFollower): Watched {
  const { halted, failure, problems, conflicts } = follower;
  const isLost = alpha instanceof WatchedEndpoint && alpha.isLost;
  return endOfWatch({
    halted,
    lost: isLost ? alpha.name : undefined,
    failure,
    problems,
    conflicts: conflicts.length,
  });
}

async function followListener(
  work: TwoWayWork,
  url: string,
  follower: TwoWayFollower,
): Promise<void> {
  const { alpha, connecting, context } = work;
  const { signal: stop } = context;
  const { retryFor } = work.options;
  const { workWithListener } = await import("./sync_remote.ts");
  await workWithListener<void>(alpha, {
    url,
    retryFor: retryFor ?? USUAL_PATIENCE_MS,
    retryAgainFor: retryFor ?? Infinity,
    isTransient: mayPass,
    connecting,
    twoWay: true,
    async work(beta, session): Promise<void> {
      const { signal: lost } = session;
      const rules = await work.rules?.();
      if (rules !== undefined) follower.leaveOut(rules);
      const asked = askedBy(work, follower);
      const ancestry = await agree(asked, beta, new RemotePairing(session));
      const signal = AbortSignal.any([stop, lost]);
      try {
        await follower.follow(beta, ancestry, signal);
      } catch (error) {
        if (!stop.aborted) throw error;
      }
      // Only who was told to stop is through.
      if (!stop.aborted) {
        follower.fail(lost.reason);
        throw lost.reason;
      }
      if (follower.rounds === 0 && follower.halted === undefined) {
        throw stop.reason;
      }
    },
    outcomeOf: () => endOf(work, follower).outcome,
  }, context);
}

/** Once a round is complete, a person has to be asked anew. */
function askedBy(work: TwoWayWork, follower: TwoWayFollower): TwoWayWork {
  if (follower.rounds === 0) return work;
  return { ...work, options: { ...work.options, allowNewRoot: false } };
}

async function followDirectory(
  work: TwoWayWork,
  path: string,
  follower: TwoWayFollower,
): Promise<void> {
  const { signal, reporter } = work.context;
  await followAgain({ follower, signal, reporter }, () =>
    withDirectory(
      askedBy(work, follower),
      path,
      ({ beta }, ancestry) => follower.follow(beta, ancestry, signal),
      () => endOf(work, follower).outcome,
    ));
}
