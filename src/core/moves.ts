/**
 * Moves: what was renamed at the source is renamed at the target, instead of being
 * deleted there and sent again. Pure: it reads trees, and makes new ones.
 */
import { type Change, sameContent, shallow } from "./change.ts";
import {
  type DirectoryEntry,
  type Entry,
  type FileEntry,
  isWhollyTracked,
} from "./entry.ts";
import { MovingTree } from "./moving_tree.ts";
import type { Origins } from "./origins.ts";
import { isWithin, namesOf, parentOf, type RelPath } from "./path.ts";
import { entryAt } from "./snapshot.ts";

/** An entry that goes from one path to another, with all that is in it. */
export interface Move {
  readonly from: RelPath;
  /** Nothing is there. */
  readonly to: RelPath;
  /** What the target's scan saw at `from`. */
  readonly entry: FileEntry | DirectoryEntry;
  /**
   * Directories on the way to `to` that are missing, outermost first: what they
   * shall be, without what is in them.
   */
  readonly parents: readonly DirectoryEntry[];
}

/** What {@link findMoves} found. */
export interface FoundMoves {
  /** To be carried out one after the other; those of directories come first. */
  readonly moves: readonly Move[];
  /** The entries of the origins, by new path, that get their place by these. */
  readonly settled: ReadonlySet<RelPath>;
}

/**
 * Finds what of the tree `there` can be moved to become what it is in the tree
 * `here`, which has its entries from `origins`. A directory moves as one; what
 * changed in it besides is left to the comparison afterwards. Nothing is moved
 * over something else (so of a chain or swap nothing moves), out of a place where
 * `here` has something, or together with what is left alone.
 */
export function findMoves(
  there: DirectoryEntry,
  here: DirectoryEntry,
  origins: Origins,
): FoundMoves {
  const tree = new MovingTree(there);
  const moves: Move[] = [];
  const settled = new Set<RelPath>();
  /** Where directories that were moved are now, by where they were. */
  const places = new Map<RelPath, RelPath>();
  // Directories come first: where a run is broken off, what is known of a file is
  // its path, and no directory on that must move any more.
  for (const [to, origin] of origins) {
    const wanted = entryAt(here, to);
    if (wanted?.kind === "directory") consider(to, origin, wanted);
  }
  for (const [to, origin] of origins) {
    const wanted = entryAt(here, to);
    if (wanted?.kind === "file") consider(to, origin, wanted);
  }
  return { moves, settled };

  function consider(to: RelPath, origin: RelPath, wanted: Entry): void {
    const from = placeOf(origin, places);
    // It came along with a directory, or was put there before us.
    if (from === to) {
      if (tree.at(to)?.kind === wanted.kind) settled.add(to);
      return;
    }
    const entry = tree.at(from);
    // What has come along with a directory was looked through with it.
    const isProven = from !== origin;
    if (entry === undefined || !fits(entry, wanted, isProven)) return;
    if (isWithin(to, from) || !hasLeft(here, from)) return;
    const missing = tree.missingFor(to);
    if (missing === undefined) return;
    const parents: DirectoryEntry[] = [];
    for (const path of missing) {
      const parent = entryAt(here, path) as DirectoryEntry;
      tree.addDirectory(path, parent);
      parents.push(parent);
    }
    tree.move(from, to);
    if (entry.kind === "directory") places.set(origin, to);
    moves.push({ from, to, entry, parents });
    settled.add(to);
  }
}

/**
 * The tree after all of `moves` were carried out on `root`. A file that was moved
 * has the ctime in `ctimes`, at the place of its move.
 */
export function applyMoves(
  root: DirectoryEntry,
  moves: readonly Move[],
  ctimes: readonly (number | undefined)[] = [],
): DirectoryEntry {
  const tree = new MovingTree(root);
  for (const [i, { from, to, parents }] of moves.entries()) {
    const missing = tree.missingFor(to);
    if (missing?.length !== parents.length) {
      throw new RangeError(`Nothing can be moved to ${to}`);
    }
    for (const [depth, path] of missing.entries()) {
      tree.addDirectory(path, parents[depth]!);
    }
    const entry = tree.at(from);
    if (entry?.kind === "file") {
      tree.move(from, to, { ...entry, ctime: ctimes[i] });
    } else tree.move(from, to);
  }
  return tree.finish();
}

/** The directories that `moves` make on their way, as changes. */
export function* madeBy(moves: Iterable<Move>): Generator<Change> {
  for (const { to, parents } of moves) {
    for (const [path, parent] of missingParents(to, parents)) {
      yield { path, old: undefined, new: shallow(parent) };
    }
  }
}

/** The `parents` of a move to `to`, each with its path, outermost first. */
export function missingParents(
  to: RelPath,
  parents: readonly DirectoryEntry[],
): readonly (readonly [RelPath, DirectoryEntry])[] {
  let path = to;
  const found: [RelPath, DirectoryEntry][] = [];
  for (const parent of parents.toReversed()) {
    path = parentOf(path)!;
    found.push([path, parent]);
  }
  return found.reverse();
}

/**
 * Whether `entry` may be moved to where the source has `wanted`: it holds nothing
 * that is left alone, unless that `isProven`, and a file is equal.
 */
function fits(
  entry: Entry,
  wanted: Entry,
  isProven: boolean,
): entry is FileEntry | DirectoryEntry {
  if (entry.kind === "directory") {
    return wanted.kind === "directory" &&
      (isProven || isWhollyTracked(entry));
  }
  return entry.kind === "file" && wanted.kind === "file" &&
    sameContent(entry, wanted);
}

/** Where what stood at `origin` is after the directories in `places` were moved. */
function placeOf(
  origin: RelPath,
  places: ReadonlyMap<RelPath, RelPath>,
): RelPath {
  if (places.size === 0) return origin;
  let above = parentOf(origin);
  while (above !== undefined) {
    const now = places.get(above);
    if (now !== undefined) {
      return now + origin.slice(above.length) as RelPath;
    }
    above = parentOf(above);
  }
  return origin;
}

/** Whether it is known that the tree `here` has nothing at `path`. */
function hasLeft(here: DirectoryEntry, path: RelPath): boolean {
  let entry: Entry | undefined = here;
  for (const name of namesOf(path)) {
    if (entry.kind === "problem" || entry.kind === "untracked") return false;
    if (entry.kind !== "directory") return true;
    entry = entry.children.get(name);
    if (entry === undefined) return true;
  }
  return false;
}
