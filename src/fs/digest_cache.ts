/**
 * Digests of files that were read before, so that unchanged files are not read
 * again. A file is unchanged if path, size, mtime, ctime and inode are what they
 * were when it was read, and it was not read so soon after a change that another
 * one could hide behind the same times.
 */
import type { Digest, DirectoryEntry } from "../core/entry.ts";
import type { RelPath } from "../core/path.ts";
import type { Stat } from "./file_system.ts";

/** Times may be kept to the second only, and a clock may lag by a tick. */
const RACY_MS = 2_000;

/** What a scan asks, and tells, of the files of one tree. */
export interface DigestCache {
  /** The time of day, in milliseconds; to be asked for before a file is read. */
  now(): number;
  /** The digest of the file at `path`, if it still is what was read once. */
  get(path: RelPath, stat: Stat): Digest | undefined;
  /**
   * Remembers what was read.
   * @param stat After the last read, and before the first one.
   * @param readAt When reading began.
   */
  put(path: RelPath, stat: Stat, digest: Digest, readAt: number): void;
  /** A scan is through; what is not in `root` any more may be forgotten. */
  finish(root: DirectoryEntry): void;
  close(): void;
}

/**
 * Whether a file with this `stat`, read from `readAt` on, may have been changed
 * afterwards without a trace in its times. A time in the future tells nothing of
 * when it was set, but a change now would show in it.
 */
export function isRacy({ mtime, ctime }: Stat, readAt: number): boolean {
  return Math.abs(readAt - mtime) < RACY_MS || readAt - ctime < RACY_MS;
}
