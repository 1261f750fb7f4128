/** The commands of a hub's clients: their options, and what help says. */
import type { CommandSpec, OptionSpec } from "./command_spec.ts";
import { CLIENT_POLICIES } from "./config/client_policy.ts";
import {
  ALLOW_DELETE,
  ALLOW_NEW_ROOT,
  CA_FILE,
  EXCLUDE_OPTIONS,
  JSON_OPTION,
  MAX_DELETE,
  OUTPUT_OPTIONS,
  QUIET,
  RETRY_FOR,
  SERVER,
  STATE_OPTIONS,
} from "./option_groups.ts";

const CONFIG = {
  long: "config",
  short: "c",
  kind: "path",
  label: "FILE",
  default: "config.yaml",
  help: "The file that lockstep init has written",
} as const satisfies OptionSpec;

const STATE_DIR = STATE_OPTIONS.stateDir;

const POLICY = {
  long: "conflict",
  kind: "choice",
  label: "POLICY",
  choices: CLIENT_POLICIES,
  default: "newest",
  help:
    "What both sides changed: newest, keep-both, prefer-hub, prefer-client, " +
    "manual, or merge (texts; where that is not clean, newest)",
} as const satisfies OptionSpec;

const INIT = {
  summary: "Make a directory a client of a hub",
  description:
    "Writes FILE, which says which directory is synced with which hub, makes the\n" +
    "directory where it is missing, and registers it if the hub can be reached.",
  impliedBy: [],
  options: {
    name: {
      long: "name",
      kind: "pattern",
      label: "NAME",
      required: true,
      help: "What the hub calls this client",
    },
    syncDir: {
      long: "sync-dir",
      short: "d",
      kind: "path",
      label: "DIR",
      required: true,
      help: "The directory to keep in step",
    },
    server: SERVER,
    apiKey: {
      long: "api-key",
      kind: "token",
      label: "KEY",
      optional: true,
      help:
        "Key for the hub, kept in FILE; other users of this machine can see " +
        "it in the list of processes (else LOCKSTEP_API_KEY)",
    },
    apiKeyFile: {
      long: "api-key-file",
      kind: "path",
      label: "KEYFILE",
      optional: true,
      help: "File with the key, which only you may read; FILE names it",
    },
    caFile: {
      ...CA_FILE,
      label: "PEM",
      help: "Trust also the certificates in this file (https:// only)",
    },
    conflict: POLICY,
    exclude: {
      ...EXCLUDE_OPTIONS.exclude,
      help: "Leave out what this matches; goes to ignore_patterns in FILE",
    },
    config: { ...CONFIG, help: "The file to write" },
    force: {
      long: "force",
      kind: "flag",
      help: "Replace a FILE that is there",
    },
    stateDir: STATE_DIR,
    json: JSON_OPTION,
    quiet: QUIET,
  },
  examples: [
    {
      line:
        "lockstep init --name laptop --sync-dir ~/notes --server http://hub:8000",
      meaning: "with the key in LOCKSTEP_API_KEY",
    },
  ],
} as const satisfies CommandSpec;

const START = {
  summary: "Keep a directory in step with its hub",
  description:
    "Carries to the hub what was changed here since the last time, and brings what\n" +
    "others have changed. Each version that loses a conflict is kept. In messages,\n" +
    "alpha is this directory, and beta is the hub.",
  impliedBy: [],
  options: {
    config: CONFIG,
    once: {
      long: "once",
      kind: "flag",
      help: "End when both sides are equal",
    },
    retryFor: {
      ...RETRY_FOR,
      help: "How long to keep trying to reach the hub; 0: try once (60, 30s, " +
        "5m) [default 60 with --once; else without end]",
    },
    maxDelete: {
      ...MAX_DELETE,
      help: "Halt before more than N entries of either side, or N% of them, " +
        "are deleted",
    },
    allowDelete: ALLOW_DELETE,
    allowNewRoot: {
      ...ALLOW_NEW_ROOT,
      help: "Go on though the directory is another one than the last time; " +
        "nothing is deleted then; for the first complete round",
    },
    yes: {
      long: "yes",
      short: "y",
      kind: "flag",
      help: "Both: --allow-delete all and --allow-new-root, for the first " +
        "complete round",
    },
    stateDir: STATE_DIR,
    ...OUTPUT_OPTIONS,
  },
  examples: [
    { line: "lockstep start --once", meaning: "one exchange with the hub" },
  ],
} as const satisfies CommandSpec;

const STATUS = {
  summary: "Show how a client of a hub is doing",
  description:
    "Says whether the hub can be reached, when both sides were equal last, and what\n" +
    "differs now, by content. Changes nothing. Ends with 0 where nothing differs,\n" +
    "with 3 where something does, with 6 where the hub can't be reached.",
  impliedBy: [],
  options: { config: CONFIG, stateDir: STATE_DIR, json: JSON_OPTION },
  examples: [
    { line: "lockstep status --config ~/work.yaml", meaning: "one client" },
  ],
} as const satisfies CommandSpec;

const WITH_CONFIG = { config: CONFIG, json: JSON_OPTION } as const;

const CONFLICT_ID = {
  property: "id",
  label: "ID",
  help: 'Number of the conflict, as "conflicts list" shows it',
} as const;

const CONFLICTS_LIST = {
  summary: "List the conflicts at a hub",
  description:
    "Lists conflicts that nobody has decided: both sides changed one path, and the\n" +
    "version that is not at the path is kept.",
  impliedBy: [],
  options: {
    ...WITH_CONFIG,
    all: { long: "all", kind: "flag", help: "Also those that are resolved" },
  },
  examples: [
    { line: "lockstep conflicts list", meaning: "those that are open" },
  ],
} as const satisfies CommandSpec;

const CONFLICTS_SHOW = {
  summary: "Show one conflict at a hub",
  description:
    "Shows both versions of one conflict: what, how large, from when.",
  impliedBy: [],
  positional: CONFLICT_ID,
  options: WITH_CONFIG,
  examples: [{ line: "lockstep conflicts show 7", meaning: "one of them" }],
} as const satisfies CommandSpec;

const CONFLICTS_RESOLVE = {
  summary: "Decide conflicts at a hub",
  description:
    "Takes one version to the path, or leaves both, or puts the content of a FILE\n" +
    "there. What is replaced stays in the hub's history. Without ID, decides all\n" +
    "conflicts whose path matches --path.",
  impliedBy: [],
  positional: { ...CONFLICT_ID, optional: true },
  options: {
    ...WITH_CONFIG,
    take: {
      long: "take",
      kind: "path",
      label: "hub|client|both|FILE",
      required: true,
      help:
        "Whose version: the hub's, the client's, both beside each other, or " +
        "this FILE (./hub, where it is called so)",
    },
    path: {
      long: "path",
      kind: "pattern",
      label: "PATTERN",
      optional: true,
      help: "All conflicts whose path this matches, as a line of .gitignore",
    },
  },
  examples: [
    {
      line: "lockstep conflicts resolve 7 --take client",
      meaning: "the version of the client",
    },
    {
      line: "lockstep conflicts resolve --path 'docs/**' --take hub",
      meaning: "many at once",
    },
  ],
} as const satisfies CommandSpec;

/** The commands, by name. */
export const CLIENT_COMMANDS = {
  init: INIT,
  start: START,
  status: STATUS,
  "conflicts list": CONFLICTS_LIST,
  "conflicts show": CONFLICTS_SHOW,
  "conflicts resolve": CONFLICTS_RESOLVE,
} as const;
