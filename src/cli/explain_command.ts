/** `explain`: its options, and what help says of it. */
import type { CommandSpec } from "./command_spec.ts";
import { EXCLUDE_OPTIONS, FROM, JSON_OPTION } from "./option_groups.ts";

export const EXPLAIN = {
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
      ...FROM,
      help: "Directory that would be synced",
    },
    ...EXCLUDE_OPTIONS,
    json: JSON_OPTION,
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
