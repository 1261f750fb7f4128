/** Events for tests of the reports. */
import type { CommandEvent } from "../../../src/cli/events.ts";
import { parseRelPath } from "../../../src/core/path.ts";
import { TransportError } from "../../../src/errors.ts";

export const HOSTILE = "\x1b]0;owned\x07\n\u202egnp.exe";

export const CHANGES = {
  created: 12,
  replaced: 3,
  touched: 0,
  deleted: 1,
  moved: 0,
  files: 15,
  bytes: 4_200_000,
} as const;

export const TOTALS = {
  files: 20_000,
  directories: 340,
  symlinks: 3,
  bytes: 81_900_000,
} as const;

export const PROBLEM = {
  side: "target",
  problem: {
    path: parseRelPath(`a/${HOSTILE}`),
    code: "failed",
    message: `Cannot write ${HOSTILE}`,
  },
} as const;

/** What a sync over two tries, with one path left out, tells. */
export const SYNC_EVENTS: readonly CommandEvent[] = [
  { kind: "started", from: "src", to: "ws://h:1/" },
  {
    kind: "retrying",
    attempt: 2,
    delayMs: 212.5,
    error: new TransportError("Cannot connect to h:1", "unreachable"),
  },
  { kind: "connected", peer: "h:1", software: "lockstep 9" },
  { kind: "scanning", side: "source", entries: 10_000 },
  { kind: "scanned", side: "source", totals: TOTALS },
  {
    kind: "scanned",
    side: "target",
    totals: { files: 0, directories: 0, symlinks: 0, bytes: 0 },
  },
  { kind: "planned", round: 1, totals: CHANGES },
  {
    kind: "transfer",
    files: 3,
    bytes: 1_050_000,
    path: parseRelPath("b/c.txt"),
  },
  { kind: "applying" },
  { kind: "problem", ...PROBLEM },
  {
    kind: "done",
    summary: {
      changes: CHANGES,
      totals: TOTALS,
      digest: "3f2a",
      rounds: 2,
      problems: [PROBLEM],
    },
    seconds: 1.3456,
    wire: { sent: 4_300_000, received: 1_200 },
  },
];
