/** The commands of a hub, and those for one: their options, and what help says. */
import type { CommandSpec, OptionSpec } from "./command_spec.ts";
import {
  ALLOW_DELETE,
  ALLOW_NEW_ROOT,
  API_KEY_OPTIONS,
  CA_FILE,
  HOST,
  JSON_OPTION,
  PORT,
  QUIET,
  SERVER,
  STATE_OPTIONS,
  TLS_CERT,
  TLS_KEY,
} from "./option_groups.ts";

const DATA_DIR = {
  long: "data-dir",
  kind: "path",
  label: "DIR",
  required: true,
  help: "Directory of the hub's data",
} as const satisfies OptionSpec;

const RETENTION = {
  keepVersions: {
    long: "keep-versions",
    kind: "count",
    label: "N",
    default: "20",
    help: "Keep so many old versions of each file that exists",
  },
  keepDays: {
    long: "keep-days",
    kind: "count",
    label: "N",
    default: "90",
    help: "Keep every version that long after it was replaced or deleted",
  },
  maxVersions: {
    long: "max-versions",
    kind: "count",
    label: "N",
    optional: true,
    help: "Keep no more old versions of a file than this, however young",
  },
} as const satisfies CommandSpec["options"];

const HUB_OPTIONS = {
  server: SERVER,
  ...API_KEY_OPTIONS,
  caFile: {
    ...CA_FILE,
    help: "Trust also the certificates in this PEM file (https:// only)",
  },
  json: JSON_OPTION,
} as const satisfies CommandSpec["options"];

const SERVE = {
  summary: "Run a hub that many clients share",
  description:
    "Keeps files and all their versions in DIR, and serves them over HTTP. The\n" +
    "first start prints a key for the administrator, once. Runs until it is\n" +
    "interrupted, and ends with 0 then.",
  impliedBy: [],
  options: {
    port: { ...PORT, default: "8000" },
    dataDir: {
      ...DATA_DIR,
      short: "d",
      help: "Directory of the hub's data; made where missing",
    },
    host: { ...HOST, help: "Address to listen on" },
    maxFileSize: {
      long: "max-file-size",
      kind: "size",
      label: "SIZE",
      default: "10G",
      help: "Refuse files that are larger, of uploads and of clients (500M, " +
        "10G)",
    },
    ...RETENTION,
    maxFiles: {
      long: "max-files",
      kind: "count",
      label: "N",
      optional: true,
      help: "Take no more files, directories and links than this",
    },
    maxBytes: {
      long: "max-bytes",
      kind: "size",
      label: "SIZE",
      optional: true,
      help: "Take nothing more once all content has this size on the disk",
    },
    mirror: {
      long: "mirror",
      kind: "path",
      label: "DIR",
      optional: true,
      help: "Keep DIR equal to what is current at the hub, in both directions",
    },
    mirrorInterval: {
      long: "mirror-interval",
      kind: "interval",
      label: "TIME",
      default: "1m",
      help: "How often to look at all of --mirror, in case a change went " +
        "unnoticed; in milliseconds (500, 2s, 5m)",
    },
    allowDelete: {
      ...ALLOW_DELETE,
      help: "With --mirror: allow the first round to delete that much where " +
        "it looks like an accident",
    },
    allowNewRoot: {
      ...ALLOW_NEW_ROOT,
      help: "With --mirror: go on though DIR is another directory than before",
    },
    stateDir: STATE_OPTIONS.stateDir,
    noApproval: {
      long: "no-approval",
      kind: "flag",
      help: "Let clients delete any number of files without asking a person",
    },
    noAuth: {
      long: "no-auth",
      kind: "flag",
      help: "Ask nobody for a key; only where other machines can't reach it",
    },
    tlsCert: {
      ...TLS_CERT,
      help: "Serve https:// with the certificate in this PEM file",
    },
    tlsKey: TLS_KEY,
    json: JSON_OPTION,
    quiet: QUIET,
  },
  examples: [
    {
      line: "lockstep serve --port 8000 --data-dir ./hub",
      meaning: "a hub for this machine",
    },
    {
      line: "lockstep serve -d hub --mirror ./files",
      meaning: "and its files in a directory, to read and to write",
    },
    {
      line:
        "lockstep serve -d hub --host 0.0.0.0 --tls-cert c.pem --tls-key k.pem",
      meaning: "a hub for others",
    },
  ],
} as const satisfies CommandSpec;

