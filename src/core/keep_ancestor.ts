/** An ancestor after a round in which not everything was carried out. */
import { type Change, isTouch } from "./change.ts";
import { type DirectoryEntry, type Entry, sortChildren } from "./entry.ts";
import { type Name, namesOf } from "./path.ts";

/**
 * `agreed`, but as `before` where one of `failed`, the changes of a side that were
 * not carried out, shows that it did not come true. An ancestor that is older than
 * it could be costs a conflict at worst, never an edit, as long as what was done since
 * is known to be the work of a run: see `announced.ts`.
 */
export function keepAncestor(
  agreed: DirectoryEntry,
  before: DirectoryEntry | undefined,
  failed: Iterable<Change>,
): DirectoryEntry {
  const top = new Mark();
  for (const change of failed) {
    let mark = top;
    for (const name of namesOf(change.path)) mark = mark.at(name);
    // A directory itself is on both sides; of what is in it each has its own say.
    if (isTouch(change) && change.old?.kind === "directory") {
      mark.isUntouched = true;
    } else mark.isUnchanged = true;
  }
  const kept = keepAt(agreed, before, top);
  return kept?.kind === "directory" ? kept : agreed;
}

/** What did not come true at a path, and below it. */
class Mark {
  isUnchanged = false;
  isUntouched = false;
  readonly below = new Map<Name, Mark>();

  at(name: Name): Mark {
    let mark = this.below.get(name);
    if (mark === undefined) {
      mark = new Mark();
      this.below.set(name, mark);
    }
    return mark;
  }
}

function keepAt(
  agreed: Entry | undefined,
  before: Entry | undefined,
  { isUnchanged, isUntouched, below }: Mark,
): Entry | undefined {
  if (isUnchanged) return before;
  if (agreed?.kind !== "directory") return agreed;
  const old = before?.kind === "directory" ? before : undefined;
  const children = new Map(agreed.children);
  for (const [name, mark] of below) {
    const kept = keepAt(children.get(name), old?.children.get(name), mark);
    if (kept === undefined) children.delete(name);
    else children.set(name, kept);
  }
  const own = isUntouched && old !== undefined ? old : agreed;
  const { mode, mtime } = own;
  const ordered = sortChildren(children);
  return { ...agreed, mode, mtime, children: ordered, digest: undefined };
}
