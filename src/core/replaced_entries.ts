/** What one snapshot of a side has that another, earlier one does not share. */
import type { DirectoryEntry, Entry } from "./entry.ts";
import { join, type RelPath, ROOT } from "./path.ts";

/**
 * Visits the entries of `now` that are not the same objects as in `before`, in
 * path order. Of a directory that is one in both, what is in it; of any other one,
 * only itself.
 * @param visit Also hears what was there before, if anything was.
 */
export function visitReplaced(
  before: DirectoryEntry,
  now: DirectoryEntry,
  visit: (path: RelPath, old: Entry | undefined, entry: Entry) => void,
): void {
  compare(ROOT, before, now);

  function compare(
    path: RelPath,
    before: DirectoryEntry,
    now: DirectoryEntry,
  ): void {
    if (before === now) return;
    for (const [name, entry] of now.children) {
      const old = before.children.get(name);
      if (old === entry) continue;
      const at = join(path, name);
      if (old?.kind === "directory" && entry.kind === "directory") {
        compare(at, old, entry);
      } else visit(at, old, entry);
    }
  }
}
