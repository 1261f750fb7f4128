/** `verify`: its options, and what help says of it. */
import type { CommandSpec } from "./command_spec.ts";
import {
  COMPARE_OPTIONS,
  FROM,
  OUTPUT_OPTIONS,
  REACH_OPTIONS,
  TO,
} from "./option_groups.ts";

export const VERIFY = {
  summary: "Compare two directories by content, and change nothing",
  description:
    "Reads every file at both sides and prints each path that differs, is\n" +
    "missing at the target, or is extra there. Ends with 0 if both are equal,\n" +
    "with 3 if they are not.",
  impliedBy: [],
  options: {
    from: {
      ...FROM,
      help: "Directory to compare",
    },
    to: {
      ...TO,
      help: "With what: the address of a listener, or a directory",
    },
    ...REACH_OPTIONS,
    retryFor: {
      ...REACH_OPTIONS.retryFor,
      help: "How long to keep trying to connect; 0: try once (60, 30s, 5m) " +
        "[default 60]",
    },
    ...COMPARE_OPTIONS,
    owner: {
      ...COMPARE_OPTIONS.owner,
      help:
        "Compare owner and group, too, by number; the target has to run as " +
        "root, a listener with --owner",
    },
    ...OUTPUT_OPTIONS,
  },
  examples: [
    {
      line: "lockstep verify --from ./site --to /mnt/disk/site",
      meaning: "is the copy still what it was made from?",
    },
    {
      line:
        "lockstep verify --from ./site --to wss://example.org/backup --json",
      meaning: "with a listener, for a program",
    },
  ],
} as const satisfies CommandSpec;