const GC = {
  summary: "Remove versions of a hub that are too old",
  description:
    "Removes what retention no longer keeps, and makes the packs smaller. A hub\n" +
    "that runs does this once a day by itself; this is for one that does not.",
  impliedBy: [],
  options: { dataDir: DATA_DIR, ...RETENTION, json: JSON_OPTION, quiet: QUIET },
  examples: [
    {
      line: "lockstep gc --data-dir ./hub --keep-days 30",
      meaning: "keep the last month, and 20 versions of each file",
    },
  ],
} as const satisfies CommandSpec;

const KEY_CREATE = {
  summary: "Make a key for a hub, and print it",
  description:
    "Makes a key, also while the hub runs. It is printed this once: the hub keeps\n" +
    "only its digest.",
  impliedBy: [],
  options: {
    dataDir: DATA_DIR,
    name: {
      long: "name",
      kind: "pattern",
      label: "NAME",
      required: true,
      help: "What to call it; unique",
    },
    role: {
      long: "role",
      kind: "choice",
      label: "ROLE",
      choices: ["read", "write", "admin"],
      default: "write",
      help: "What it allows: read, write or admin",
    },
    path: {
      long: "path",
      kind: "path",
      label: "PREFIX",
      optional: true,
      help: "It opens only what is at or below this path",
    },
    expires: {
      long: "expires",
      kind: "age",
      label: "TIME",
      optional: true,
      help: "For how long it is valid (12h, 30d, 8w)",
    },
    json: JSON_OPTION,
  },
  examples: [
    {
      line: "lockstep key create --data-dir ./hub --name laptop --role write",
      meaning: "a key for a client",
    },
    {
      line: "lockstep key create --data-dir ./hub --name guest --expires 30d",
      meaning: "a key for a month",
    },
  ],
} as const satisfies CommandSpec;

const KEY_LIST = {
  summary: "List the keys of a hub",
  description: "Lists all keys of a hub: name, role, path, and until when.",
  impliedBy: [],
  options: { dataDir: DATA_DIR, json: JSON_OPTION },
  examples: [
    { line: "lockstep key list --data-dir ./hub", meaning: "all keys" },
  ],
} as const satisfies CommandSpec;

const KEY_REVOKE = {
  summary: "Make a key of a hub worthless",
  description:
    "From now on the key opens nothing; who is connected with it is thrown out\n" +
    "within seconds.",
  impliedBy: [],
  positional: {
    property: "name",
    label: "NAME",
    help: "Name of the key",
  },
  options: { dataDir: DATA_DIR, json: JSON_OPTION },
  examples: [
    {
      line: "lockstep key revoke laptop --data-dir ./hub",
      meaning: "the laptop was lost",
    },
  ],
} as const satisfies CommandSpec;

const HISTORY = {
  summary: "Show what has changed at a hub",
  description:
    "Lists the versions of PATH, a file, or all changes at or below it; without\n" +
    "PATH all changes. The newest come first.",
  impliedBy: [],
  positional: {
    property: "path",
    label: "PATH",
    help: "A file or directory of the hub",
    optional: true,
  },
  options: {
    ...HUB_OPTIONS,
    limit: {
      long: "limit",
      kind: "count",
      label: "N",
      default: "100",
      help: "So many changes at the most",
    },
  },
  examples: [
    { line: "lockstep history docs/plan.txt", meaning: "all its versions" },
  ],
} as const satisfies CommandSpec;

