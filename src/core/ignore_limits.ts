/**
 * How many ignore rules there may be.
 *
 * | what                                | maximum   | unit           |
 * | ----------------------------------- | --------- | -------------- |
 * | rules given for a run               | 1,000     |                |
 * | all of these together               | 131,072   | bytes of UTF-8 |
 * | names of ignore files               | 16        |                |
 * | an ignore file                      | 1,048,576 | bytes          |
 * | rules in an ignore file             | 10,000    |                |
 * | a pattern                           | 4,096     | bytes          |
 */
import { SyncError } from "../errors.ts";

/** Most rules that a run may be given beside those in the tree. */
export const MAX_GIVEN_RULES = 1_000;

/** Most bytes of UTF-8 in all of them: they travel in one frame. */
export const MAX_GIVEN_RULES_BYTES = 128 * 1024;

/** Most names under which ignore files are looked for. */
export const MAX_IGNORE_FILES = 16;

/** Longest ignore file, in bytes. */
export const MAX_IGNORE_FILE_BYTES = 1024 * 1024;

/** Most rules in an ignore file. */
export const MAX_FILE_RULES = 10_000;

/** Longest pattern, in bytes. */
export const MAX_PATTERN_BYTES = 4_096;

/**
 * Fails unless `amount` is at most `most`; `what` names both, as in "bytes".
 * @throws {SyncError} `unsupported`; the message says what is too much of what.
 */
export function checkIgnoreLimit(
  where: string,
  amount: number,
  most: number,
  what: string,
): void {
  if (amount <= most) return;
  throw new SyncError(
    "unsupported",
    `Cannot use ${where}: ${amount} ${what}, at most ${most} are allowed`,
  );
}
