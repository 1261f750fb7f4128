/** Proving that something is not there, before it is deleted elsewhere. */
import { displayPath, nameOf, parentOf, type RelPath } from "../core/path.ts";
import type { Problem } from "../core/problem.ts";
import { isFileSystemError, messageOf } from "../errors.ts";
import { DirectoryCursor, openFollowing } from "./directory_cursor.ts";
import type { Directory } from "./file_system.ts";

/**
 * Looks for each of `absent` below `root`, by listing the directory that would
 * hold it in the thorough way, which reports read errors. Where that directory
 * is missing too, its own absence is proven likewise. With `follow`, links to
 * directories count as the directories, as they did in the scan.
 * @returns A problem for each path whose absence is not proven.
 */
export async function confirmAbsent(
  root: Directory,
  absent: readonly RelPath[],
  options: { readonly follow: boolean; readonly signal?: AbortSignal },
): Promise<Problem[]> {
  const problems: Problem[] = [];
  const cursor = new DirectoryCursor(
    root,
    options.follow ? { open: openFollowing } : {},
  );
  const lister = new Lister(cursor);
  try {
    for (const path of absent) {
      options.signal?.throwIfAborted();
      try {
        if (await lister.isAbsent(path)) continue;
        const message = `${displayPath(path)} is there again`;
        problems.push({ path, code: "stale", message });
      } catch (error) {
        if (!isFileSystemError(error)) throw error;
        problems.push({ path, code: "stale", message: messageOf(error) });
      }
    }
  } finally {
    cursor.close();
  }
  return problems;
}

/** Remembers the last directory it listed: paths come in path order. */
class Lister {
  readonly #cursor: DirectoryCursor;
  #listed: RelPath | undefined;
  #names: ReadonlySet<string> = new Set();

  constructor(cursor: DirectoryCursor) {
    this.#cursor = cursor;
  }

  async isAbsent(path: RelPath): Promise<boolean> {
    const parent = parentOf(path);
    if (parent === undefined) return false;
    if (this.#listed !== parent) {
      const directory = await this.#open(parent);
      if (directory === undefined) return await this.isAbsent(parent);
      const { entries, failed } = await directory.list({ thorough: true });
      const names = new Set<string>(entries.map(({ name }) => name));
      for (const { name } of failed) names.add(name);
      this.#listed = parent;
      this.#names = names;
    }
    return !this.#names.has(nameOf(path));
  }

  /** The directory `path`, or undefined if there is nothing at that path. */
  async #open(path: RelPath): Promise<Directory | undefined> {
    try {
      return await this.#cursor.at(path);
    } catch (error) {
      if (!isFileSystemError(error, "not-found")) throw error;
      return undefined;
    }
  }
}
