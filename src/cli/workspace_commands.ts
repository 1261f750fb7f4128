/** The commands on workspaces: their options, and what help says of them. */
import type { CommandSpec, OptionSpec } from "./command_spec.ts";
import { JSON_OPTION, TOKEN_OPTIONS } from "./option_groups.ts";
import { SYNC } from "./sync_command.ts";

const NAME = {
  long: "name",
  kind: "pattern",
  label: "NAME",
  required: true,
  help: "Name of the workspace",
} as const satisfies OptionSpec;

/** The same, for commands that are about remotes. */
const WORKSPACE = { ...NAME, long: "workspace" } as const satisfies OptionSpec;

const REMOTE = {
  ...NAME,
  long: "remote",
  help: "Name of the remote",
} as const satisfies OptionSpec;

const ONE_REMOTE = {
  long: "remote",
  kind: "pattern",
  label: "NAME",
  optional: true,
  help: "Only this remote",
} as const satisfies OptionSpec;

/**
 * An option of `sync` whose value goes to the daemon as it is written, to be read
 * there whenever the workspace is started.
 */
function asText(spec: TextSource): TextOption {
  const { long, label, help } = spec;
  return { long, label, help, kind: "pattern", optional: true };
}

type TextSource = Readonly<Record<"long" | "label" | "help", string>>;

type TextOption = TextSource & {
  readonly kind: "pattern";
  readonly optional: true;
};

const ADD = {
  summary: "Make a directory a workspace",
  description:
    "The daemon remembers the directory under a name, and watches it. What takes\n" +
    "part is said here; where it is mirrored to, by attach.",
  impliedBy: [],
  options: {
    name: { ...NAME, help: "What to call it; unique" },
    path: {
      long: "path",
      kind: "path",
      label: "DIR",
      required: true,
      help: "The directory",
    },
    checksum: SYNC.options.checksum,
    owner: SYNC.options.owner,
    symlinks: asText(SYNC.options.symlinks),
    exclude: SYNC.options.exclude,
    excludeFrom: SYNC.options.excludeFrom,
    gitignore: SYNC.options.gitignore,
    rescan: {
      ...asText(SYNC.options.rescan),
      help: "How often to look at the whole directory, in case a change went " +
        "unnoticed; 0: never (30s, 5m, 1h) [default 5m]",
    },
    json: JSON_OPTION,
  },
  examples: [
    {
      line: "lockstep workspace add --name photos --path ./photos",
      meaning: "watch it",
    },
  ],
} as const satisfies CommandSpec;

const REMOVE = {
  summary: "Forget a workspace",
  description:
    "Stops mirroring the workspace, and forgets it. No file is touched, here or\n" +
    "at a remote.",
  impliedBy: [],
  options: { name: NAME, json: JSON_OPTION },
  examples: [
    { line: "lockstep workspace remove --name photos", meaning: "stop it" },
  ],
} as const satisfies CommandSpec;

const LIST = {
  summary: "Show all workspaces, with their remotes",
  description:
    "Prints a line for each remote: its state, how far it is behind, and when it\n" +
    "was equal to the workspace.",
  impliedBy: [],
  options: {
    watch: {
      long: "watch",
      short: "w",
      kind: "flag",
      help: "Keep the list up to date, until interrupted",
    },
    json: JSON_OPTION,
  },
  examples: [
    { line: "lockstep workspace list --watch", meaning: "what is going on" },
  ],
} as const satisfies CommandSpec;

const INFO = {
  summary: "Show all that is known of a workspace",
  description:
    "Prints state, process, options, errors and remotes, and of a workspace that\n" +
    "has failed the end of its log.",
  impliedBy: [],
  options: {
    name: {
      long: "name",
      kind: "pattern",
      label: "NAME",
      optional: true,
      help: "Only this workspace",
    },
    json: JSON_OPTION,
  },
  examples: [
    { line: "lockstep workspace info --name photos", meaning: "one of them" },
  ],
} as const satisfies CommandSpec;

