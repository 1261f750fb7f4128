/**
 * While git changes a working tree it holds `.git/index.lock`. What it does then
 * is one change, and is to be seen as one.
 */
import type { DirectoryEntry } from "../core/entry.ts";
import { othersAmong } from "../core/packed_children.ts";
import { join, type Name, type RelPath, ROOT } from "../core/path.ts";
import type { DirtyPaths } from "../fs/dirty_paths.ts";

/** For so long git is waited for; a lock that stays was left by a crash. */
const MAX_HOLD_MS = 60_000;

const LOCK = /(?:^|\/)\.git\/index\.lock$/;
const REPOSITORY = ".git" as Name;

/** The locks of all repositories in a tree. */
export class GitLocks {
  /** Locks that are there, and since when; undefined once they were waited for. */
  readonly #held = new Map<RelPath, number | undefined>();

  /** Whether changes are being held back. */
  get areHeld(): boolean {
    return [...this.#held.values()].some((since) => since !== undefined);
  }

  /** Whether what happens at `path` says something about a lock. */
  static concerns(path: RelPath): boolean {
    return LOCK.test(path);
  }

  /**
   * Looks for locks where `dirty` says that there may be some; where everything
   * is dirty, in all repositories of `tree`.
   */
  async note(
    dirty: DirtyPaths,
    tree: DirectoryEntry | undefined,
    isThere: (path: RelPath) => Promise<boolean>,
    now: number,
  ): Promise<void> {
    const candidates = new Set<RelPath>(this.#held.keys());
    if (this.areHeld) {
      // It is waited for anyhow.
    } else if (dirty.everything) {
      for (const path of tree ? repositoriesIn(ROOT, tree) : []) {
        candidates.add(`${path}/index.lock` as RelPath);
      }
    } else {
      for (const path of dirty.paths()) {
        if (LOCK.test(path)) candidates.add(path);
        else {
          const at = path.lastIndexOf("/.git/");
          if (at >= 0) {
            candidates.add(`${path.slice(0, at)}/.git/index.lock` as RelPath);
          } else if (path.startsWith(".git/")) {
            candidates.add(".git/index.lock" as RelPath);
          }
        }
      }
    }
    for (const path of candidates) {
      if (!await isThere(path)) this.#held.delete(path);
      else if (!this.#held.has(path)) this.#held.set(path, now);
    }
  }

  /** Whether to wait; a lock that is too old is named once, and then passed over. */
  check(
    now: number,
  ): { readonly mustHold: boolean; readonly justExpired?: RelPath } {
    let justExpired: RelPath | undefined;
    for (const [path, since] of this.#held) {
      if (since === undefined || now - since < MAX_HOLD_MS) continue;
      this.#held.set(path, undefined);
      justExpired ??= path;
    }
    const mustHold = this.areHeld;
    return justExpired === undefined ? { mustHold } : { mustHold, justExpired };
  }
}

/** The repositories in the directory at `path`, and in those below it. */
function repositoriesIn(path: RelPath, directory: DirectoryEntry): RelPath[] {
  const found: RelPath[] = [];
  for (const [name, entry] of othersAmong(directory.children)) {
    const at = join(path, name);
    // Also one that is ignored.
    if (name === REPOSITORY) found.push(at);
    if (entry.kind === "directory") found.push(...repositoriesIn(at, entry));
  }
  return found;
}
