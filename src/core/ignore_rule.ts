/**
 * One ignore rule: what a pattern means. Syntax and meaning are those of git
 * (gitignore(5)), byte by byte.
 */
import { type ByteText, fromByteText } from "./byte_text.ts";
import { compileGlob, type Glob, type NameToken } from "./glob.ts";
import { tokenize } from "./glob_tokens.ts";
import { checkIgnoreLimit, MAX_PATTERN_BYTES } from "./ignore_limits.ts";
import { displayPath } from "./path.ts";
import { compilePath, type PathGlob } from "./path_glob.ts";

/** Where a rule was written. */
export interface RuleOrigin {
  /** The path of a file, or the option that gave the rule. */
  readonly file: string;
  /** From 1; undefined where there are no lines. */
  readonly line: number | undefined;
}

/** A compiled rule. One without `name` and `paths` matches nothing. */
export interface IgnoreRule {
  /** As written; what is not UTF-8 shows as U+FFFD. */
  readonly pattern: string;
  /** Where it was written. */
  readonly origin: RuleOrigin;
  /** Whether what matches is kept, against the rules before it. */
  readonly negated: boolean;
  /** Whether it ends in "/", and matches no file. */
  readonly directoriesOnly: boolean;
  /** For a pattern without a slash: what a name has to be, at any depth. */
  readonly name: Glob | undefined;
  /** Else: the paths from the rule's own directory, of which one has to match. */
  readonly paths: readonly PathGlob[];
}

/**
 * Compiles the pattern `written`.
 * @throws {SyncError} `unsupported`, if it is longer than a pattern may be.
 */
export function compileRule(written: ByteText, origin: RuleOrigin): IgnoreRule {
  checkIgnoreLimit(
    placeOf(origin),
    written.length,
    MAX_PATTERN_BYTES,
    "bytes in a pattern",
  );
  const negated = written.startsWith("!");
  const directoriesOnly = written.endsWith("/");
  const pattern = written.slice(
    negated ? 1 : 0,
    directoriesOnly ? -1 : undefined,
  );
  const isPath = pattern.includes("/");
  return {
    pattern: fromByteText(written),
    origin,
    negated,
    directoriesOnly,
    name: isPath ? undefined : compileName(pattern),
    paths: isPath ? compilePath(pattern.replace(/^\//, "")) : [],
  };
}

/** The origin for people. */
export function placeOf({ file, line }: RuleOrigin): string {
  const shown = displayPath(file);
  return line === undefined ? shown : `${shown} line ${line}`;
}

function compileName(pattern: ByteText): Glob | undefined {
  const tokens = tokenize(pattern, "name");
  // Without a slash in the pattern, there is no token of a path.
  return tokens && compileGlob(tokens as NameToken[]);
}
