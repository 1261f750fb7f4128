/** `sync`: its options, and what help says of it. */
import type { CommandSpec } from "./command_spec.ts";
import {
  ALLOW_DELETE,
  ALLOW_NEW_ROOT,
  BWLIMIT,
  COMPARE_OPTIONS,
  FROM,
  HOOK_OPTIONS,
  MAX_DELETE,
  OUTPUT_OPTIONS,
  REACH_OPTIONS,
  STATE_OPTIONS,
  TARGET_OPTIONS,
  TO,
} from "./option_groups.ts";

export const SYNC = {
  summary: "Make a remote or local directory equal to a local one",
  description:
    "Copies what is missing at the target, replaces what differs and deletes\n" +
    "what is extra. Ends when the target has confirmed that all is in place;\n" +
    "with --watch it goes on until it is stopped.\n" +
    "With --two-way, carries to each side what was changed at the other.",
  impliedBy: ["from", "to", "apply"],
  options: {
    from: {
      ...FROM,
      unless: "apply",
      help: "Directory to copy",
    },
    to: {
      ...TO,
      unless: "apply",
      many: true,
      help:
        "Where to: the ws:// or wss:// address of a listener, or a directory; " +
        "may be given several times",
    },
    ...REACH_OPTIONS,
    compress: {
      long: "compress",
      kind: "choice",
      label: "WHEN",
      choices: ["auto", "on", "off"],
      optional: true,
      help: "Compress what is sent over a connection: auto (as far as the " +
        "network is slower than that; so it is unless said), on or off",
    },
    bwlimit: BWLIMIT,
    twoWay: {
      long: "two-way",
      kind: "flag",
      help:
        "Make both sides equal: what was changed at either side since the " +
        "last time is carried to the other",
    },
    conflict: {
      long: "conflict",
      kind: "choice",
      label: "POLICY",
      choices: ["newest", "keep-both", "prefer-alpha", "prefer-beta", "manual"],
      optional: true,
      help: "With --two-way, what both sides changed: newest (the default), " +
        "keep-both, prefer-alpha (--from wins), prefer-beta (--to wins) or " +
        "manual; the version that loses is always kept beside the other",
    },
    watch: {
      long: "watch",
      short: "w",
      kind: "flag",
      help: "Go on, and mirror each change as it happens, until interrupted; " +
        "with --two-way, each change of either side",
    },
    rescan: {
      long: "rescan",
      kind: "duration",
      label: "TIME",
      optional: true,
      help: "With --watch: how often to look at the whole source, in case a " +
        "change went unnoticed; 0: never (30s, 5m, 1h) [default 5m]",
    },
    repair: {
      long: "repair",
      kind: "duration",
      label: "TIME",
      optional: true,
      help: "With --watch: how often to look at the target, and to put right " +
        "what somebody changed there; not unless given (1m)",
    },
    interval: {
      long: "interval",
      kind: "interval",
      label: "TIME",
      optional: true,
      help:
        "Go on until interrupted: begin a new round so long after the end " +
        "of the last one; in milliseconds (500, 2s, 5m)",
    },
    logFile: {
      long: "log-file",
      kind: "path",
      label: "FILE",
      optional: true,
      help: "Append a line for each path that was changed to FILE",
    },
    logMaxSize: {
      long: "log-max-size",
      kind: "size",
      label: "SIZE",
      default: "10M",
      help: "Begin a new log when FILE would grow larger; 0: never",
    },
    logKeep: {
      long: "log-keep",
      kind: "count",
      label: "N",
      max: 1_000,
      default: "5",
      help: "Keep so many old logs, as FILE.1, FILE.2 …",
    },
    ...HOOK_OPTIONS,
    checksum: {
      long: "checksum",
      kind: "flag",
      help: "Compare content, not size and modification time",
    },
    noDelete: {
      long: "no-delete",
      kind: "flag",
      help: "Keep what is extra at the target",
    },
    ...COMPARE_OPTIONS,
    dryRun: {
      long: "dry-run",
      short: "n",
      kind: "flag",
      help: "Print each change with its reason, and change nothing anywhere",
    },
    plan: {
      long: "plan",
      kind: "path",
      label: "FILE",
      optional: true,
      help:
        "With --dry-run: save what would be done in FILE; what was renamed " +
        "is then deleted and sent",
    },
    apply: {
      long: "apply",
      kind: "path",
      label: "FILE",
      optional: true,
      help: "Do exactly what a saved plan says, or nothing; --from, --to and " +
        "what to compare come from FILE",
    },
    maxDelete: {
      ...MAX_DELETE,
      help: "Halt before more than N entries of the target, or N% of them, " +
        "are deleted",
    },
    allowDelete: ALLOW_DELETE,
    allowNewRoot: {
      ...ALLOW_NEW_ROOT,
      help: "Go on though --from is another directory than in the last run; " +
        "for the first complete round",
    },
    ...STATE_OPTIONS,
    ...TARGET_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  examples: [
    {
      line: "lockstep sync --from ./site --to ws://localhost:8080",
      meaning: "send to a listener",
    },
    {
      line: "lockstep sync -f ./site -t wss://example.org/backup --no-delete",
      meaning: "through a proxy, deleting nothing",
    },
    {
      line: "lockstep sync --from ./site --to ws://localhost:8080 --watch",
      meaning: "go on, and send each change as it happens",
    },
    {
      line: "lockstep sync -f ./site -t ws://one:8080 -t ws://two:8080 -w",
      meaning: "the same, to two listeners at a time",
    },
    {
      line: "lockstep sync --from ./site --to /mnt/disk/site --dry-run",
      meaning: "only look what would be done, and why",
    },
    {
      line: "lockstep sync --two-way --from ./notes --to ws://localhost:8080",
      meaning: "in both directions, with a listener that has --two-way, too",
    },
    {
      line: "lockstep sync --from ./site --to /mnt/disk/site --checksum",
      meaning: "to another local directory, comparing content",
    },
    {
      line:
        "lockstep sync -f ./site -t ./copy --interval 500 --log-file sync.log",
      meaning: "twice a second, with a log of what was done",
    },
  ],
} as const satisfies CommandSpec;
