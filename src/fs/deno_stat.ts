/** Stat and metadata between Deno's form and that of {@link FileSystem}. */
import * as nodeFs from "node:fs";
import { fchmodSync, fchownSync, futimesSync, lutimesSync } from "node:fs";
import type { Owner } from "../core/entry.ts";
import type { Metadata, Stat } from "./file_system.ts";
import { canReachByHandle } from "./open_handles.ts";

/** Whether this system keeps permission bits. */
export const KEEPS_MODES = Deno.build.os !== "windows";

/** Up to here (the year 2106), a time in seconds can be raised by as little as 0.5 µs. */
const MAX_FINE_MS = 2 ** 32 * 1000;

/** What a {@link Stat} is made from. */
export type FileFacts = Pick<
  Deno.FileInfo,
  | "isFile"
  | "isDirectory"
  | "isSymlink"
  | "size"
  | "mtime"
  | "ctime"
  | "birthtime"
  | "mode"
  | "ino"
  | "dev"
  | "nlink"
  | "uid"
  | "gid"
>;

/** `info` as {@link Stat}. */
export function toStat(info: FileFacts): Stat {
  const { isFile, isDirectory, isSymlink } = info;
  const mtime = info.mtime?.getTime() ?? 0;
  return {
    kind: isFile
      ? "file"
      : isDirectory
      ? "directory"
      : isSymlink
      ? "symlink"
      : "special",
    size: isFile ? info.size : 0,
    // The time of a link before 1970 can't be set, so it is not read either.
    mtime: isSymlink && mtime < 0 ? 0 : mtime,
    ctime: info.ctime?.getTime() ?? 0,
    mode: KEEPS_MODES ? (info.mode ?? 0) & 0o777 : isDirectory ? 0o755 : 0o644,
    inode: info.ino ?? 0,
    generation: generationOf(info.birthtime),
    device: info.dev,
    links: info.nlink ?? 1,
    uid: info.uid ?? 0,
    gid: info.gid ?? 0,
  };
}

/**
 * The time of birth as a number that is small enough to take no memory of its own:
 * there is one for each entry. It comes again after 25 days, to the millisecond.
 */
function generationOf(birth: Date | null): number | undefined {
  return birth === null ? undefined : birth.getTime() % 2 ** 31 & 0x7fffffff;
}

/**
 * Sets mode and mtime of the open file or directory `fd`, which is at `path`.
 * `modeNow` is its mode where that is known, and is not set again.
 */
export function setOpenMetadata(
  fd: number,
  path: string,
  metadata: Metadata,
  modeNow?: number,
): void {
  setOpenOwner(fd, metadata.owner);
  if (KEEPS_MODES && metadata.mode !== modeNow) fchmodSync(fd, metadata.mode);
  setOpenTime(fd, path, metadata.mtime);
}

/** Gives the open file or directory `fd` to `owner`, if there is one. */
export function setOpenOwner(fd: number, owner: Owner | undefined): void {
  if (owner !== undefined) fchownSync(fd, owner.uid, owner.gid);
}

/**
 * Gives the link at `path` to `owner`, if there is one.
 * @throws {Deno.errors.NotSupported} In Deno before 2.9, which can't do that.
 */
export function setLinkOwner(path: string, owner: Owner | undefined): void {
  if (owner === undefined) return;
  const lchown: typeof nodeFs.lchownSync | undefined = nodeFs.lchownSync;
  if (lchown === undefined) throw new Deno.errors.NotSupported();
  lchown(path, owner.uid, owner.gid);
}

/** Sets the mtime of the open file or directory `fd`, which is at `path`. */
export function setOpenTime(fd: number, path: string, mtime: number): void {
  if (mtime >= 0 && mtime < MAX_FINE_MS) {
    const seconds = toSeconds(mtime);
    futimesSync(fd, seconds, seconds);
  } else {
    setTimeAt(aliasOf(fd, path), mtime);
  }
}

/** A path that leads to the open file `fd`: where the system has none, its `path`. */
export function aliasOf(fd: number, path: string): string {
  return canReachByHandle() ? `/proc/self/fd/${fd}` : path;
}

/** Sets the mtime of what is at `path`, following links. */
export function setTimeAt(path: string, mtime: number): void {
  const date = new Date(mtime);
  Deno.utimeSync(path, date, date);
}

/** Sets the mtime of the link at `path`; one before 1970 becomes 1970. */
export function setLinkTime(path: string, mtime: number): void {
  const seconds = toSeconds(Math.max(mtime, 0));
  lutimesSync(path, seconds, seconds);
}

/**
 * `mtime` in seconds for node:fs, which takes the fraction apart and cuts it off:
 * half of all milliseconds would come out one lower, so they are raised a little.
 */
function toSeconds(mtime: number): number {
  if (mtime % 1000 === 0) return mtime / 1000;
  return (mtime + (mtime < MAX_FINE_MS ? 0.0005 : 0.01)) / 1000;
}
