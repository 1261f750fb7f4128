/**
 * A problem: one path could not be read, staged or changed. Problems are
 * returned, never thrown: one unreadable file does not stop a run.
 */
import type { RelPath } from "./path.ts";

/** What kind of failure it was; decides whether another round may help. */
export type ProblemCode =
  /** The entry was changed by somebody while we worked: the next round looks again. */
  | "stale"
  /** It could not be read at the source. */
  | "unreadable"
  /** The target could not carry the change out. */
  | "failed"
  /** It takes no part: special file, mount point, name that is not UTF-8 … */
  | "skipped"
  /** Something at the target that must not be touched stands in the way. */
  | "blocked"
  /** What stood there was changed while it was replaced: it is kept elsewhere. */
  | "kept";

/** One path that was left out, and why. */
export interface Problem {
  /** What was left out. */
  readonly path: RelPath;
  /** What kind of failure it was. */
  readonly code: ProblemCode;
  /** For people, on one line. */
  readonly message: string;
}
