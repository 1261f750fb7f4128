/**
 * Which files of a target a planned file may be made of: its old version; for a
 * new file those that look like it. Guesses: what a file really shares with the
 * one that is to be made shows when their recipes are compared.
 */
import { type Change, isTouch, needsContent } from "../core/change.ts";
import {
  type DirectoryEntry,
  entriesBelow,
  type Entry,
  type FileEntry,
} from "../core/entry.ts";
import {
  join,
  type Name,
  nameOf,
  parentOf,
  type RelPath,
  ROOT,
} from "../core/path.ts";

/** Files up to this size are sent: to describe them would not be cheaper. */
export const MAX_SENT_BYTES = 64 * 1024;

/** Most candidates for one file. */
const MAX_CANDIDATES = 4;

/** Of a file with the same name, the size may differ by this factor. */
const MAX_NAME_FACTOR = 8;

/** Of a file that is deleted in the same run, this one. */
const MAX_DELETED_FACTOR = 2;

/** A file that is there. */
export interface Candidate {
  readonly path: RelPath;
  readonly entry: FileEntry;
}

/** A planned file that may be made of others. */
export interface Reusable {
  /** Its number in `filesOf` the changes. */
  readonly index: number;
  readonly path: RelPath;
  readonly entry: FileEntry;
  /** Most likely first; at least one. */
  readonly candidates: readonly Candidate[];
  /** Whether the first of them is the old version of the file. */
  readonly hasOld: boolean;
}

/** A planned file for which nothing stands at its path. */
interface NewFile {
  readonly index: number;
  readonly parent: RelPath;
  readonly name: Name;
  readonly entry: FileEntry;
}

/** The files of `changes` that may be made of what is in the tree `root`. */
export function findReusable(
  changes: readonly Change[],
  root: DirectoryEntry,
): Reusable[] {
  const found: Reusable[] = [];
  const news: NewFile[] = [];
  let index = 0;
  for (const change of changes) {
    if (!needsContent(change)) continue;
    const { path, old, new: wanted } = change;
    const parent = parentOf(path)!;
    if (wanted.kind === "file" && old?.kind === "file") {
      if (wanted.size > MAX_SENT_BYTES && old.size > 0) {
        const candidates = [{ path, entry: old }];
        found.push({ index, path, entry: wanted, candidates, hasOld: true });
      }
      index++;
    } else index = addLarge(news, parent, nameOf(path), wanted, index);
  }
  if (news.length > 0) addLookalikes(found, news, changes, root);
  return found.sort((a, b) => a.index - b.index);
}

/** Adds the large files of `entry`, which are numbered from `index`: the next number. */
function addLarge(
  news: NewFile[],
  parent: RelPath,
  name: Name,
  entry: Entry,
  index: number,
): number {
  if (entry.kind === "file") {
    if (entry.size > MAX_SENT_BYTES) news.push({ index, parent, name, entry });
    return index + 1;
  }
  let next = index;
  if (entry.kind === "directory") {
    const path = join(parent, name);
    for (const [childName, child] of entry.children) {
      next = addLarge(news, path, childName, child, next);
    }
  }
  return next;
}

function addLookalikes(
  found: Reusable[],
  news: readonly NewFile[],
  changes: readonly Change[],
  root: DirectoryEntry,
): void {
  const bySize = new Map<number, Candidate[]>();
  const byName = new Map<Name, Candidate[]>();
  for (const { name, entry } of news) {
    bySize.set(entry.size, []);
    byName.set(name, []);
  }
  const deleted = deletedFiles(changes);
  const gone = new Set(deleted.map(({ path }) => path));
  const offer = (candidate: Candidate): void => {
    put(bySize.get(candidate.entry.size), candidate);
    put(byName.get(nameOf(candidate.path)), candidate);
  };
  // What goes is likelier to have moved than what stays: it comes first.
  for (const candidate of deleted) offer(candidate);
  for (const [path, entry] of entriesBelow(ROOT, root)) {
    if (entry.kind !== "file" || entry.size <= MAX_SENT_BYTES) continue;
    const isAsked = bySize.has(entry.size) || byName.has(nameOf(path));
    if (isAsked && !gone.has(path)) offer({ path, entry });
  }
  for (const file of news) {
    const candidates = new Map<RelPath, Candidate>();
    const add = (candidate: Candidate): void => {
      candidates.set(candidate.path, candidate);
    };
    const { size, mtime } = file.entry;
    const alike = bySize.get(size)!;
    const namesakes = byName.get(file.name)!.filter(({ entry }) =>
      isWithin(entry.size, size, MAX_NAME_FACTOR)
    );
    alike.filter(({ entry }) => entry.mtime === mtime).forEach(add);
    namesakes.filter(({ entry }) => entry.size === size).forEach(add);
    namesakes.filter(({ path }) => gone.has(path)).forEach(add);
    alike.forEach(add);
    namesakes.forEach(add);
    nearest(deleted, size).forEach(add);
    if (candidates.size === 0) continue;
    found.push({
      index: file.index,
      path: join(file.parent, file.name),
      entry: file.entry,
      candidates: [...candidates.values()].slice(0, MAX_CANDIDATES),
      hasOld: false,
    });
  }
}

function put(list: Candidate[] | undefined, candidate: Candidate): void {
  if (list !== undefined && list.length < MAX_CANDIDATES) list.push(candidate);
}

/** Large files that `changes` delete, the smallest first. */
function deletedFiles(changes: readonly Change[]): Candidate[] {
  const files: Candidate[] = [];
  const offer = (path: RelPath, entry: Entry): void => {
    if (entry.kind === "file" && entry.size > MAX_SENT_BYTES) {
      files.push({ path, entry });
    }
  };
  for (const change of changes) {
    const { path, old } = change;
    if (old === undefined || isTouch(change)) continue;
    if (change.new === undefined) offer(path, old);
    if (old.kind === "directory") {
      for (const [below, entry] of entriesBelow(path, old)) offer(below, entry);
    }
  }
  return files.sort((a, b) => a.entry.size - b.entry.size);
}

/** Of `files`, which are in order of size, the two nearest to `size`. */
function nearest(files: readonly Candidate[], size: number): Candidate[] {
  let low = 0;
  let high = files.length;
  while (low < high) {
    const middle = low + high >>> 1;
    if (files[middle]!.entry.size < size) low = middle + 1;
    else high = middle;
  }
  return files.slice(Math.max(low - 1, 0), low + 1).filter(({ entry }) =>
    isWithin(entry.size, size, MAX_DELETED_FACTOR)
  );
}

function isWithin(a: number, b: number, factor: number): boolean {
  return a <= b * factor && b <= a * factor;
}
