/** Which changes are to be carried out now, while others rest. */
import { type Change, isIdle, isTouch } from "../core/change.ts";
import { parentOf, type RelPath } from "../core/path.ts";

/** How {@link awakeChanges} decides. */
export interface AwakeOptions {
  /** Whether a path is left alone for now. */
  readonly isResting: (path: RelPath) => boolean;
  /** Whether mode bits count. */
  readonly modes: boolean;
}

/**
 * Those of `changes`, as `diff` lists them, that do not rest. A directory gets its
 * mode and mtime wherever something is carried out in it, though it may rest itself:
 * nobody would notice later that it was dated anew. It does not get them only
 * because of what rests in it, or was left out of `changes` before.
 */
export function awakeChanges(
  changes: readonly Change[],
  { isResting, modes }: AwakeOptions,
): readonly Change[] {
  const altered = new Set<RelPath | undefined>();
  for (const change of changes) {
    const { path } = change;
    if (!isTouch(change) && !isResting(path)) altered.add(parentOf(path));
  }
  return changes.filter((change) => {
    const { path, old } = change;
    if (isTouch(change) && old?.kind === "directory" && altered.has(path)) {
      return true;
    }
    return !isResting(path) && !isIdle(change, modes);
  });
}
