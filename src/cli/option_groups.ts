/** Options that more than one command has, alone or in groups. */
import type { CommandSpec, OptionSpec } from "./command_spec.ts";

/** The local directory that is read; each command says what for. */
export const FROM = {
  long: "from",
  short: "f",
  kind: "path",
  label: "DIR",
  required: true,
} as const satisfies Partial<OptionSpec>;

/** Where a server listens; each command has its usual port. */
export const PORT = {
  long: "port",
  short: "p",
  kind: "port",
  label: "N",
  help: "Port to listen on; 0 picks a free one",
} as const satisfies OptionSpec;

/** Who reaches a server; each command says what that takes. */
export const HOST = {
  long: "host",
  kind: "host",
  label: "HOST",
  default: "127.0.0.1",
} as const satisfies Partial<OptionSpec>;

/** The certificate of a server; each command says for which scheme. */
export const TLS_CERT = {
  long: "tls-cert",
  kind: "path",
  label: "FILE",
  optional: true,
} as const satisfies Partial<OptionSpec>;

export const TLS_KEY = {
  long: "tls-key",
  kind: "path",
  label: "FILE",
  optional: true,
  help: "The certificate's private key, a PEM file",
} as const satisfies OptionSpec;

/** Who is trusted beside those the system trusts; each command says for which scheme. */
export const CA_FILE = {
  long: "ca-file",
  kind: "path",
  label: "FILE",
  optional: true,
} as const satisfies Partial<OptionSpec>;

/** The other side; each command says what for. */
export const TO = {
  long: "to",
  short: "t",
  kind: "target",
  label: "URL|DIR",
  required: true,
} as const satisfies Partial<OptionSpec>;

/** Where a hub is. */
export const SERVER = {
  long: "server",
  short: "s",
  kind: "hub",
  label: "URL",
  default: "http://127.0.0.1:8000",
  help: "Address of the hub",
} as const satisfies OptionSpec;

/** What opens a hub. */
export const API_KEY_OPTIONS = {
  apiKey: {
    long: "api-key",
    kind: "token",
    label: "KEY",
    optional: true,
    help: "Key for the hub; other users of this machine can see it in the " +
      "list of processes",
  },
  apiKeyFile: {
    long: "api-key-file",
    kind: "path",
    label: "FILE",
    optional: true,
    help: "File with the key, which only you may read",
  },
} as const satisfies CommandSpec["options"];

/** What is left out of a tree. */
export const EXCLUDE_OPTIONS = {
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
export const TOKEN_OPTIONS = {
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

/** For how long a connection is waited for; each command says which. */
export const RETRY_FOR = {
  long: "retry-for",
  kind: "duration",
  label: "TIME",
  optional: true,
} as const satisfies Partial<OptionSpec>;

/** How fast a connection may be. */
export const BWLIMIT = {
  long: "bwlimit",
  kind: "rate",
  label: "RATE",
  optional: true,
  help: "Hold the connection to RATE a second, each way: KiB, or a number " +
    "with K, M, G (powers of 1,024) or KB, MB, GB (of 1,000); 0: no limit",
} as const satisfies OptionSpec;

/** How a listener is reached. */
export const REACH_OPTIONS = {
  ...TOKEN_OPTIONS,
  caFile: {
    ...CA_FILE,
    help: "Trust also the certificates in this PEM file (wss:// only)",
  },
  retryFor: {
    ...RETRY_FOR,
    help: "How long to keep trying to connect, at first and after a lost " +
      "connection; 0: try once (60, 30s, 5m) [default 60; after a lost " +
      "connection of --watch: without end]",
  },
} as const satisfies CommandSpec["options"];

/** What of two trees is to be equal. */
export const COMPARE_OPTIONS = {
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

/** How much a run may delete; each command says of what. */
export const MAX_DELETE = {
  long: "max-delete",
  kind: "limit",
  label: "N|N%",
  optional: true,
} as const satisfies Partial<OptionSpec>;

/** What may be deleted although it looks like an accident. */
export const ALLOW_DELETE = {
  long: "allow-delete",
  kind: "allowance",
  label: "N|N%|all|always",
  optional: true,
  help: "Allow that much to be deleted where it looks like an accident; " +
    "who goes on asks again after the first complete round, unless " +
    '"always"',
} as const satisfies OptionSpec;

/** A directory may be another one than before; each command says which. */
export const ALLOW_NEW_ROOT = {
  long: "allow-new-root",
  kind: "flag",
} as const satisfies Partial<OptionSpec>;

/** Where something is remembered from run to run. */
export const STATE_OPTIONS = {
  stateDir: {
    long: "state-dir",
    kind: "path",
    label: "DIR",
    optional: true,
    help: "Where to remember earlier runs, instead of " +
      "$XDG_STATE_HOME/lockstep or ~/.local/state/lockstep",
  },
  noState: {
    long: "no-state",
    kind: "flag",
    help: "Remember nothing: each run is like a first one",
  },
} as const satisfies CommandSpec["options"];

/** Options of whoever writes to a directory here. */
export const TARGET_OPTIONS = {
  trash: {
    long: "trash",
    kind: "path",
    label: "DIR",
    optional: true,
    help: "Keep what is replaced or deleted in DIR; of the directory that is " +
      "written to, only .lockstep/trash is possible",
  },
  noFsync: {
    long: "no-fsync",
    kind: "flag",
    help: "Do not wait for the disk: faster, but a loss of power may take " +
      "back what was reported as done",
  },
} as const satisfies CommandSpec["options"];

/** A command that is run after changes; each command says where they happen. */
export const HOOK_OPTIONS = {
  onChange: {
    long: "on-change",
    kind: "shell",
    label: "CMD",
    optional: true,
    help:
      "Run CMD in the shell after something was changed; what it was comes " +
      "on its standard input, as JSON",
  },
  onChangeTimeout: {
    long: "on-change-timeout",
    kind: "duration",
    label: "TIME",
    default: "60",
    help: "Stop CMD when it takes longer (60, 30s, 5m)",
  },
} as const satisfies CommandSpec["options"];

export const JSON_OPTION = {
  long: "json",
  kind: "flag",
  help: "Print one JSON object per event (NDJSON) on stdout",
} as const satisfies OptionSpec;

export const QUIET = {
  long: "quiet",
  short: "q",
  kind: "flag",
  help: "Print only problems and errors",
} as const satisfies OptionSpec;

/** What is printed of a run. */
export const OUTPUT_OPTIONS = {
  json: JSON_OPTION,
  quiet: QUIET,
  verbose: {
    long: "verbose",
    short: "v",
    kind: "flag",
    help: "Print also scans, rounds, each new try, and what a sync " +
      "does at each path",
  },
} as const satisfies CommandSpec["options"];
