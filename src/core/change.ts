/**
 * A change: what stands at a path, and what shall stand there.
 *
 * - `old` undefined: create; a directory comes with all its children.
 * - `new` undefined: delete; `old` is all that the scan saw there.
 * - both directories: only mode and mtime of the directory itself; what is in
 *   it has changes of its own.
 * - both files with the same content: only mode and mtime.
 * - else: replace.
 */
import {
  type DirectoryEntry,
  entriesBelow,
  type Entry,
  type FileEntry,
  sameOwner,
  type Totals,
  totalsOf,
  type TrackedEntry,
} from "./entry.ts";
import type { RelPath } from "./path.ts";

/** One step from a tree to another. */
export interface Change {
  readonly path: RelPath;
  readonly old: TrackedEntry | undefined;
  readonly new: TrackedEntry | undefined;
}

/** A file whose content a list of changes asks for. */
export interface PlannedFile {
  /** Number of the file in {@link filesOf} the changes, from 0. */
  readonly index: number;
  readonly path: RelPath;
  readonly entry: FileEntry;
}

/** Counts over a list of changes. */
export interface ChangeTotals {
  /** Entries to create, of any kind. */
  readonly created: number;
  /** Entries whose content, kind or link target changes. */
  readonly replaced: number;
  /** Entries of which only mode or mtime change. */
  readonly touched: number;
  /** Entries to delete, of any kind. */
  readonly deleted: number;
  /** Entries that get another path; a directory counts once, with all in it. */
  readonly moved: number;
  /** Files whose content is needed, and their bytes. */
  readonly files: number;
  readonly bytes: number;
}

/** Nothing is changed. */
export const NO_CHANGES: ChangeTotals = {
  created: 0,
  replaced: 0,
  touched: 0,
  deleted: 0,
  moved: 0,
  files: 0,
  bytes: 0,
};

/** The counts of both. */
export function addChanges(a: ChangeTotals, b: ChangeTotals): ChangeTotals {
  return {
    created: a.created + b.created,
    replaced: a.replaced + b.replaced,
    touched: a.touched + b.touched,
    deleted: a.deleted + b.deleted,
    moved: a.moved + b.moved,
    files: a.files + b.files,
    bytes: a.bytes + b.bytes,
  };
}

/** Whether `totals` count anything. */
export function hasChanges(totals: ChangeTotals): boolean {
  const { created, replaced, touched, deleted, moved } = totals;
  return created + replaced + touched + deleted + moved > 0;
}

/**
 * Whether two files are taken to hold the same bytes: by digest where both have
 * one, else by size and mtime (the "quick check").
 */
export function sameContent(a: FileEntry, b: FileEntry): boolean {
  if (a.size !== b.size) return false;
  if (a.digest !== undefined && b.digest !== undefined) {
    return a.digest === b.digest;
  }
  return a.mtime === b.mtime;
}

/** Whether `change` sets only mode and mtime. */
export function isTouch(change: Change): boolean {
  const { old, new: wanted } = change;
  if (old === undefined || wanted === undefined) return false;
  if (old.kind === "directory") return wanted.kind === "directory";
  return old.kind === "file" && wanted.kind === "file" &&
    sameContent(old, wanted);
}

/**
 * Whether `change` only sets a directory's mode and mtime back to what they are,
 * because other changes in it will move them. Where `modes` is false, mode bits
 * do not count.
 */
export function isIdle(change: Change, modes: boolean): boolean {
  const { old, new: wanted } = change;
  return old?.kind === "directory" && wanted?.kind === "directory" &&
    old.mtime === wanted.mtime && (!modes || old.mode === wanted.mode) &&
    sameOwner(old, wanted);
}

/** Whether carrying `change` out needs the content of files. */
export function needsContent(
  change: Change,
): change is Change & { readonly new: TrackedEntry } {
  return change.new !== undefined && !isTouch(change);
}

/**
 * The files whose content `changes` ask for, numbered in order: change by
 * change, and within a new directory in name order, depth first. Both ends of
 * a session number them alike.
 */
export function* filesOf(changes: Iterable<Change>): Generator<PlannedFile> {
  let index = 0;
  for (const change of changes) {
    if (!needsContent(change)) continue;
    for (const [path, entry] of filesIn(change.path, change.new)) {
      yield { index: index++, path, entry };
    }
  }
}

/** How many files {@link filesOf} the changes has; no paths are made. */
export function countPlannedFiles(changes: Iterable<Change>): number {
  let sum = 0;
  for (const change of changes) {
    if (needsContent(change)) sum += countFiles(change.new);
  }
  return sum;
}

/** How many files {@link filesOf} finds in `entry`. */
export function countFiles(entry: Entry): number {
  if (entry.kind === "file") return 1;
  if (entry.kind !== "directory") return 0;
  let sum = 0;
  for (const child of entry.children.values()) sum += countFiles(child);
  return sum;
}

function* filesIn(
  path: RelPath,
  entry: Entry,
): Generator<[RelPath, FileEntry]> {
  if (entry.kind === "file") {
    yield [path, entry];
  } else if (entry.kind === "directory") {
    for (const [at, below] of entriesBelow(path, entry)) {
      if (below.kind === "file") yield [at, below];
    }
  }
}

/**
 * Counts what `changes` do, after so many moves; mode bits count unless `modes` is
 * false.
 */
export function totalsOfChanges(
  changes: Iterable<Change>,
  modes = true,
  moved = 0,
): ChangeTotals {
  let created = 0, replaced = 0, touched = 0, deleted = 0, files = 0, bytes = 0;
  for (const change of changes) {
    if (isIdle(change, modes)) continue;
    if (change.new === undefined) {
      deleted += countEntries(change.old);
    } else if (isTouch(change)) {
      touched++;
    } else {
      if (change.old === undefined) created += countEntries(change.new);
      else {
        // A kind that flips deletes what was below, and creates what comes below.
        replaced++;
        created += countEntries(change.new) - 1;
        deleted += countEntries(change.old) - 1;
      }
      for (const [, file] of filesIn(change.path, change.new)) {
        files++;
        bytes += file.size;
      }
    }
  }
  return { created, replaced, touched, deleted, moved, files, bytes };
}

/** `totals` of a tree after `changes`, or, with a `sign` of -1, before them. */
export function totalsAfter(
  totals: Totals,
  changes: readonly Change[],
  sign: 1 | -1 = 1,
): Totals {
  const sum = { ...totals };
  for (const { old, new: wanted } of changes) {
    if (old?.kind === "directory" && wanted?.kind === "directory") continue;
    for (const [entry, factor] of [[old, -sign], [wanted, sign]] as const) {
      const { directories, files, symlinks, bytes } = totalsOf(entry);
      sum.directories += factor * directories;
      sum.files += factor * files;
      sum.symlinks += factor * symlinks;
      sum.bytes += factor * bytes;
    }
  }
  return sum;
}

/** `directory` with its own mode and mtime, and nothing in it. */
export function shallow(directory: DirectoryEntry): DirectoryEntry {
  return { ...directory, children: new Map(), digest: undefined };
}

/** Counts `entry` itself and all below it; 0 where there is none. */
export function countEntries(entry: Entry | undefined): number {
  if (entry === undefined) return 0;
  if (entry.kind !== "directory") return 1;
  let sum = 1;
  for (const child of entry.children.values()) sum += countEntries(child);
  return sum;
}
