/** A tree at one moment, as one side saw it. */
import type { Digest, DirectoryEntry, Entry, Totals } from "./entry.ts";
import type { IgnoreTree } from "./ignore_tree.ts";
import { namesOf, type RelPath } from "./path.ts";
import type { Problem } from "./problem.ts";

/** What a scan saw. */
export interface Snapshot {
  readonly root: DirectoryEntry;
  /** Of all below the root, also where that was taken over from elsewhere. */
  readonly totals: Totals;
  /** What takes no part, or could not be read: each is named. */
  readonly problems: readonly Problem[];
  /** Of the ignore files that the scan went by (`ignore_digest.ts`); of none if absent. */
  readonly ignoreDigest?: Digest;
  /**
   * Directories that were not listed, as there is one with their digests at
   * another path of the other tree: something in them that takes no part would
   * not be known. Absent: there are none.
   */
  readonly presumed?: readonly RelPath[];
  /** All rules; absent for a tree at the other end, where nobody here knows them. */
  readonly ignoreTree?: IgnoreTree;
}

/** What takes no part because somebody says so. */
export interface IgnoreOptions {
  /** Patterns for the whole tree, in order; they win over those of files. */
  readonly rules: readonly string[];
  /** Names of ignore files that are honoured; of two in a directory the later wins. */
  readonly files: readonly string[];
}

/** Nothing is ignored. */
export const NO_IGNORE: IgnoreOptions = { rules: [], files: [] };

/** How two trees are to be looked at, so that their digests can be compared. */
export interface ScanOptions {
  /** Read all content and compare digests, not size and mtime. */
  readonly checksum: boolean;
  /** What becomes of symbolic links; a target never follows them. */
  readonly symlinks: SymlinkPolicy;
  /** Whether both file systems keep permission bits. */
  readonly modes: boolean;
  /** Whether owners are to be equal as well; not unless said. */
  readonly owners?: boolean;
  readonly ignore: IgnoreOptions;
}

/**
 * - `copy`: links are entries of their own.
 * - `skip`: links take no part.
 * - `follow`: the source sends what they point to in their place.
 */
export type SymlinkPolicy = "copy" | "skip" | "follow";

/** The entry at `path` in the tree `root`, or undefined. */
export function entryAt(root: Entry, path: RelPath): Entry | undefined {
  let entry: Entry | undefined = root;
  for (const name of namesOf(path)) {
    if (entry?.kind !== "directory") return undefined;
    entry = entry.children.get(name);
  }
  return entry;
}