const RESTORE = {
  summary: "Bring back what was at a hub",
  description:
    "Makes the version N of PATH the current one, or everything at or below PATH\n" +
    "what it was at TIME. What is replaced stays as a version, too.",
  impliedBy: [],
  positional: {
    property: "path",
    label: "PATH",
    help: "A file or directory of the hub; with --at, all of it if left out",
    optional: true,
  },
  options: {
    ...HUB_OPTIONS,
    version: {
      long: "version",
      kind: "count",
      label: "N",
      optional: true,
      help: 'Revision of the version, as "history" shows it',
    },
    at: {
      long: "at",
      kind: "moment",
      label: "TIME",
      optional: true,
      help: "When it was good (2026-01-31T12:00, or 2h ago: 2h)",
    },
  },
  examples: [
    {
      line: "lockstep restore docs/plan.txt --version 12",
      meaning: "one version of one file",
    },
    {
      line: "lockstep restore --at 2h docs",
      meaning: "a directory as it was two hours ago",
    },
  ],
} as const satisfies CommandSpec;

const UNDO = {
  summary: "Take back what a client has changed last at a hub",
  description:
    "Takes back the last change set of a client: all that it changed at once. What\n" +
    "others have changed since is left alone, and named.",
  impliedBy: [],
  options: {
    ...HUB_OPTIONS,
    client: {
      long: "client",
      kind: "pattern",
      label: "CLIENT",
      required: true,
      help: 'The name of a client or a key, as "history" shows it, or an id',
    },
  },
  examples: [
    { line: "lockstep undo --client laptop", meaning: "its last change set" },
  ],
} as const satisfies CommandSpec;

const APPROVE = {
  summary: "Allow what a client wants to delete at a hub, or refuse it",
  description:
    "A change set that would delete more than half of a hub's files, and more than\n" +
    '100, waits for a person. "list" shows what waits; a number approves\n' +
    "it for 24 hours. What is rejected stays at the hub, and comes back to the\n" +
    "client. Wants the key of an administrator.",
  impliedBy: [],
  positional: {
    property: "what",
    label: "ID|list",
    help: 'Number of what is approved; "list": show all that waits',
    optional: true,
  },
  options: {
    ...HUB_OPTIONS,
    reject: {
      long: "reject",
      kind: "count",
      label: "ID",
      optional: true,
      help: "Number of what is rejected",
    },
  },
  examples: [
    { line: "lockstep approve list", meaning: "what waits" },
    { line: "lockstep approve 3", meaning: "it was meant" },
    { line: "lockstep approve --reject 3", meaning: "it was not" },
  ],
} as const satisfies CommandSpec;

const POLICY_SET = {
  summary: "Leave files out at all clients of a hub",
  description:
    "Gives the rules in FILE, written like a .gitignore, to all clients: they apply\n" +
    "them after their own, and at once where they are connected. What is ignored\n" +
    "then stays where it is, at clients and at the hub. Wants the key of an\n" +
    "administrator.",
  impliedBy: [],
  positional: {
    property: "file",
    label: "FILE",
    help: "File with the rules, which replace those that there are",
  },
  options: HUB_OPTIONS,
  examples: [
    { line: "lockstep policy set rules.txt", meaning: "these, and no others" },
  ],
} as const satisfies CommandSpec;

const POLICY_SHOW = {
  summary: "Show what all clients of a hub leave out",
  description: "Prints the rules, one on each line.",
  impliedBy: [],
  options: HUB_OPTIONS,
  examples: [{ line: "lockstep policy show", meaning: "all rules" }],
} as const satisfies CommandSpec;

const POLICY_CLEAR = {
  summary: "Let clients of a hub decide alone what they leave out",
  description: "Removes all rules. Wants the key of an administrator.",
  impliedBy: [],
  options: HUB_OPTIONS,
  examples: [{ line: "lockstep policy clear", meaning: "no rules" }],
} as const satisfies CommandSpec;

/** The commands, by name. */
export const HUB_COMMANDS = {
  serve: SERVE,
  gc: GC,
  "key create": KEY_CREATE,
  "key list": KEY_LIST,
  "key revoke": KEY_REVOKE,
  history: HISTORY,
  restore: RESTORE,
  undo: UNDO,
  approve: APPROVE,
  "policy set": POLICY_SET,
  "policy show": POLICY_SHOW,
  "policy clear": POLICY_CLEAR,
} as const;
