/** `lockstep sync --two-way --watch`: keeps both sides equal until it is told to stop. */
import type { Outcome } from "../../core/outcome.ts";
import { sleep } from "../../core/sleep.ts";
import { messageOf, SyncError } from "../../errors.ts";
import { TwoWayFollower } from "../../session/follow_two_way.ts";
import { backoff } from "../../session/reconnect.ts";
import { RemotePairing } from "../../session/remote_pairing.ts";
import { systemClock } from "../../session/system_clock.ts";
import { WatchedEndpoint } from "../../session/watched_endpoint.ts";
import { EXIT, type ExitCode, exitCodeOfError } from "../exit_code.ts";
import { mayPass, USUAL_PATIENCE_MS } from "./patience.ts";
import { agree, type TwoWayWork, withDirectory } from "./two_way.ts";
import { USUAL_RESCAN_MS } from "./watched_place.ts";

/** How a watch has ended. */
export interface TwoWayWatched {
  readonly exit: ExitCode;
  readonly outcome: Outcome;
}

/**
 * Carries each change to the other side until the signal of the context aborts.
 * @throws {SyncError} If it fails before both sides were equal for the first time,
 *   or in a way that no further try can mend.
 */
export async function watchTwoWay(work: TwoWayWork): Promise<TwoWayWatched> {
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
function endOf({ alpha }: TwoWayWork, follower: TwoWayFollower): TwoWayWatched {
  const { halted, failure, conflicts } = follower;
  if (halted !== undefined) {
    const { message } = halted;
    return { exit: EXIT.halted, outcome: { kind: "halted", message } };
  }
  if (alpha instanceof WatchedEndpoint && alpha.isLost) {
    const message = `${alpha.name} is not there`;
    return { exit: EXIT.failed, outcome: { kind: "failed", message } };
  }
  if (failure !== undefined) {
    const outcome = { kind: "failed", message: messageOf(failure) } as const;
    return { exit: exitCodeOfError(failure), outcome };
  }
  // What is being written to at this moment is no problem.
  const left = follower.problems.filter(({ problem }) =>
    problem.code !== "stale"
  );
  if (left.length + conflicts.length === 0) {
    return { exit: EXIT.done, outcome: { kind: "done", message: "" } };
  }
  const message =
    `${left.length} paths left out, ${conflicts.length} conflicts left`;
  return { exit: EXIT.partial, outcome: { kind: "partial", message } };
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
  let failures = 0;
  while (!signal.aborted) {
    const before = follower.rounds;
    try {
      await withDirectory(
        askedBy(work, follower),
        path,
        ({ beta }, ancestry) => follower.follow(beta, ancestry, signal),
        () => endOf(work, follower).outcome,
      );
    } catch (error) {
      if (signal.aborted) return;
      const mayHeal = error instanceof SyncError && follower.rounds > 0;
      if (!mayHeal) throw error;
      failures = follower.rounds > before ? 1 : failures + 1;
      const delayMs = backoff(failures + 2, Math.random);
      const attempt = failures + 1;
      reporter.report({ kind: "retrying", attempt, delayMs, error });
      await sleep(delayMs, systemClock, signal);
    }
  }
}
