/**
 * All commands and options, once: parsing, `--help` and shell completions come
 * from here. Every option that takes a value is required, has a default, or is
 * optional by name: a parsed command has no holes but those.
 */

import { TARGET_OPTIONS, TRASH_COMMANDS } from "./trash_commands.ts";

/** What a value must look like; `values.ts` checks it. */
export type ValueKind =
  | "path"
  | "host"
  | "port"
  | "duration"
  | "target"
  | "limit"
  | "allowance"
  | "choice"
  | "age"
  | "stamp"
  | "pattern"
  | "token";

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
  /** The long name of an option that says it as well; undefined then. */
  readonly unless?: string;
  /** May be given any number of times; its value is a list. */
  readonly many?: true;
  /** May be left out, and is undefined then. */
  readonly optional?: true;
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
  /** The one argument that is no option; it has to be there. With `many`, a list. */
  readonly positional?: {
    /** Its name among the parsed options; its kind is "path". */
    readonly property: string;
    readonly label: string;
    readonly help: string;
    readonly many?: true;
  };
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

const EXCLUDE_OPTIONS = {
  exclude: {
    long: "exclude",
    kind: "pattern",
    label: "PATTERN",
    many: true,
    help: "Leave out what this matches; written as a line of .gitignore",
  },
  excludeFrom: {
    long: "exclude-from",
    kind: "path",
    label: "FILE",
    many: true,
    help: "Leave out what the lines of FILE match; --exclude wins over them",
  },
  gitignore: {
    long: "gitignore",
    kind: "flag",
    help: "Honour .gitignore files, too, not only .syncignore",
  },
} as const satisfies CommandSpec["options"];

/** A sender shows the token, a receiver asks for it. */
const TOKEN_OPTIONS = {
  token: {
    long: "token",
    kind: "token",
    label: "TOKEN",
    optional: true,
    help: "Token that sender and receiver share; other users of this machine " +
      "can see it in the list of processes",
  },
  tokenFile: {
    long: "token-file",
    kind: "path",
    label: "FILE",
    optional: true,
    help: "File with the token, which only you may read",
  },
} as const satisfies CommandSpec["options"];

/** How a listener is reached. */
const REACH_OPTIONS = {
  ...TOKEN_OPTIONS,
  caFile: {
    long: "ca-file",
    kind: "path",
    label: "FILE",
    optional: true,
    help: "Trust also the certificates in this PEM file (wss:// only)",
  },
  retryFor: {
    long: "retry-for",
    kind: "duration",
    label: "TIME",
    default: "60",
    help: "How long to keep trying to connect, at first and after a lost " +
      "connection; 0: try once (60, 30s, 5m)",
  },
} as const satisfies CommandSpec["options"];

/** What of two trees is to be equal. */
const COMPARE_OPTIONS = {
  owner: {
    long: "owner",
    kind: "flag",
    help: "Make owner and group equal, by number; the target has to run as " +
      "root, a listener with --owner",
  },
  symlinks: {
    long: "symlinks",
    kind: "choice",
    label: "HOW",
    choices: ["copy", "skip", "follow"],
    default: "copy",
    help: "What to do with symbolic links: copy, skip or follow",
  },
  ...EXCLUDE_OPTIONS,
} as const satisfies CommandSpec["options"];

const MAX_DELETE = {
  long: "max-delete",
  kind: "limit",
  label: "N|N%",
  optional: true,
} as const satisfies Partial<OptionSpec>;

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
      help: "Address to listen on; one that other machines reach needs a token",
    },
    ...TOKEN_OPTIONS,
    noAuth: {
      long: "no-auth",
      kind: "flag",
      help: "Let everybody in who reaches the port",
    },
    tlsCert: {
      long: "tls-cert",
      kind: "path",
      label: "FILE",
      optional: true,
      help: "Serve wss:// with the certificate in this PEM file",
    },
    tlsKey: {
      long: "tls-key",
      kind: "path",
      label: "FILE",
      optional: true,
      help: "The certificate's private key, a PEM file",
    },
    owner: {
      long: "owner",
      kind: "flag",
      help: "Let a sender set owner and group of what it writes (as root only)",
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
    maxDelete: {
      ...MAX_DELETE,
      help: "Halt a sender that would delete more than N entries of DIR, or " +
        "N% of them, in one session; what it replaces does not count",
    },
    ...TARGET_OPTIONS,
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
    {
      line: "lockstep listen -o copy --host 0.0.0.0 --token-file token",
      meaning: "let in whoever has the token, from other machines, too",
    },
  ],
} as const satisfies CommandSpec;

