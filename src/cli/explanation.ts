/** What `lockstep explain` says about a path. */
import type { IgnoreDecision } from "../core/ignore_tree.ts";
import { placeOf } from "../core/ignore_rule.ts";
import { displayPath, quote, type RelPath } from "../core/path.ts";

/** Whether a path takes part in a sync, and why. */
export interface Explanation {
  readonly path: RelPath;
  readonly isDirectory: boolean;
  /** What the rules say; undefined for what never takes part. */
  readonly decision: IgnoreDecision | undefined;
}

/** The explanation in a sentence. */
export function explanationText(
  { path, isDirectory, decision }: Explanation,
): string {
  const shown = displayPath(path) + (isDirectory && path !== "" ? "/" : "");
  if (decision === undefined) return `${shown}: Lockstep's own: never synced`;
  const { rule, ignored, at } = decision;
  if (rule === undefined) return `${shown}: no rule applies: it is synced`;
  const because = `${placeOf(rule.origin)}: ${quote(rule.pattern)}`;
  if (!ignored) return `${shown}: it is synced: ${because}`;
  return at === path
    ? `${shown}: it is left alone: ${because}`
    : `${shown}: it is left alone, as all in ${displayPath(at)}/: ${because}`;
}

/** The explanation for programs. */
export function explanationFields(
  { path, isDirectory, decision }: Explanation,
): Readonly<Record<string, unknown>> {
  const { rule, ignored = true, at = path } = decision ?? {};
  return {
    path,
    directory: isDirectory,
    synced: !ignored,
    at,
    pattern: rule?.pattern ?? null,
    file: rule?.origin.file ?? null,
    line: rule?.origin.line ?? null,
  };
}
