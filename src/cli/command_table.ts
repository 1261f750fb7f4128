/**
 * All commands and options, once: parsing, `--help` and shell completions come
 * from here. Every option that takes a value is required, has a default, or is
 * optional by name: a parsed command has no holes but those.
 */

import { CLEAN } from "./clean_command.ts";
import type { CommandSpec } from "./command_spec.ts";
import { CLIENT_COMMANDS } from "./client_commands.ts";
import { DAEMON_COMMANDS } from "./daemon_commands.ts";
import { HUB_COMMANDS } from "./hub_commands.ts";
import { EXPLAIN } from "./explain_command.ts";
import { LISTEN } from "./listen_command.ts";
import { SELF_COMMANDS } from "./self_commands.ts";
import { SYNC } from "./sync_command.ts";
import { TRASH_COMMANDS } from "./trash_commands.ts";
import { VERIFY } from "./verify_command.ts";
import { WORKSPACE_COMMANDS } from "./workspace_commands.ts";

/** Every command that has options of its own, by name. */
export const COMMANDS = {
  listen: LISTEN,
  sync: SYNC,
  verify: VERIFY,
  explain: EXPLAIN,
  clean: CLEAN,
  ...TRASH_COMMANDS,
  ...HUB_COMMANDS,
  ...CLIENT_COMMANDS,
  ...DAEMON_COMMANDS,
  ...WORKSPACE_COMMANDS,
  ...SELF_COMMANDS,
} as const;

/** The name of a command in {@link COMMANDS}, of one word or two. */
export type CommandName = keyof typeof COMMANDS;

/** The first word of names of two. */
export type GroupName = CommandName extends infer N
  ? N extends `${infer G} ${string}` ? G : never
  : never;

/** Something that people want to do, and the commands for it. */
export interface Task {
  readonly title: string;
  readonly commands: readonly CommandName[];
  /** Of these the first example stands in the help of the program. */
  readonly shown: readonly CommandName[];
}

/** All commands, by what they are for, in the order of the help. */
export const TASKS: readonly Task[] = [
  {
    title: "Mirror a directory, or keep two of them equal",
    commands: ["listen", "sync", "verify", "explain"],
    shown: ["listen", "sync"],
  },
  {
    title: "Get back what was replaced, remove what was left",
    commands: ["trash list", "trash restore", "trash empty", "clean"],
    shown: ["trash restore"],
  },
  {
    title: "Run a hub",
    commands: [
      ...["serve", "gc", "key create", "key list", "key revoke"] as const,
      ...["approve", "policy set", "policy show", "policy clear"] as const,
    ],
    shown: ["serve", "key create"],
  },
  {
    title: "Keep a directory in step with a hub, and go back",
    commands: [
      ...["init", "start", "status"] as const,
      ...["conflicts list", "conflicts show", "conflicts resolve"] as const,
      ...["history", "restore", "undo"] as const,
    ],
    shown: ["init", "start"],
  },
  {
    title: "Mirror in the background",
    commands: [
      ...["daemon start", "daemon stop", "daemon status"] as const,
      ...["daemon logs", "daemon run"] as const,
      ...["daemon install", "daemon uninstall"] as const,
      ...["workspace add", "workspace attach", "workspace list"] as const,
      ...["workspace info", "workspace flush", "workspace pause"] as const,
      ...["workspace resume", "workspace detach", "workspace remove"] as const,
    ],
    shown: ["daemon start", "workspace add", "workspace attach"],
  },
  {
    title: "See to Lockstep itself",
    commands: ["doctor", "completions", "man"],
    shown: ["doctor"],
  },
];

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
  ["dryRun", "interval"],
  ["dryRun", "logFile"],
  ["dryRun", "onChange"],
  ["apply", "interval"],
  ["watch", "dryRun"],
  ["watch", "apply"],
  ["apiKey", "apiKeyFile"],
  ["version", "at"],
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
    name: "LOCKSTEP_API_KEY",
    help: "The key for a hub, where no option gives it",
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
  {
    name: "XDG_RUNTIME_DIR",
    help: "Holds the socket of the daemon; where it is not set, the state does",
  },
  {
    name: "XDG_CONFIG_HOME",
    help: "Holds lockstep/workspaces.json; HOME/.config where it is not set",
  },
  { name: "APPDATA", help: "The same, where XDG_CONFIG_HOME is not set" },
  {
    name: "LOCKSTEP_CONFIG",
    help: "The file in which the daemon remembers workspaces, instead",
  },
  { name: "LOCKSTEP_DEBUG", help: "1: print the stack trace of an error" },
  {
    name: "LOCKSTEP_FAULT",
    help: "For tests of Lockstep itself: makes one call fail, or dies at it",
  },
  {
    name: "LOCKSTEP_WORKER_FAULT",
    help: "The same, for the processes that a daemon starts",
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
