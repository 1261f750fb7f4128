/**
 * All commands and options, once: parsing, `--help` and shell completions come
 * from here. Every option that takes a value is required or has a default, so a
 * parsed command has no holes.
 */

/** What a value must look like; `values.ts` checks it. */
export type ValueKind =
  | "path"
  | "host"
  | "port"
  | "duration"
  | "target"
  | "choice";

/** One option. */
export interface OptionSpec {
  /** The name after `--`. */
  readonly long: string;
  /** The letter after `-`. */
  readonly short?: string;
  /** Other names after `--`. */
  readonly aliases?: readonly string[];
  /** A flag takes no value. */
  readonly kind: "flag" | ValueKind;
  /** How help calls the value. */
  readonly label?: string;
  /** What a value may be, for kind "choice". */
  readonly choices?: readonly string[];
  /** Taken as if it had been written. */
  readonly default?: string;
  /** Given exactly once. */
  readonly required?: true;
  readonly help: string;
  /** Said when it is given twice, where the usual message won't do. */
  readonly once?: string;
  /** A planned option: known, but refused with this reason and not in the help. */
  readonly refused?: string;
}

/** One command. */
export interface CommandSpec {
  readonly summary: string;
  /** What help says below the usage line. */
  readonly description: string;
  /** Options (long names) that imply this command where none is named. */
  readonly impliedBy: readonly string[];
  readonly options: { readonly [property: string]: OptionSpec };
  readonly examples: readonly {
    readonly line: string;
    readonly meaning: string;
  }[];
}

const OUTPUT_OPTIONS = {
  json: {
    long: "json",
    kind: "flag",
    help: "Print one JSON object per event (NDJSON) on stdout",
  },
  quiet: {
    long: "quiet",
    short: "q",
    kind: "flag",
    help: "Print only problems and errors",
  },
  verbose: {
    long: "verbose",
    short: "v",
    kind: "flag",
    help: "Print also scans, rounds and each new try",
  },
} as const satisfies CommandSpec["options"];

const LISTEN = {
  summary: "Receive a directory over WebSocket",
  description:
    "Waits for a sender and makes DIR equal to the directory it sends. What\n" +
    "is extra in DIR is deleted. Ends when the sender has finished.",
  impliedBy: ["port", "output-dir"],
  options: {
    port: {
      long: "port",
      short: "p",
      kind: "port",
      label: "N",
      default: "8080",
      help: "Port to listen on; 0 picks a free one",
    },
    outputDir: {
      long: "output-dir",
      short: "o",
      aliases: ["out-dir-path"],
      kind: "path",
      label: "DIR",
      required: true,
      help: "Directory to write to; made with its parents where missing",
    },
    host: {
      long: "host",
      kind: "host",
      label: "HOST",
      default: "127.0.0.1",
      help: "Address to listen on",
    },
    keepListening: {
      long: "keep-listening",
      kind: "flag",
      help: "Serve one sender after another, until interrupted",
    },
    retryFor: {
      long: "retry-for",
      kind: "duration",
      label: "TIME",
      default: "60",
      help:
        "How long to wait for a sender whose connection broke (60, 30s, 5m)",
    },
    ...OUTPUT_OPTIONS,
  },
  examples: [
    {
      line: "lockstep listen --port 8080 --output-dir ./copy",
      meaning: "receive once, then exit",
    },
    {
      line: "lockstep listen -p 0 -o /srv/copy --keep-listening",
      meaning: "serve one sender after another, on a free port",
    },
  ],
} as const satisfies CommandSpec;

const SYNC = {
  summary: "Make a remote or local directory equal to a local one",
  description:
    "Copies what is missing at the target, replaces what differs and deletes\n" +
    "what is extra. Ends when the target has confirmed that all is in place.",
  impliedBy: ["from", "to"],
  options: {
    from: {
      long: "from",
      short: "f",
      kind: "path",
      label: "DIR",
      required: true,
      help: "Directory to copy",
    },
    to: {
      long: "to",
      short: "t",
      kind: "target",
      label: "URL|DIR",
      required: true,
      once: "Only one --to is possible in this version",
      help:
        "Where to: the ws:// or wss:// address of a listener, or a directory",
    },
    watch: {
      long: "watch",
      short: "w",
      kind: "flag",
      refused: "--watch is not available in this version",
      help: "Go on, and mirror each change as it happens",
    },
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
    symlinks: {
      long: "symlinks",
      kind: "choice",
      label: "HOW",
      choices: ["copy", "skip", "follow"],
      default: "copy",
      help: "What to do with symbolic links: copy, skip or follow",
    },
    retryFor: {
      long: "retry-for",
      kind: "duration",
      label: "TIME",
      default: "60",
      help: "How long to keep trying to connect, at first and after a lost " +
        "connection; 0: try once (60, 30s, 5m)",
    },
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
      line: "lockstep sync --from ./site --to /mnt/disk/site --checksum",
      meaning: "to another local directory, comparing content",
    },
  ],
} as const satisfies CommandSpec;

/** Every command that has options of its own, by name. */
export const COMMANDS = { listen: LISTEN, sync: SYNC } as const;

/** The name of a command in {@link COMMANDS}. */
export type CommandName = keyof typeof COMMANDS;

/** Options that go with every command, and without one. */
export const COMMON_OPTIONS = {
  help: {
    long: "help",
    short: "h",
    kind: "flag",
    help: "Print this help",
  },
  version: {
    long: "version",
    short: "V",
    kind: "flag",
    help: "Print the version",
  },
} as const satisfies CommandSpec["options"];

/** Environment variables that Lockstep reads. */
export const ENVIRONMENT: readonly {
  readonly name: string;
  readonly help: string;
}[] = [
  { name: "NO_COLOR", help: "No escape codes on the terminal" },
  { name: "LOCKSTEP_DEBUG", help: "1: print the stack trace of an error" },
];

/** The names of all commands. */
export function commandNames(): CommandName[] {
  return Object.keys(COMMANDS) as CommandName[];
}