const ATTACH = {
  summary: "Mirror a workspace to one more place, or keep it in step with one",
  description:
    "Begins to mirror the workspace to a listener or a directory. What is extra\n" +
    "there is deleted, as with sync. With a hub, or with --two-way, each side gets\n" +
    "what the other one changed; a workspace has one such remote at the most.\n" +
    "Other remotes are not disturbed.",
  impliedBy: [],
  options: {
    workspace: WORKSPACE,
    remote: { ...REMOTE, help: "What to call it; unique in the workspace" },
    to: {
      long: "to",
      short: "t",
      kind: "remote",
      label: "URL|DIR",
      required: true,
      help: "The ws:// or wss:// address of a listener, the http:// or " +
        "https:// address of a hub, or a directory",
    },
    twoWay: {
      long: "two-way",
      kind: "flag",
      help: "Both sides get what the other one changed; with a hub it is " +
        "always so",
    },
    conflict: {
      ...SYNC.options.conflict,
      help: "With a hub or --two-way, what both sides changed: newest (the " +
        "default), keep-both, prefer-alpha (the workspace wins), prefer-beta " +
        "(the remote wins) or manual; the version that loses is always kept " +
        "beside the other",
    },
    token: {
      ...TOKEN_OPTIONS.token,
      help:
        "Token of a listener, or key of a hub; other users of this machine " +
        "can see it in the list of processes",
    },
    tokenFile: {
      ...asText(TOKEN_OPTIONS.tokenFile),
      help: "File with the token or key, which only you may read",
    },
    caFile: {
      ...asText(SYNC.options.caFile),
      help:
        "Trust also the certificates in this PEM file (wss:// and https:// " +
        "only)",
    },
    compress: asText(SYNC.options.compress),
    bwlimit: asText(SYNC.options.bwlimit),
    noDelete: SYNC.options.noDelete,
    maxDelete: asText(SYNC.options.maxDelete),
    allowDelete: asText(SYNC.options.allowDelete),
    allowNewRoot: {
      ...SYNC.options.allowNewRoot,
      help:
        "Go on though the workspace is another directory than in the last " +
        "run",
    },
    repair: {
      ...asText(SYNC.options.repair),
      help: "How often to look at the remote, and to put right what somebody " +
        "changed there; not unless given (1m)",
    },
    trash: asText(SYNC.options.trash),
    noFsync: SYNC.options.noFsync,
    json: JSON_OPTION,
  },
  examples: [
    {
      line:
        "lockstep workspace attach --workspace photos --remote nas --to ws://nas:8080",
      meaning: "to a listener",
    },
    {
      line:
        "lockstep workspace attach --workspace photos --remote disk --to /mnt/photos",
      meaning: "and to a directory",
    },
    {
      line:
        "lockstep workspace attach --workspace photos --remote hub -t http://hub:8000",
      meaning: "in both directions; --token-file has the key",
    },
  ],
} as const satisfies CommandSpec;

const DETACH = {
  summary: "Mirror a workspace to a place no more",
  description:
    "Forgets the remote. What is there stays. Other remotes are not disturbed.",
  impliedBy: [],
  options: { workspace: WORKSPACE, remote: REMOTE, json: JSON_OPTION },
  examples: [
    {
      line: "lockstep workspace detach --workspace photos --remote disk",
      meaning: "the disk is full",
    },
  ],
} as const satisfies CommandSpec;

const PAUSE = {
  summary: "Let a workspace, or one of its remotes, rest",
  description:
    "Mirrors no more until resume, also over a restart of the daemon.",
  impliedBy: [],
  options: { workspace: WORKSPACE, remote: ONE_REMOTE, json: JSON_OPTION },
  examples: [
    {
      line: "lockstep workspace pause --workspace photos",
      meaning: "all its remotes",
    },
  ],
} as const satisfies CommandSpec;

const RESUME = {
  summary: "Go on with a workspace that rests or has failed",
  description:
    "Goes on after pause, or at once with what has failed and waits for its next\n" +
    "try.",
  impliedBy: [],
  options: { workspace: WORKSPACE, remote: ONE_REMOTE, json: JSON_OPTION },
  examples: [
    {
      line: "lockstep workspace resume --workspace photos",
      meaning: "all its remotes",
    },
  ],
} as const satisfies CommandSpec;

const FLUSH = {
  summary: "Wait until a workspace is in place at its remotes",
  description:
    "Returns when all that is in the directory now has arrived at the remotes, or\n" +
    "says which of them failed and why; its exit code is that of the worst.",
  impliedBy: [],
  options: {
    workspace: WORKSPACE,
    remote: ONE_REMOTE,
    timeout: {
      long: "timeout",
      kind: "duration",
      label: "TIME",
      default: "30s",
      help: "How long to wait (60, 30s, 5m)",
    },
    json: JSON_OPTION,
  },
  examples: [
    {
      line: "lockstep workspace flush --workspace photos --timeout 5m",
      meaning: "before the laptop is closed",
    },
  ],
} as const satisfies CommandSpec;

/** The commands, by name. */
export const WORKSPACE_COMMANDS = {
  "workspace add": ADD,
  "workspace remove": REMOVE,
  "workspace list": LIST,
  "workspace info": INFO,
  "workspace attach": ATTACH,
  "workspace detach": DETACH,
  "workspace pause": PAUSE,
  "workspace resume": RESUME,
  "workspace flush": FLUSH,
} as const;
