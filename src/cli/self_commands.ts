/** Commands about Lockstep itself: their options, and what help says of them. */
import type { CommandSpec } from "./command_spec.ts";

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

/** The commands, by name. */
export const SELF_COMMANDS = {
  completions: COMPLETIONS,
  man: MAN,
} as const;
