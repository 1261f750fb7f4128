/** Makes what a transition does survive a loss of power. */
import { allDone } from "../core/all_done.ts";
import { type Change, filesOf, needsContent } from "../core/change.ts";
import type { Entry } from "../core/entry.ts";
import {
  join,
  type Name,
  nameOf,
  parentOf,
  type RelPath,
  ROOT,
} from "../core/path.ts";
import { FileSystemError } from "../errors.ts";
import { DirectoryCursor } from "./directory_cursor.ts";
import type { Directory } from "./file_system.ts";

/**
 * Up to here files and directories are flushed one by one; beyond, the whole file
 * system at one go is faster, though it also flushes what others have written.
 */
const MAX_SINGLE_FLUSHES = 64;

/**
 * It never came, has a name that nothing can have here, or somebody has removed it:
 * there is nothing to lose.
 */
const NOTHING_THERE: ReadonlySet<string> = new Set([
  "not-found",
  "not-a-directory",
  "name-too-long",
]);

/** A file, or the entries of a directory where there is no `name`. */
interface Place {
  readonly directory: RelPath;
  readonly name?: Name;
}

/**
 * Flushes the files for `changes` below `stage` that `isStaged`, by number: before
 * they get their names, so that a name never leads to half a file.
 * @throws {FileSystemError} If the disk fails: then nothing staged can be trusted.
 */
export async function flushContent(
  stage: Directory,
  changes: readonly Change[],
  isStaged: (file: number) => boolean,
): Promise<void> {
  await flushAll(stage, () => contentOf(changes, isStaged));
}

/**
 * Flushes the directories below `root` in which `changes` have changed something.
 * @throws {FileSystemError} If the disk fails.
 */
export async function flushDirectories(
  root: Directory,
  changes: readonly Change[],
): Promise<void> {
  await flushEntriesOf(root, new Set(directoriesOf(changes)));
}

/**
 * Flushes which entries the directories `paths` below `root` have.
 * @throws {FileSystemError} If the disk fails.
 */
export async function flushEntriesOf(
  root: Directory,
  paths: ReadonlySet<RelPath>,
): Promise<void> {
  await flushAll(
    root,
    () => paths.values().map((directory) => ({ directory })),
  );
}

async function flushAll(
  root: Directory,
  places: () => Iterator<Place>,
): Promise<void> {
  const count = Iterator.from(places()).take(MAX_SINGLE_FLUSHES + 1)
    .reduce((sum) => sum + 1, 0);
  if (count > MAX_SINGLE_FLUSHES && await root.flushFileSystem()) return;
  const cursor = new DirectoryCursor(root);
  // The cursor leaves a directory only when nothing is under way there.
  let here: RelPath = ROOT;
  const flushes: Promise<void>[] = [];
  try {
    for (const { directory, name } of Iterator.from(places())) {
      if (directory !== here) {
        await allDone(flushes.splice(0));
        here = directory;
      }
      try {
        flushes.push(ifThere((await cursor.at(directory)).flush(name)));
      } catch (error) {
        if (!isAbsent(error)) throw error;
      }
    }
  } finally {
    try {
      // A disk does them together in the time that it takes for one.
      await allDone(flushes);
    } finally {
      cursor.close();
    }
  }
}

/** `flush`, which may find nothing. */
async function ifThere(flush: Promise<void>): Promise<void> {
  try {
    await flush;
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof FileSystemError && NOTHING_THERE.has(error.code);
}

function* contentOf(
  changes: readonly Change[],
  isStaged: (file: number) => boolean,
): Generator<Place> {
  for (const { path, index } of filesOf(changes)) {
    if (!isStaged(index)) continue;
    yield { directory: parentOf(path)!, name: nameOf(path) };
  }
}

function* directoriesOf(changes: readonly Change[]): Generator<RelPath> {
  for (const change of changes) {
    yield parentOf(change.path) ?? ROOT;
    if (needsContent(change)) yield* directoriesIn(change.path, change.new);
  }
}

function* directoriesIn(path: RelPath, entry: Entry): Generator<RelPath> {
  if (entry.kind !== "directory") return;
  yield path;
  for (const [name, child] of entry.children) {
    yield* directoriesIn(join(path, name), child);
  }
}
