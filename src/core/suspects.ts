/** Files that look the same and may not be. */
import type { Digest, DirectoryEntry, Entry, FileEntry } from "./entry.ts";
import type { RelPath } from "./path.ts";
import { visitReplaced } from "./replaced_entries.ts";

/**
 * Paths at which `now` has a file of the same size and mtime as `before`, but not
 * the same one, or one that was changed: another file of that age took its place,
 * or its mtime was set back. Between two looks at one source that is known, where
 * two sides can only be compared by size and mtime.
 */
export function suspectsBetween(
  before: DirectoryEntry,
  now: DirectoryEntry,
): RelPath[] {
  const found: RelPath[] = [];
  visitReplaced(before, now, (path, old, entry) => {
    if (old !== undefined && isSuspect(old, entry)) found.push(path);
  });
  return found;
}

/** `file`, as one whose content is taken for another than that of {@link renewed}. */
export function doubted(file: FileEntry): FileEntry {
  return { ...file, digest: "0".repeat(64) };
}

/** No content has this digest. */
const RENEWED: Digest = "f".repeat(64);

/** `file`, as one whose content has to be sent, however equal it looks. */
export function renewed(file: FileEntry): FileEntry {
  return { ...file, digest: RENEWED };
}

/** What is known of the content of `file`; nothing if it is {@link renewed}. */
export function knownDigest({ digest }: FileEntry): Digest | undefined {
  return digest === RENEWED ? undefined : digest;
}

function isSuspect(old: Entry, entry: Entry): entry is FileEntry {
  if (old.kind !== "file" || entry.kind !== "file") return false;
  if (old.size !== entry.size || old.mtime !== entry.mtime) return false;
  if (old.digest !== undefined || entry.size === 0) return false;
  // A mode that was set moves the ctime, too.
  return old.inode !== entry.inode ||
    (old.ctime !== entry.ctime && old.mode === entry.mode);
}
