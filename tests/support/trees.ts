/** Small trees of the model, written as literals, and what can be done to them. */
import { assertEquals } from "@std/assert";
import type { Change } from "../../src/core/change.ts";
import { digestOfChildren } from "../../src/core/digest.ts";
import {
  type DirectoryEntry,
  type Entry,
  type FileEntry,
  isTracked,
  type ProblemEntry,
  sortChildren,
  type SymlinkEntry,
  type TrackedEntry,
  type UntrackedEntry,
  type UntrackedReason,
} from "../../src/core/entry.ts";
import {
  type Name,
  namesOf,
  parseName,
  parseRelPath,
  type RelPath,
} from "../../src/core/path.ts";

/** A directory; its children may be written in any order. */
export function directory(
  children: Readonly<Record<string, Entry>> = {},
  own: Partial<DirectoryEntry> = {},
): DirectoryEntry {
  const named = Object.entries(children).map(([name, entry]) =>
    [parseName(name), entry] as const
  );
  return {
    kind: "directory",
    mode: 0o755,
    mtime: 1_000,
    children: sortChildren(named),
    digest: undefined,
    ...own,
  };
}

/** A file of 1 byte, but for what `own` says. */
export function file(own: Partial<FileEntry> = {}): FileEntry {
  return {
    kind: "file",
    size: 1,
    mtime: 1_000,
    mode: 0o644,
    digest: undefined,
    ctime: undefined,
    inode: undefined,
    ...own,
  };
}

/** A symbolic link. */
export function symlink(target: string, mtime = 1_000): SymlinkEntry {
  return { kind: "symlink", target, mtime };
}

/** Something that takes no part. */
export function untracked(
  reason: UntrackedReason = "special-file",
): UntrackedEntry {
  return { kind: "untracked", reason };
}

/** Something that could not be read. */
export function problem(message = "Cannot read it"): ProblemEntry {
  return { kind: "problem", message };
}

/** A checked path. */
export function path(text: string): RelPath {
  return parseRelPath(text);
}

/** `root` with the digests of all its directories, its own included. */
export function digested(
  root: DirectoryEntry,
  modes = true,
): DirectoryEntry & { readonly digest: string } {
  const children = new Map<Name, Entry>();
  for (const [name, child] of root.children) {
    children.set(
      name,
      child.kind === "directory" ? digested(child, modes) : child,
    );
  }
  return { ...root, children, digest: digestOfChildren(children, modes) };
}

/** The mtime that {@link applyChanges} leaves on a directory whose names changed. */
const MOVED = -1;

/**
 * Carries `changes` out on a model of a disk, in order. As a disk does, it moves
 * the mtime of a directory in which a name comes, goes or is replaced.
 * @throws If a change does not start from what is there.
 */
export function applyChanges(
  root: DirectoryEntry,
  changes: Iterable<Change>,
): DirectoryEntry {
  let result = root;
  for (const change of changes) {
    const names = namesOf(change.path);
    const changed = applyAt(result, names, change);
    if (changed?.kind !== "directory") throw new Error("The root is gone");
    result = changed;
  }
  return result;
}

function applyAt(
  there: Entry | undefined,
  names: readonly Name[],
  change: Change,
): Entry | undefined {
  const [name, ...rest] = names;
  if (name === undefined) return carryOut(there, change);
  if (there?.kind !== "directory") {
    throw new Error(`No directory holds ${change.path}`);
  }
  const before = there.children.get(name);
  const after = applyAt(before, rest, change);
  const children = new Map(there.children);
  if (after === undefined) children.delete(name);
  else children.set(name, after);
  const moves = rest.length === 0 && !keepsName(before, change.new);
  return {
    ...there,
    children: sortChildren(children),
    mtime: moves ? MOVED : there.mtime,
    digest: undefined,
  };
}

/** Whether mode and mtime can be set in place, without a rename or a removal. */
function keepsName(
  before: Entry | undefined,
  wanted: TrackedEntry | undefined,
): boolean {
  if (before?.kind === "directory") return wanted?.kind === "directory";
  return before?.kind === "file" && wanted?.kind === "file" &&
    before.size === wanted.size &&
    (before.digest === undefined || wanted.digest === undefined
      ? before.mtime === wanted.mtime
      : before.digest === wanted.digest);
}

function carryOut(there: Entry | undefined, change: Change): Entry | undefined {
  const { old, new: wanted } = change;
  if (there !== undefined && !isTracked(there)) {
    throw new Error(`What is at ${change.path} must not be touched`);
  }
  if (there?.kind === "directory" && wanted?.kind === "directory") {
    assertEquals(old?.kind, "directory");
    return { ...there, mode: wanted.mode, mtime: wanted.mtime };
  }
  assertEquals(there === undefined, old === undefined, change.path);
  if (there !== undefined && old !== undefined) {
    assertSameTrees(old, there, change.path);
  }
  return wanted;
}

/** Fails unless both hold the same; digests of directories do not count. */
export function assertSameTrees(
  actual: Entry,
  expected: Entry,
  message?: string,
): void {
  assertEquals(undigested(actual), undigested(expected), message);
}

/** What takes part in a sync: {@link applyChanges} aims at this. */
export function trackedPart(root: DirectoryEntry): DirectoryEntry {
  const children = new Map<Name, Entry>();
  for (const [name, child] of root.children) {
    if (!isTracked(child)) continue;
    children.set(name, child.kind === "directory" ? trackedPart(child) : child);
  }
  return { ...root, children };
}

/** `entry` without the digests of directories, which follow from the rest. */
export function undigested<E extends Entry>(entry: E): E {
  if (entry.kind !== "directory") return entry;
  const children = [...entry.children].map(([name, child]) =>
    [name, undigested(child)] as const
  );
  return { ...entry, digest: undefined, children: new Map(children) };
}
