/** The options of `sync` that decide what is compared, and so belong to a plan. */
import { MAX_GIVEN_RULES, MAX_IGNORE_FILES } from "../../core/ignore_limits.ts";
import type { IgnoreOptions, SymlinkPolicy } from "../../core/snapshot.ts";
import type { SyncOptions } from "../commands/sync_job.ts";

/** What a plan keeps of the options of `sync`. */
export interface ComparedOptions {
  readonly checksum: boolean;
  readonly symlinks: SymlinkPolicy;
  readonly noDelete: boolean;
  readonly owner: boolean;
  readonly ignore: IgnoreOptions;
}

/** For each of them, what it may be in a file. */
export const COMPARED_OPTIONS: {
  readonly [P in keyof ComparedOptions]: (value: unknown) => boolean;
} = {
  checksum: isFlag,
  symlinks: (value) => ["copy", "skip", "follow"].includes(value as string),
  noDelete: isFlag,
  owner: isFlag,
  ignore: (value) => {
    const { rules, files } = (value ?? {}) as Partial<IgnoreOptions>;
    return isTexts(rules, MAX_GIVEN_RULES) && isTexts(files, MAX_IGNORE_FILES);
  },
};

/** What `options` say about it. */
export function comparedOptionsOf(options: SyncOptions): ComparedOptions {
  const { checksum, symlinks, noDelete, owner, ignore } = options;
  return { checksum, symlinks, noDelete, owner, ignore };
}

function isTexts(value: unknown, most: number): boolean {
  return Array.isArray(value) && value.length <= most &&
    value.every((text) => typeof text === "string" && text !== "");
}

function isFlag(value: unknown): boolean {
  return typeof value === "boolean";
}
