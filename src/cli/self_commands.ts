/** Commands about Lockstep itself: their options, and what help says of them. */
import type { CommandSpec } from "./command_spec.ts";
import {
  API_KEY_OPTIONS,
  CA_FILE,
  JSON_OPTION,
  QUIET,
  STATE_OPTIONS,
  TOKEN_OPTIONS,
} from "./option_groups.ts";

const COMPLETIONS = {
  summary: "Print a script that completes commands in your shell",
  description:
    "Prints a script for SHELL; once it is loaded, the Tab key completes commands,\n" +
    "options and their values. Load it from where your shell starts:\n" +
    '  bash        eval "$(lockstep completions bash)"            in ~/.bashrc\n' +
    '  zsh         eval "$(lockstep completions zsh)"             in ~/.zshrc,\n' +
    "                                                 after compinit\n" +
    "  fish        lockstep completions fish | source             in config.fish\n" +
    "  powershell  lockstep completions powershell | Out-String |\n" +
    "                Invoke-Expression                            in $PROFILE",
  impliedBy: [],
  positional: {
    property: "shell",
    label: "SHELL",
    choices: ["bash", "zsh", "fish", "powershell"],
    help: "bash, zsh, fish or powershell",
  },
  options: {},
  examples: [
    { line: "lockstep completions bash", meaning: "the script for bash" },
  ],
} as const satisfies CommandSpec;

const MAN = {
  summary: "Print the manual page",
  description:
    'Prints the manual page, in roff: read it with "lockstep man | man -l -",\n' +
    "or put it where man finds it, as lockstep.1.",
  impliedBy: [],
  options: {},
  examples: [
    { line: "lockstep man", meaning: "the page, for man -l -" },
  ],
} as const satisfies CommandSpec;

const DOCTOR = {
  summary: "Look at this machine, and at the other end, and give advice",
  description:
    "Tells of this machine: versions, limits, the clock, the directory with what\n" +
    "is remembered of runs. With URL, also of the listener or hub there: whether it\n" +
    "can be reached and lets this machine in, its version, clock and certificate.\n" +
    "A listener goes on waiting for its sender. Ends with 1 if something is wrong\n" +
    "here, with 5 or 6 as a sync with URL would.",
  impliedBy: [],
  positional: {
    property: "url",
    label: "URL",
    help: "Address of a listener (ws://, wss://) or a hub (http://, https://)",
    optional: true,
  },
  options: {
    ...TOKEN_OPTIONS,
    ...API_KEY_OPTIONS,
    caFile: {
      ...CA_FILE,
      help: "Trust also the certificates in this PEM file",
    },
    dataDir: {
      long: "data-dir",
      kind: "path",
      label: "DIR",
      optional: true,
      help:
        "Look also at the data of a hub that is stopped: all of its content " +
        "is read, and nothing is written",
    },
    stateDir: STATE_OPTIONS.stateDir,
    json: JSON_OPTION,
    quiet: QUIET,
  },
  examples: [
    { line: "lockstep doctor", meaning: "is this machine ready?" },
    {
      line: "lockstep doctor wss://example.org/backup --token-file ./token",
      meaning: "would a sync with that listener work?",
    },
    {
      line: "lockstep doctor --data-dir ./hub",
      meaning: "is all of that hub's data whole?",
    },
  ],
} as const satisfies CommandSpec;

/** The commands, by name. */
export const SELF_COMMANDS = {
  completions: COMPLETIONS,
  man: MAN,
  doctor: DOCTOR,
} as const;
