/**
 * What a list of changes means for each single path, and why: for people who
 * want to know before it happens.
 */
import { type Change, isIdle, isTouch } from "./change.ts";
import {
  entriesBelow,
  type FileEntry,
  type Owner,
  sameOwner,
  type TrackedEntry,
} from "./entry.ts";
import type { RelPath } from "./path.ts";

/**
 * The main reason why something is done at a path; where several hold, the
 * first in this list that does. Times are in milliseconds since 1970.
 */
export type Reason =
  /** There is nothing at the target. */
  | { readonly kind: "new" }
  /** There is nothing at the source. */
  | { readonly kind: "extra" }
  /** They are of different kinds. */
  | {
    readonly kind: "kind";
    readonly from: TrackedEntry["kind"];
    readonly to: TrackedEntry["kind"];
  }
  /** The links point elsewhere. */
  | { readonly kind: "target"; readonly from: string; readonly to: string }
  /** The files differ in size, in bytes. */
  | { readonly kind: "size"; readonly from: number; readonly to: number }
  /** The files have equal sizes and different digests. */
  | { readonly kind: "content" }
  /** Equal sizes, but the file at the source was modified later. */
  | { readonly kind: "newer"; readonly from: number; readonly to: number }
  /** Equal sizes, but the file at the source was modified earlier. */
  | { readonly kind: "older"; readonly from: number; readonly to: number }
  /** Only the permission bits differ, and perhaps the time. */
  | { readonly kind: "mode"; readonly from: number; readonly to: number }
  /** Only the owner or the group differs, and perhaps the time. */
  | { readonly kind: "owner"; readonly from: Owner; readonly to: Owner }
  /** Only the time of the last modification differs. */
  | { readonly kind: "time"; readonly from: number; readonly to: number };

/** What is done at one path. */
export interface Action {
  /** What it is done to. */
  readonly path: RelPath;
  /** "touch" sets only mode and mtime. */
  readonly action: "create" | "replace" | "touch" | "delete";
  /** Of what is there afterwards; of what was there, where it is deleted. */
  readonly kind: TrackedEntry["kind"];
  /** Why. */
  readonly reason: Reason;
  /** Of content that the target needs for it. */
  readonly bytes: number;
  /** What is there now; what a directory holds has actions of its own. */
  readonly old: TrackedEntry | undefined;
  /** What shall be there. */
  readonly new: TrackedEntry | undefined;
}

/**
 * One action for each path that `changes` alter, in their order; a directory
 * that comes or goes is followed by all that it holds. A directory whose mode
 * and mtime are only set back, because of what happens in it, has none.
 * @param changes Without entries that take no part, as `diff` makes them.
 */
export function* actionsOf(
  changes: Iterable<Change>,
  options: { readonly modes: boolean },
): Generator<Action> {
  for (const change of changes) {
    const { path, old, new: wanted } = change;
    if (isIdle(change, options.modes)) continue;
    if (old !== undefined && wanted !== undefined) {
      yield differenceOf(change, old, wanted, options.modes);
      if (isTouch(change)) continue;
    }
    if (wanted === undefined) yield deletion(path, old!);
    else if (old === undefined) yield creation(path, wanted);
    // At most one of the two is a directory.
    for (const [at, entry] of entriesBelow(path, old)) {
      yield deletion(at, entry as TrackedEntry);
    }
    for (const [at, entry] of entriesBelow(path, wanted)) {
      yield creation(at, entry as TrackedEntry);
    }
  }
}

function creation(path: RelPath, entry: TrackedEntry): Action {
  return {
    path,
    action: "create",
    kind: entry.kind,
    reason: { kind: "new" },
    bytes: entry.kind === "file" ? entry.size : 0,
    old: undefined,
    new: entry,
  };
}

function deletion(path: RelPath, entry: TrackedEntry): Action {
  return {
    path,
    action: "delete",
    kind: entry.kind,
    reason: { kind: "extra" },
    bytes: 0,
    old: entry,
    new: undefined,
  };
}

function differenceOf(
  change: Change,
  old: TrackedEntry,
  wanted: TrackedEntry,
  modes: boolean,
): Action {
  const isOnlyTouch = isTouch(change);
  return {
    path: change.path,
    action: isOnlyTouch ? "touch" : "replace",
    kind: wanted.kind,
    reason: reasonFor(old, wanted, { isTouch: isOnlyTouch, modes }),
    bytes: wanted.kind === "file" && !isOnlyTouch ? wanted.size : 0,
    old,
    new: wanted,
  };
}

function reasonFor(
  old: TrackedEntry,
  wanted: TrackedEntry,
  options: { readonly isTouch: boolean; readonly modes: boolean },
): Reason {
  if (old.kind === "symlink" && wanted.kind === "symlink") {
    const { target: from } = old;
    const { target: to } = wanted;
    return from === to
      ? metadataReason(old, wanted)
      : { kind: "target", from, to };
  }
  if (
    old.kind !== wanted.kind || old.kind === "symlink" ||
    wanted.kind === "symlink"
  ) return { kind: "kind", from: old.kind, to: wanted.kind };
  if (!options.isTouch && old.kind === "file" && wanted.kind === "file") {
    return contentReason(old, wanted);
  }
  if (options.modes && old.mode !== wanted.mode) {
    return { kind: "mode", from: old.mode, to: wanted.mode };
  }
  return metadataReason(old, wanted);
}

/** Why two files are not taken to hold the same bytes. */
function contentReason(old: FileEntry, wanted: FileEntry): Reason {
  if (old.size !== wanted.size) {
    return { kind: "size", from: old.size, to: wanted.size };
  }
  if (old.digest !== undefined && wanted.digest !== undefined) {
    return { kind: "content" };
  }
  const { mtime: from } = old;
  const { mtime: to } = wanted;
  return { kind: to > from ? "newer" : "older", from, to };
}

function metadataReason(old: TrackedEntry, wanted: TrackedEntry): Reason {
  if (old.owner && wanted.owner && !sameOwner(old, wanted)) {
    return { kind: "owner", from: old.owner, to: wanted.owner };
  }
  return { kind: "time", from: old.mtime, to: wanted.mtime };
}
