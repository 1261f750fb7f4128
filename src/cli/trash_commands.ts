/** The commands on a trash: their options, and what help says of them. */
import type { CommandSpec, OptionSpec } from "./command_spec.ts";
import { JSON_OPTION, QUIET } from "./option_groups.ts";

const TRASH = {
  long: "trash",
  kind: "path",
  label: "DIR",
  required: true,
  help: "Directory of the trash",
} as const satisfies OptionSpec;

const LIST = {
  summary: "List what was replaced or deleted",
  description:
    "Lists each file and link in the trash, the newest first: when it came (its\n" +
    "stamp), kind, size and path. Of directories only empty ones are listed.",
  impliedBy: [],
  options: { trash: TRASH, json: JSON_OPTION },
  examples: [
    {
      line: "lockstep trash list --trash ./trash",
      meaning: "what is there",
    },
  ],
} as const satisfies CommandSpec;

const RESTORE = {
  summary: "Put something back that was replaced or deleted",
  description:
    "Moves each PATH, a file, a link or a directory, from the trash to where it\n" +
    "came from. What is there stays: an entry whose place is taken is named and\n" +
    'left in the trash. PATH is written as "trash list" shows it; "." is all.',
  impliedBy: [],
  positional: {
    property: "paths",
    label: "PATH…",
    help: "What to put back",
    many: true,
  },
  options: {
    trash: TRASH,
    to: {
      long: "to",
      short: "t",
      kind: "path",
      label: "DIR",
      optional: true,
      help: "Put it below DIR, not where it came from; made where missing",
    },
    from: {
      long: "from",
      short: "f",
      kind: "stamp",
      label: "STAMP",
      optional: true,
      help: "Which version: the one of this stamp, not the newest",
    },
    json: JSON_OPTION,
    quiet: QUIET,
  },
  examples: [
    {
      line: "lockstep trash restore docs/plan.txt --trash ./trash",
      meaning: "the newest version, to where it was",
    },
    {
      line: "lockstep trash restore docs --trash ./trash --to ./old",
      meaning: "a directory, to another place",
    },
  ],
} as const satisfies CommandSpec;

const EMPTY = {
  summary: "Remove what is in a trash for good",
  description:
    "Removes what Lockstep put into the trash, and nothing else. What it did\n" +
    "not make is named and stays.",
  impliedBy: [],
  options: {
    trash: TRASH,
    olderThan: {
      long: "older-than",
      kind: "age",
      label: "AGE",
      optional: true,
      help: "Only what came longer ago than that (12h, 30d, 8w)",
    },
    json: JSON_OPTION,
    quiet: QUIET,
  },
  examples: [
    {
      line: "lockstep trash empty --trash ./trash --older-than 30d",
      meaning: "keep the last month",
    },
  ],
} as const satisfies CommandSpec;

/** The commands, by name. */
export const TRASH_COMMANDS = {
  "trash list": LIST,
  "trash restore": RESTORE,
  "trash empty": EMPTY,
} as const;
