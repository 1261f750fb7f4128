/** What limits and clocks mean for Lockstep: numbers in, findings out. */
import { formatCount, formatDuration } from "../format.ts";
import type { Finding } from "../finding.ts";

/** Each directory takes a watch, and other programs want some, too. */
const ENOUGH_WATCHES = 65_536;
const ENOUGH_INSTANCES = 128;

/** A hub has a socket for each client, and the engine its directories open. */
const ENOUGH_FILES = 1_024;

/** The answer itself takes a while, and its time is in whole seconds. */
const CLOSE_MS = 5_000;

/** No Lockstep is older: 1 January 2026. */
const OLDEST_NOW_MS = Date.UTC(2026, 0);

/** What the kernel lets a user watch; all are counts. */
export interface WatchLimits {
  readonly watches: number;
  readonly instances: number;
  /** Events that wait to be read. */
  readonly queued: number;
}

/** Whether a large tree can be watched. */
export function judgeWatches(limits: WatchLimits): Finding {
  const { watches, instances, queued } = limits;
  const message = `${formatCount(watches)} directories can be watched, by ${
    formatCount(instances)
  } programs; ${formatCount(queued)} events can wait`;
  const base = { check: "watches", message, facts: { ...limits } };
  if (watches >= ENOUGH_WATCHES && instances >= ENOUGH_INSTANCES) {
    return { ...base, state: "good" };
  }
  return {
    ...base,
    state: "poor",
    advice: "--watch looks at larger trees over and over instead; more: " +
      "sysctl fs.inotify.max_user_watches=524288 " +
      "fs.inotify.max_user_instances=512",
  };
}

/** Whether enough files can be open at once; `limit` is the most that can be set. */
export function judgeOpenFiles(limit: number): Finding {
  const shown = limit === Infinity ? "any number of" : formatCount(limit);
  const base = {
    check: "open-files",
    message: `${shown} files can be open at once`,
    facts: { limit: limit === Infinity ? null : limit },
  };
  if (limit >= ENOUGH_FILES) return { ...base, state: "good" };
  const advice = "Raise the hard limit (ulimit -Hn, LimitNOFILE= of a service)";
  return { ...base, state: "poor", advice };
}

/** Whether the clock of this machine can be right; `now` in milliseconds since 1970. */
export function judgeClock(now: number): Finding {
  const base = {
    check: "clock",
    message: `it is ${new Date(now).toISOString().slice(0, 19)} UTC`,
  };
  if (now >= OLDEST_NOW_MS) return { ...base, state: "good" };
  const advice =
    "That can't be: set the clock, certificates are not valid otherwise";
  return { ...base, state: "bad", advice };
}

/**
 * Whether the other end's clock agrees: `theirs` was read between `before` and
 * `after`, all in milliseconds since 1970.
 */
export function judgeSkew(
  theirs: number,
  { before, after }: { readonly before: number; readonly after: number },
): Finding {
  const early = before - theirs;
  const late = theirs - after;
  const skewMs = Math.max(0, early, late);
  const base = { check: "clock-there", facts: { skewMs } };
  if (skewMs <= CLOSE_MS) {
    return { ...base, state: "good", message: "the clocks agree" };
  }
  return {
    ...base,
    state: "poor",
    message: `the other clock is ${formatDuration(skewMs / 1_000)} ${
      early > 0 ? "behind" : "ahead"
    }`,
    advice: "Files keep their times, and nothing is decided by clocks; but " +
      "keys and certificates expire by them",
  };
}
