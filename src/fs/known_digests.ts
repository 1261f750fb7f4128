/**
 * What a scan asks, and tells, of the content of files that were read before: an
 * unchanged file is not read again. A file is unchanged if its size, mtime, ctime
 * and inode are what they were when it was read, and it was not read so soon after
 * a change that another one could hide behind the same times.
 */
import type { Digest, DirectoryEntry } from "../core/entry.ts";
import type { RelPath } from "../core/path.ts";
import type { Stat } from "./file_system.ts";

/** Times may be kept to the second only, and a clock may lag by a tick. */
const RACY_MS = 2_000;

/** Where and when a file was read. */
export interface Reading {
  readonly path: RelPath;
  /** When reading began, as `now` had it. */
  readonly readAt: number;
}

/** Digests of the files of one tree. */
export interface KnownDigests {
  /** The time of day, in milliseconds; to be asked for before a file is read. */
  now(): number;
  /** A scan of the whole tree begins. */
  begin(): void;
  /** The digest of the file at `path`, if it still is what was read once. */
  get(stat: Stat, path: RelPath): Digest | undefined;
  /**
   * Remembers what was read.
   * @param stat After the last read, and before the first one.
   */
  set(stat: Stat, digest: Digest, reading: Reading): void;
  /** Nothing is looked at for a while: what was remembered is to last. */
  pause(): void;
  /** The scan is through; what is not in `root` any more may be forgotten. */
  finish(root: DirectoryEntry): void;
}

/**
 * Whether a file with this `stat`, read from `readAt` on, may have been changed
 * afterwards without a trace in its times. A time in the future tells nothing of
 * when it was set, but a change now would show in it.
 */
export function isRacy({ mtime, ctime }: Stat, readAt: number): boolean {
  return Math.abs(readAt - mtime) < RACY_MS || readAt - ctime < RACY_MS;
}
