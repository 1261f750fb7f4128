/** Opening files as a scan saw them. */
import { type Name, nameOf, parentOf, type RelPath } from "../core/path.ts";
import type { FileEntry } from "../core/entry.ts";
import type { DirectoryCursor } from "./directory_cursor.ts";
import type { Directory, ReadableFile } from "./file_system.ts";
import { isSameVersion } from "./version.ts";

/**
 * Times are kept to the tick of the system's clock (up to 10 ms) and read to the
 * millisecond: what is written so soon after a change may not show in the mtime.
 */
const RACY_MS = 25;

/** An open file; whoever opened it closes it. */
export interface SeenFile {
  readonly file: ReadableFile;
  close(): void;
}

/**
 * Opens the file at `path`, if it still is what the scan saw as `entry`.
 * @param follow Whether a link is followed to the file.
 * @throws {FileSystemError} `not-found`, `denied` …
 */
export async function openSeen(
  cursor: DirectoryCursor,
  path: RelPath,
  entry: FileEntry,
  follow: boolean,
): Promise<SeenFile | undefined> {
  const parent = await cursor.at(parentOf(path)!);
  const found = follow
    ? await locate(parent, nameOf(path))
    : { directory: parent, name: nameOf(path), owned: undefined };
  let file: ReadableFile | undefined;
  let keep = false;
  try {
    file = await found.directory.openFile(found.name);
    keep = isSameVersion(entry, await file.stat());
    if (!keep) return undefined;
    const opened = file;
    const close = (): void => {
      opened.close();
      found.owned?.close();
    };
    return { file, close };
  } finally {
    if (!keep) {
      file?.close();
      found.owned?.close();
    }
  }
}

/** A file, found through a link or not. */
export interface Located {
  readonly directory: Directory;
  readonly name: Name;
  /** The directory, where it was opened for this file and has to be closed. */
  readonly owned: Directory | undefined;
}

/** Where the file `name` of `parent` is, if it is a link. */
export async function locate(parent: Directory, name: Name): Promise<Located> {
  const stat = await parent.lookup(name);
  if (stat?.kind !== "symlink") {
    return { directory: parent, name, owned: undefined };
  }
  const { directory, name: found } = await parent.follow(name);
  // A directory now, where the scan saw a file: reading it will say so.
  return found === undefined
    ? { directory: parent, name, owned: directory }
    : { directory, name: found, owned: directory };
}

/**
 * Waits until whoever may be writing to `entry` would leave a trace: read at once,
 * a later write could go unseen. Undefined where there is nothing to wait for.
 */
export function settled(entry: FileEntry): Promise<void> | undefined {
  if (!isFresh(entry)) return undefined;
  const age = Date.now() - entry.mtime;
  return new Promise((resolve) => setTimeout(resolve, RACY_MS - age));
}

/** Whether a write to `entry`, now, could leave no trace. */
export function isFresh({ mtime }: FileEntry): boolean {
  const age = Date.now() - mtime;
  return age >= 0 && age < RACY_MS;
}