const SYNC = {
  summary: "Make a remote or local directory equal to a local one",
  description:
    "Copies what is missing at the target, replaces what differs and deletes\n" +
    "what is extra. Ends when the target has confirmed that all is in place.",
  impliedBy: ["from", "to", "apply"],
  options: {
    from: {
      long: "from",
      short: "f",
      kind: "path",
      label: "DIR",
      required: true,
      unless: "apply",
      help: "Directory to copy",
    },
    to: {
      long: "to",
      short: "t",
      kind: "target",
      label: "URL|DIR",
      required: true,
      unless: "apply",
      once: "Only one --to is possible in this version",
      help:
        "Where to: the ws:// or wss:// address of a listener, or a directory",
    },
    ...REACH_OPTIONS,
    compress: {
      long: "compress",
      kind: "choice",
      label: "WHEN",
      choices: ["auto", "on", "off"],
      default: "auto",
      help:
        "Compress what is sent: auto (as far as the network is slower than " +
        "that), on or off",
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
      help: "With --dry-run: save what would be done in FILE",
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
    allowDelete: {
      long: "allow-delete",
      kind: "allowance",
      label: "N|N%|all",
      optional: true,
      help: "Allow that much to be deleted where it looks like an accident",
    },
    allowNewRoot: {
      long: "allow-new-root",
      kind: "flag",
      help: "Go on though --from is another directory than in the last run",
    },
    stateDir: {
      long: "state-dir",
      kind: "path",
      label: "DIR",
      optional: true,
      help: "Where to remember completed runs, instead of " +
        "$XDG_STATE_HOME/lockstep or ~/.local/state/lockstep",
    },
    noState: {
      long: "no-state",
      kind: "flag",
      help: "Remember nothing: each run is like a first one",
    },
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
      line: "lockstep sync --from ./site --to /mnt/disk/site --dry-run",
      meaning: "only look what would be done, and why",
    },
    {
      line: "lockstep sync --from ./site --to /mnt/disk/site --checksum",
      meaning: "to another local directory, comparing content",
    },
  ],
} as const satisfies CommandSpec;

const VERIFY = {
  summary: "Compare two directories by content, and change nothing",
  description:
    "Reads every file at both sides and prints each path that differs, is\n" +
    "missing at the target, or is extra there. Ends with 0 if both are equal,\n" +
    "with 3 if they are not.",
  impliedBy: [],
  options: {
    from: {
      long: "from",
      short: "f",
      kind: "path",
      label: "DIR",
      required: true,
      help: "Directory to compare",
    },
    to: {
      long: "to",
      short: "t",
      kind: "target",
      label: "URL|DIR",
      required: true,
      help: "With what: the address of a listener, or a directory",
    },
    ...REACH_OPTIONS,
    ...COMPARE_OPTIONS,
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

const EXPLAIN = {
  summary: "Tell which rule decides whether a path is synced",
  description:
    "Says whether a sync of DIR would send PATH or leave it alone, and which\n" +
    "rule in which line decides. PATH need not exist; a slash at its end then\n" +
    "says that it is a directory.",
  impliedBy: [],
  positional: {
    property: "path",
    label: "PATH",
    help: "A path below DIR, relative to it or absolute",
  },
  options: {
    from: {
      long: "from",
      short: "f",
      kind: "path",
      label: "DIR",
      required: true,
      help: "Directory that would be synced",
    },
    ...EXCLUDE_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  examples: [
    {
      line: "lockstep explain build/main.o --from ./site",
      meaning: "by the .syncignore files in ./site",
    },
    {
      line: "lockstep explain build/ --from ./site --gitignore --exclude '*.o'",
      meaning: "of a directory, with the options of the sync",
    },
  ],
} as const satisfies CommandSpec;

/** Every command that has options of its own, by name. */
export const COMMANDS = {
  listen: LISTEN,
  sync: SYNC,
  verify: VERIFY,
  explain: EXPLAIN,
  ...TRASH_COMMANDS,
} as const;

/** The name of a command in {@link COMMANDS}, of one word or two. */
export type CommandName = keyof typeof COMMANDS;

/** The first word of names of two. */
export type GroupName = CommandName extends infer N
  ? N extends `${infer G} ${string}` ? G : never
  : never;

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

/** Options, by property, that exclude each other wherever a command has both. */
export const EXCLUSIVE: readonly (readonly [string, string])[] = [
  ["quiet", "verbose"],
  ["token", "tokenFile"],
  ["noAuth", "token"],
  ["noAuth", "tokenFile"],
  ["stateDir", "noState"],
  ["dryRun", "apply"],
];

/** Environment variables that Lockstep reads. */
export const ENVIRONMENT: readonly {
  readonly name: string;
  readonly help: string;
}[] = [
  { name: "NO_COLOR", help: "No escape codes on the terminal" },
  { name: "TERM", help: "dumb: no escape codes either" },
  {
    name: "LOCKSTEP_TOKEN",
    help: "The token, where neither --token nor --token-file is given",
  },
  {
    name: "XDG_STATE_HOME",
    help: "Holds the directory lockstep, with what is remembered of runs",
  },
  { name: "LOCALAPPDATA", help: "The same, where XDG_STATE_HOME is not set" },
  {
    name: "HOME",
    help: "Where neither is set, .local/state in it is taken for that",
  },
  { name: "LOCKSTEP_DEBUG", help: "1: print the stack trace of an error" },
  {
    name: "LOCKSTEP_FAULT",
    help: "For tests of Lockstep itself: makes one call fail, or dies at it",
  },
];

/** The names of all commands. */
export function commandNames(): CommandName[] {
  return Object.keys(COMMANDS) as CommandName[];
}

/** The names of the commands in the group `name`; none if it is not the name of one. */
export function commandsOf(name: string): CommandName[] {
  return commandNames().filter((command) => command.startsWith(`${name} `));
}
