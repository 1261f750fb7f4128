/** What a scan saw, compared with what is there now. */
import type { DirectoryEntry, Entry } from "../core/entry.ts";
import { displayPath, join, type Name, type RelPath } from "../core/path.ts";
import type { Problem } from "../core/problem.ts";
import { isFileSystemError, messageOf, StaleError } from "../errors.ts";
import type { Directory, Stat } from "./file_system.ts";
import { Pacer } from "./pacer.ts";
import { isSameVersion } from "./version.ts";

/** Proves entries to be what the scan saw, knowing which of them we have changed. */
export class Expectation {
  /** Inodes of files that we have linked, replaced, deleted or touched. */
  readonly #handled = new Set<number>();
  readonly #pacer = new Pacer();

  /** Notes that we are about to change the inode of `old`: its ctime moves. */
  handle(old: Entry): void {
    if (old.kind === "file" && old.inode !== undefined) {
      this.#handled.add(old.inode);
    }
  }

  /** Whether `stat` shows what the scan saw as `old`. */
  isMet(old: Entry, stat: Stat | undefined): boolean {
    if (stat === undefined) return false;
    // One inode may have many names: our own work on one moves its ctime.
    const ignoreCtime = old.kind === "file" && old.inode !== undefined &&
      this.#handled.has(old.inode);
    return isSameVersion(old, stat, { ignoreCtime });
  }

  /** @throws {StaleError} If `stat`, of what is at `path`, is not {@link isMet}. */
  check(path: RelPath, old: Entry, stat: Stat | undefined): void {
    if (this.isMet(old, stat)) return;
    throw new StaleError(
      `${displayPath(path)} was ${
        stat === undefined ? "removed" : "changed"
      } by somebody else meanwhile`,
    );
  }

  /**
   * Checks all that is in the directory `name` of `parent`, shown as `path`:
   * nothing may be there but what the scan saw as `old`, as it saw it.
   * @throws {StaleError}
   */
  async checkTree(
    parent: Directory,
    name: Name,
    path: RelPath,
    old: DirectoryEntry,
  ): Promise<void> {
    const directory = await parent.openDirectory(name);
    try {
      const { entries, failed } = await directory.list({ thorough: true });
      for (const { name: stranger } of failed) {
        throw createdMeanwhile(join(path, stranger as Name));
      }
      for (const { name: childName, stat } of entries) {
        const childPath = join(path, childName);
        const child = old.children.get(childName);
        if (child === undefined) throw createdMeanwhile(childPath);
        this.check(childPath, child, stat);
        if (child.kind === "directory") {
          await this.checkTree(directory, childName, childPath, child);
        }
      }
    } finally {
      directory.close();
    }
    const pause = this.#pacer.turn();
    if (pause !== undefined) await pause;
  }
}

/** The error for an entry where the scan saw none. */
export function createdMeanwhile(path: RelPath): StaleError {
  return new StaleError(
    `${displayPath(path)} was created by somebody else meanwhile`,
  );
}

/** Whether `error` concerns one path, so that it is reported and the rest goes on. */
export function isReportable(error: unknown): error is Error {
  return error instanceof StaleError || isFileSystemError(error);
}

/**
 * What `error` says of `path`: somebody else was at work there, or it failed.
 * @throws `error` itself, if it does not concern one path.
 */
export function problemFor(path: RelPath, error: unknown): Problem {
  if (!isReportable(error)) throw error;
  const isStale = error instanceof StaleError ||
    isFileSystemError(error, "exists") ||
    isFileSystemError(error, "not-found") ||
    isFileSystemError(error, "not-a-directory") ||
    isFileSystemError(error, "is-a-directory") ||
    isFileSystemError(error, "not-empty");
  const code = isStale ? "stale" : "failed";
  return { path, code, message: messageOf(error) };
}
