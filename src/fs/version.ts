/** Whether an entry still is what a scan saw. */
import type { Entry } from "../core/entry.ts";
import type { Stat } from "./file_system.ts";

/** How strictly {@link isSameVersion} looks. */
export interface VersionCheck {
  /** Do not look at ctime: it moved for a reason of ours. */
  readonly ignoreCtime?: boolean;
}

/**
 * Whether `stat` shows the version of the entry that a scan of the same file
 * system saw as `entry`. For a directory only the kind counts: what is in it has
 * versions of its own.
 */
export function isSameVersion(
  entry: Entry,
  stat: Stat,
  check: VersionCheck = {},
): boolean {
  switch (entry.kind) {
    case "file":
      return stat.kind === "file" && stat.size === entry.size &&
        stat.mtime === entry.mtime &&
        (entry.inode === undefined || stat.inode === entry.inode) &&
        (entry.ctime === undefined || stat.ctime === entry.ctime ||
          check.ignoreCtime === true);
    case "symlink":
      return stat.kind === "symlink" && stat.mtime === entry.mtime;
    case "directory":
      return stat.kind === "directory";
    case "untracked":
    case "problem":
      return false;
    default:
      return entry satisfies never;
  }
}
