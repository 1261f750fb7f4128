/** Which options of `sync` go with `--two-way`, and which do not. */
import { UsageError } from "../../errors.ts";
import type { OptionsOf } from "../args.ts";

/** What each of them would mean is not clear, or another thing. */
const EXCLUDED: readonly {
  readonly option: string;
  readonly isGiven: (options: OptionsOf<"sync">) => boolean;
  readonly reason: string;
}[] = [
  {
    option: "--checksum",
    isGiven: ({ checksum }) => checksum,
    reason: "it always compares content",
  },
  {
    option: "--no-delete",
    isGiven: ({ noDelete }) => noDelete,
    reason: "what is missing on one side would come back for ever",
  },
  {
    option: "--owner",
    isGiven: ({ owner }) => owner,
    reason: "owners stay as each side has them",
  },
  {
    option: "--symlinks follow",
    isGiven: ({ symlinks }) => symlinks === "follow",
    reason: "each side may be written to, and then links are never followed",
  },
  {
    option: "--no-state",
    isGiven: ({ noState }) => noState,
    reason: "it has to remember what both sides agreed on",
  },
  {
    option: "--trash",
    isGiven: ({ trash }) => trash !== undefined,
    reason: "it is for one target; a listener may have one of its own",
  },
  {
    option: "more than one --to",
    isGiven: ({ to }) => to !== undefined && to.length > 1,
    reason: "it keeps two directories equal",
  },
  {
    option: "--repair",
    isGiven: ({ repair }) => repair !== undefined,
    reason: "what changes on either side goes to the other",
  },
  {
    option: "--interval",
    isGiven: ({ interval }) => interval !== undefined,
    reason: "it runs once, or with --watch",
  },
  {
    option: "--log-file",
    isGiven: ({ logFile }) => logFile !== undefined,
    reason: "a log is of one target",
  },
  {
    option: "--on-change",
    isGiven: ({ onChange }) => onChange !== undefined,
    reason: "it is for one target; a listener may have one of its own",
  },
  {
    option: "--plan",
    isGiven: ({ plan }) => plan !== undefined,
    reason: "plans are for one direction",
  },
  {
    option: "--apply",
    isGiven: ({ apply }) => apply !== undefined,
    reason: "plans are for one direction",
  },
];

/** @throws {UsageError} If options make no sense together. */
export function checkTwoWay(options: OptionsOf<"sync">): void {
  if (!options.twoWay) {
    if (options.conflict === undefined) return;
    throw new UsageError("--conflict needs --two-way");
  }
  for (const { option, isGiven, reason } of EXCLUDED) {
    if (!isGiven(options)) continue;
    throw new UsageError(`--two-way does not go with ${option}: ${reason}`);
  }
}
