/**
 * What a two-way run says it is about to do, before it does it, so that the next one
 * can tell its work from that of somebody else where it breaks off in the middle.
 *
 * Without that, what it did looks like an edit of the side at which it did it. Of a
 * file that beta had deleted, and alpha has lost for that reason, alpha would seem to
 * be the one that has deleted it; and where somebody has put it back at beta
 * meanwhile, just as it was, it would be deleted there.
 */
import { type Change, isTouch } from "./change.ts";
import { SIDES, type TwoWaySide } from "./conflict.ts";
import { isSameVersion } from "./edits.ts";
import {
  type DirectoryEntry,
  type Entry,
  isTracked,
  type TrackedEntry,
} from "./entry.ts";
import { TreeEdit } from "./edit_tree.ts";
import { join, type RelPath } from "./path.ts";
import { entryAt } from "./snapshot.ts";

/** One thing that a run is about to do. */
export interface Announced {
  readonly side: TwoWaySide;
  readonly path: RelPath;
  /** What is to be there afterwards; undefined: nothing. */
  readonly new: TrackedEntry | undefined;
}

/**
 * Those of `changes` that change what both sides may have agreed on: what takes
 * something away, and what comes back to a side that has deleted it.
 * @param ancestor What they have agreed on.
 */
export function announcedOf(
  ancestor: DirectoryEntry,
  changes: Readonly<Record<TwoWaySide, readonly Change[]>>,
): readonly Announced[] {
  const announced: Announced[] = [];
  for (const side of SIDES) {
    for (const change of changes[side]) {
      const { path, old, new: wanted } = change;
      if (isTouch(change)) continue;
      if (old !== undefined) announced.push({ side, path, new: wanted });
      else if (wanted !== undefined) {
        const before = entryAt(ancestor, path);
        announced.push(...comingBack({ side, path, new: wanted }, before));
      }
    }
  }
  return announced;
}

/** What comes back where `before` was; of a directory only what is in both. */
function* comingBack(
  { side, path, new: wanted }: Announced & { readonly new: TrackedEntry },
  before: Entry | undefined,
): Generator<Announced> {
  if (before === undefined) return;
  if (before.kind !== "directory" || wanted.kind !== "directory") {
    return yield { side, path, new: wanted };
  }
  for (const [name, child] of wanted.children) {
    if (!isTracked(child)) continue;
    const at = join(path, name);
    yield* comingBack(
      { side, path: at, new: child },
      before.children.get(name),
    );
  }
}

/**
 * `ancestor` as it is worth something after a run that may have broken off while it
 * did what it has `announced`. What was done is what both agree on; what was not
 * leaves things as they were; and of what is neither nothing is known any more, so
 * that nobody's version of it is given up.
 * @param roots What both sides have now, with the digests of all files.
 */
export function afterBreak(
  ancestor: DirectoryEntry,
  announced: readonly Announced[],
  roots: Readonly<Record<TwoWaySide, DirectoryEntry>>,
): DirectoryEntry {
  const edit = new TreeEdit(ancestor, true);
  for (const { side, path, new: wanted } of announced) {
    const there = entryAt(roots[side], path);
    if (isSame(there, entryAt(ancestor, path))) continue;
    if (wanted === undefined || !isSame(there, wanted)) edit.remove(path);
    else edit.put(path, wanted);
  }
  return edit.finish();
}

function isSame(a: Entry | undefined, b: Entry | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return isTracked(a) && isTracked(b) && isSameVersion(a, b);
}
