/**
 * What was done at each single path, as the operation log has it: one operation
 * for each path, made from changes that were achieved, never from planned ones.
 */
import { type Change, sameContent } from "./change.ts";
import {
  type Digest,
  type DirectoryEntry,
  type FileEntry,
  sameOwner,
  type TrackedEntry,
} from "./entry.ts";
import { parentOf, type RelPath } from "./path.ts";
import type { Move } from "./moves.ts";
import { type Action, actionsOf } from "./plan.ts";
import { entryAt } from "./snapshot.ts";
import { knownDigest } from "./suspects.ts";

/** Names of operations. */
export const OPERATION_NAMES = [
  /** Something new came. */
  "create",
  /** Content, kind or link target changed. */
  "modify",
  /** What was at the target under another name has this one now. */
  "move",
  /** What the source does not have went. */
  "delete",
  /** What was changed or had vanished at the target alone is as it was. */
  "restore",
  /** Only mode, owner or time changed. */
  "touch",
] as const;

/** One of {@link OPERATION_NAMES}. */
export type OperationName = (typeof OPERATION_NAMES)[number];

/** What was done at one path of the target. */
export interface Operation {
  readonly name: OperationName;
  readonly path: RelPath;
  /** Where it came from; there for "move". */
  readonly from?: RelPath;
  /** Of what is there now; of what was there, where it was deleted. */
  readonly kind: TrackedEntry["kind"];
  /** The file that is there now; undefined for all else. */
  readonly file: FileEntry | undefined;
  /** SHA-256 of the content of a file, where it is known. */
  readonly digest: Digest | undefined;
  /** Whether it took the content of a file: not where only mode and time are set. */
  readonly carried: boolean;
}

/** The source at the end of an earlier round, and where the target differed. */
export interface EarlierRound {
  readonly root: DirectoryEntry;
  /** Paths that had been left out; what is below them is in doubt as well. */
  readonly leftOut: ReadonlySet<RelPath>;
}

/** What was moved, as it is at its new path. */
export type Moved = Pick<Move, "from" | "to" | "entry">;

/** What {@link operationsOf} goes by. */
export interface OperationContext {
  /** What was moved before anything else was done; nothing unless said. */
  readonly moves?: readonly Moved[];
  /** Whether mode bits count. */
  readonly modes: boolean;
  /** Without it nothing is known to be restored. */
  readonly earlier?: EarlierRound | undefined;
}

/**
 * One operation for each move, and for each path that `achieved` altered, in
 * their order; see `actionsOf`. What is in a directory moves with it.
 */
export function* operationsOf(
  achieved: Iterable<Change>,
  { modes, earlier, moves = [] }: OperationContext,
): Generator<Operation> {
  for (const { from, to: path, entry } of moves) {
    const file = entry.kind === "file" ? entry : undefined;
    const { kind } = entry;
    const digest = digestOf(entry);
    yield { name: "move", path, from, kind, file, digest, carried: false };
  }
  for (const action of actionsOf(achieved, { modes })) {
    const { path, kind, old, new: wanted } = action;
    const file = wanted?.kind === "file" ? wanted : undefined;
    const digest = digestOf(wanted ?? old);
    const carried = file !== undefined && action.action !== "touch";
    const name = nameFor(action, earlier);
    yield { name, path, kind, file, digest, carried };
  }
}

const NAMES = {
  create: "create",
  replace: "modify",
  touch: "touch",
  delete: "delete",
} as const satisfies Record<Action["action"], OperationName>;

function nameFor(
  { action, path, new: wanted }: Action,
  earlier: EarlierRound | undefined,
): OperationName {
  // The time of a directory follows what happens in it, at either side.
  const isOwn = action !== "touch" || wanted?.kind !== "directory";
  return isOwn && wanted !== undefined && wasThere(earlier, path, wanted)
    ? "restore"
    : NAMES[action];
}

/** Whether both sides had `wanted` at `path` at the end of an earlier round. */
function wasThere(
  earlier: EarlierRound | undefined,
  path: RelPath,
  wanted: TrackedEntry,
): boolean {
  if (earlier === undefined) return false;
  const before = entryAt(earlier.root, path);
  if (before === undefined || !isSame(before as TrackedEntry, wanted)) {
    return false;
  }
  let at: RelPath | undefined = path;
  while (at !== undefined) {
    if (earlier.leftOut.has(at)) return false;
    at = parentOf(at);
  }
  return true;
}

/** Whether the source had the same entry both times; what it holds is not asked. */
function isSame(before: TrackedEntry, now: TrackedEntry): boolean {
  if (before.kind === "symlink" && now.kind === "symlink") {
    return before.target === now.target && before.mtime === now.mtime &&
      sameOwner(before, now);
  }
  if (before.kind === "directory" && now.kind === "directory") return true;
  return before.kind === "file" && now.kind === "file" &&
    sameContent(before, now) && before.mtime === now.mtime &&
    before.mode === now.mode && sameOwner(before, now);
}

function digestOf(entry: TrackedEntry | undefined): Digest | undefined {
  return entry?.kind === "file" ? knownDigest(entry) : undefined;
}
