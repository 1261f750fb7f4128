/** Whether somebody edited an entry; only content counts, never a time. */
import { sameContent } from "./change.ts";
import { type Entry, isTracked } from "./entry.ts";

/** How {@link isUnedited} looks. */
export interface EditCheck {
  /** Another mode of a file is an edit as well. */
  readonly modes: boolean;
  /** What takes no part counts as an edit of the directory that holds it. */
  readonly strict: boolean;
}

/** Content alone decides. */
export const LOOSE: EditCheck = { modes: false, strict: false };

/**
 * Whether `there` holds nothing but what `before` held: no other content. What is
 * gone from a directory is no content that could be lost.
 */
export function isUnedited(
  before: Entry,
  there: Entry,
  check: EditCheck,
): boolean {
  switch (there.kind) {
    case "file":
      return before.kind === "file" && sameContent(before, there) &&
        (!check.modes || before.mode === there.mode);
    case "symlink":
      return before.kind === "symlink" && before.target === there.target;
    case "directory":
      if (before.kind !== "directory") return false;
      for (const [name, child] of there.children) {
        if (!isTracked(child) && !check.strict) continue;
        const was = before.children.get(name);
        if (was === undefined || !isUnedited(was, child, check)) return false;
      }
      return true;
    case "untracked":
    case "problem":
      return false;
    default:
      return there satisfies never;
  }
}

/** Whether both hold the same content, all the way down. */
export function isSameVersion(a: Entry, b: Entry): boolean {
  if (a.kind === "file") return b.kind === "file" && sameContent(a, b);
  if (a.kind === "symlink") {
    return b.kind === "symlink" && a.target === b.target;
  }
  if (a.kind !== "directory" || b.kind !== "directory") return false;
  if (a.children.size !== b.children.size) return false;
  for (const [name, child] of a.children) {
    const other = b.children.get(name);
    if (other === undefined || !isSameVersion(child, other)) return false;
  }
  return true;
}
