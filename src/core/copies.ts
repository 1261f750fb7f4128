/** Planned files of which a tree may have the content already, at another path. */
import { type Change, filesOf, isTouch } from "./change.ts";
import {
  type DirectoryEntry,
  entriesBelow,
  type Entry,
  type FileEntry,
} from "./entry.ts";
import { type RelPath, ROOT } from "./path.ts";

/**
 * For files of less than so many bytes together only what is to be deleted is
 * looked at, where renames come from: they are not worth a look at a whole tree.
 */
const MIN_WALK_BYTES = 64 * 1024;

/** A file that is there. */
export interface FileThere {
  readonly path: RelPath;
  readonly entry: FileEntry;
}

/**
 * For files that `changes` need, by their numbers in `filesOf`, the file of the tree
 * `root` that has the same key, as far as there is one. What is deleted is preferred.
 * @param keyOf What equal files have in common; undefined: it is like no other.
 */
export function findCopies(
  changes: readonly Change[],
  root: DirectoryEntry,
  keyOf: (entry: FileEntry) => string | undefined,
): Map<number, FileThere> {
  const copies = new Map<number, FileThere>();
  if (root.children.size === 0) return copies;
  const keyIn = (entry: FileEntry): string | undefined =>
    entry.size === 0 ? undefined : keyOf(entry);
  const found = new Map<string, FileThere | undefined>();
  let bytes = 0;
  for (const { entry } of filesOf(changes)) {
    const key = keyIn(entry);
    if (key === undefined) continue;
    found.set(key, undefined);
    bytes += entry.size;
  }
  let missing = found.size;
  const offer = (path: RelPath, entry: Entry): void => {
    if (entry.kind !== "file") return;
    const key = keyIn(entry);
    const isWanted = key !== undefined && found.has(key);
    if (!isWanted || found.get(key) !== undefined) return;
    missing--;
    found.set(key, { path, entry });
  };
  if (missing > 0) {
    for (const [path, entry] of deletedEntries(changes)) offer(path, entry);
  }
  if (missing > 0 && bytes >= MIN_WALK_BYTES) {
    for (const [path, entry] of entriesBelow(ROOT, root)) {
      offer(path, entry);
      if (missing === 0) break;
    }
  }
  for (const { index, entry } of filesOf(changes)) {
    const key = keyIn(entry);
    const there = key === undefined ? undefined : found.get(key);
    if (there !== undefined) copies.set(index, there);
  }
  return copies;
}

/** What `changes` take away or replace, with all that is in it. */
function* deletedEntries(
  changes: readonly Change[],
): Generator<readonly [RelPath, Entry]> {
  for (const change of changes) {
    const { path, old } = change;
    if (old === undefined || isTouch(change)) continue;
    yield [path, old];
    if (old.kind === "directory") yield* entriesBelow(path, old);
  }
}
