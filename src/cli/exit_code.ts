/** How a run ended -> the exit code of the process. One table. */
import type { Outcome } from "../core/outcome.ts";
import { type ErrorCode, FileSystemError, SyncError } from "../errors.ts";

/** Exit codes by name. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  partial: 3,
  halted: 4,
  refused: 5,
  unreachable: 6,
  hangup: 129,
  interrupted: 130,
  terminated: 143,
} as const;

/** One of {@link EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What each code means, for help. */
export const EXIT_CODE_MEANINGS: readonly (readonly [string, string])[] = [
  ["0", "done"],
  ["1", "failed on this machine (disk, port, permissions)"],
  ["2", "wrong usage"],
  ["3", "done, but some paths or conflicts were left; each is named"],
  ["4", "halted by a safety stop; nothing was changed"],
  [
    "5",
    "refused (busy, wrong token or certificate, other version, no receiver), " +
    "or the other end failed (its disk is full …)",
  ],
  ["6", "the other end can't be reached, or went away"],
  ["129, 130, 143", "interrupted (SIGHUP, Ctrl-C, SIGTERM)"],
];

const OF_CODE: Readonly<Record<ErrorCode, ExitCode>> = {
  usage: EXIT.usage,
  protocol: EXIT.refused,
  version: EXIT.refused,
  busy: EXIT.refused,
  refused: EXIT.refused,
  unreachable: EXIT.unreachable,
  "connection-lost": EXIT.unreachable,
  "peer-stopped": EXIT.unreachable,
  integrity: EXIT.failed,
  stale: EXIT.failed,
  // A path that a peer sent; one of this machine is a FileSystemError.
  "unsafe-path": EXIT.refused,
  guard: EXIT.halted,
  "not-found": EXIT.failed,
  exists: EXIT.failed,
  "not-a-directory": EXIT.failed,
  "is-a-directory": EXIT.failed,
  "not-empty": EXIT.failed,
  denied: EXIT.failed,
  "no-space": EXIT.failed,
  "name-too-long": EXIT.failed,
  "read-only": EXIT.failed,
  "cross-device": EXIT.failed,
  unsupported: EXIT.failed,
  io: EXIT.failed,
  locked: EXIT.failed,
  failed: EXIT.failed,
};

const OF_OUTCOME: Readonly<Record<Outcome["kind"], ExitCode>> = {
  done: EXIT.done,
  partial: EXIT.partial,
  halted: EXIT.halted,
  interrupted: EXIT.unreachable,
  failed: EXIT.unreachable,
  planned: EXIT.done,
};

/** What weighs more comes first: what a person has to look at, and where. */
const BY_WEIGHT: readonly ExitCode[] = [
  EXIT.interrupted,
  EXIT.terminated,
  EXIT.hangup,
  EXIT.usage,
  EXIT.halted,
  EXIT.failed,
  EXIT.unreachable,
  EXIT.refused,
  EXIT.partial,
  EXIT.done,
];

/** The exit code of a run with several targets, each of which has one. */
export function worstOf(exits: readonly ExitCode[]): ExitCode {
  return BY_WEIGHT.find((exit) => exits.includes(exit)) ?? EXIT.done;
}

/** The exit code for something that was thrown. */
export function exitCodeOfError(error: unknown): ExitCode {
  if (!(error instanceof SyncError)) return EXIT.failed;
  if (error instanceof FileSystemError) {
    return error.isForeign ? EXIT.refused : EXIT.failed;
  }
  return OF_CODE[error.code];
}

/** The exit code of a listener whose sender ended with `outcome`. */
export function exitCodeOfOutcome(outcome: Outcome): ExitCode {
  return OF_OUTCOME[outcome.kind];
}
