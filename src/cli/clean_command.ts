/** `clean`: its options, and what help says of it. */
import type { CommandSpec } from "./command_spec.ts";
import { JSON_OPTION, QUIET } from "./option_groups.ts";

export const CLEAN = {
  summary: "Remove what broken-off runs have left in a directory",
  description:
    "Removes content that was received in DIR and never put in place. A run that\n" +
    "comes back would go on with it; runs at DIR remove it when it is 7 days old.\n" +
    "What a killed run had taken out of its place is put back first; what is in\n" +
    ".lockstep/kept or a trash stays.",
  impliedBy: [],
  positional: {
    property: "dir",
    label: "DIR",
    help: "The directory that was written to",
  },
  options: {
    dryRun: {
      long: "dry-run",
      short: "n",
      kind: "flag",
      help: "Only say what would be removed",
    },
    json: JSON_OPTION,
    quiet: QUIET,
  },
  examples: [
    {
      line: "lockstep clean ./copy --dry-run",
      meaning: "look how much it is",
    },
  ],
} as const satisfies CommandSpec;
