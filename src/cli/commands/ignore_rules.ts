/** The ignore rules that a command line gives. */
import { toByteText } from "../../core/byte_text.ts";
import { parseIgnoreFile } from "../../core/ignore_file.ts";
import {
  checkIgnoreLimit,
  MAX_GIVEN_RULES,
  MAX_GIVEN_RULES_BYTES,
} from "../../core/ignore_limits.ts";
import { compileRule, type IgnoreRule } from "../../core/ignore_rule.ts";
import type { IgnoreOptions } from "../../core/snapshot.ts";
import { messageOf, SyncError, UsageError } from "../../errors.ts";
import { readOptionFile, unreadable } from "./option_file.ts";

/** The options that decide what is ignored. */
export interface ExcludeOptions {
  readonly exclude: readonly string[];
  readonly excludeFrom: readonly string[];
  readonly gitignore: boolean;
}

const EXCLUDE_FROM = "--exclude-from";

/** The rules with their origins: those of files first, so that `--exclude` wins. */
export function givenRules(options: ExcludeOptions): IgnoreRule[] {
  try {
    const rules = [
      ...options.excludeFrom.flatMap(rulesIn),
      ...options.exclude.map((pattern) =>
        compileRule(toByteText(pattern), { file: "--exclude", line: undefined })
      ),
    ];
    const where = "--exclude and --exclude-from";
    checkIgnoreLimit(where, rules.length, MAX_GIVEN_RULES, "rules");
    const bytes = rules.reduce(
      (sum, { pattern }) => sum + toByteText(pattern).length,
      0,
    );
    checkIgnoreLimit(where, bytes, MAX_GIVEN_RULES_BYTES, "bytes of rules");
    return rules;
  } catch (error) {
    if (!(error instanceof SyncError) || error instanceof UsageError) {
      throw error;
    }
    throw new UsageError(messageOf(error), { cause: error });
  }
}

/** Names of the ignore files in the tree that are honoured; the last one wins. */
export function ignoreFilesOf({ gitignore }: ExcludeOptions): string[] {
  return gitignore ? [".gitignore", ".syncignore"] : [".syncignore"];
}

/**
 * What a sync leaves out.
 * @throws {UsageError} If a file can't be read, or there are too many rules.
 */
export function ignoreOptionsOf(options: ExcludeOptions): IgnoreOptions {
  return {
    rules: givenRules(options).map(({ pattern }) => pattern),
    files: ignoreFilesOf(options),
  };
}

function rulesIn(path: string): IgnoreRule[] {
  const text = readOptionFile(EXCLUDE_FROM, path);
  // They travel as text, and a name that is not UTF-8 takes no part anyway.
  if (text.includes("\ufffd")) {
    throw unreadable(EXCLUDE_FROM, path, "it is not UTF-8");
  }
  return parseIgnoreFile(new TextEncoder().encode(text), path);
}
