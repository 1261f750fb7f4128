/** Planned files of which a tree may have the content already, at another path. */
import { type Change, isTouch, type PlannedFile } from "./change.ts";
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
 * For `files`, by their numbers, the file of the tree `root` that has the same key,
 * as far as there is one. What `changes` delete is preferred.
 * @param keyOf What equal files have in common; undefined: it is like no other.
 */
export function findCopies(
  files: readonly PlannedFile[],
  changes: readonly Change[],
  root: DirectoryEntry,
  keyOf: (entry: FileEntry) => string | undefined,
): Map<number, FileThere> {
  const found = new Map<string, FileThere | undefined>();
  let bytes = 0;
  for (const { entry } of files) {
    const key = entry.size === 0 ? undefined : keyOf(entry);
    if (key === undefined) continue;
    found.set(key, undefined);
    bytes += entry.size;
  }
  let missing = found.size;
  const offer = (path: RelPath, entry: Entry): void => {
    if (entry.kind !== "file") return;
    const key = keyOf(entry);
    if (key === undefined || !found.has(key)) return;
    if (found.get(key) === undefined) missing--;
    else return;
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
  const copies = new Map<number, FileThere>();
  for (const { index, entry } of files) {
    const key = entry.size === 0 ? undefined : keyOf(entry);
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
