/**
 * Goes from directory to directory of an open tree, keeping the way from the
 * root open: entries that come in path order cost one `openDirectory` for each
 * directory, and no path is ever resolved through a link.
 */
import { type Name, namesOf, type RelPath, ROOT } from "../core/path.ts";
import type { Directory } from "./file_system.ts";
import { openOrCreate } from "./own_entries.ts";

/** What a {@link DirectoryCursor} does on its way. */
export interface CursorOptions {
  /** Whether missing directories are made. */
  readonly create?: boolean;
  /** Opens a child where `openDirectory` is not enough (links to be followed). */
  readonly open?: (parent: Directory, name: Name) => Promise<Directory>;
}

/** A place in a tree. It owns the directories on its way, but not the root. */
export class DirectoryCursor {
  readonly #root: Directory;
  readonly #options: CursorOptions;
  #path: RelPath = ROOT;
  #names: Name[] = [];
  #way: Directory[] = [];

  constructor(root: Directory, options: CursorOptions = {}) {
    this.#root = root;
    this.#options = options;
  }

  /**
   * Goes to the directory `path`. What it returns stays open until the next call.
   * @throws {FileSystemError} `not-found`, `not-a-directory` … of the first
   *   directory on the way that can't be opened; the cursor is then at its parent.
   */
  at(path: RelPath): Promise<Directory> | Directory {
    if (path === this.#path) return this.#way.at(-1) ?? this.#root;
    return this.#goTo(path);
  }

  /** Closes what is open; the cursor is at the root again and can be used on. */
  close(): void {
    this.#leave(0);
  }

  async #goTo(path: RelPath): Promise<Directory> {
    const names = namesOf(path);
    let common = 0;
    while (common < names.length && names[common] === this.#names[common]) {
      common++;
    }
    this.#leave(common);
    let here = this.#way.at(-1) ?? this.#root;
    for (const name of names.slice(common)) {
      here = await this.#enter(here, name);
      this.#way.push(here);
      this.#names.push(name);
      this.#path = this.#names.join("/") as RelPath;
    }
    this.#path = path;
    return here;
  }

  async #enter(here: Directory, name: Name): Promise<Directory> {
    const { create, open } = this.#options;
    if (open !== undefined) return await open(here, name);
    return create
      ? await openOrCreate(here, name)
      : await here.openDirectory(name);
  }

  #leave(depth: number): void {
    while (this.#way.length > depth) {
      this.#way.pop()!.close();
      this.#names.pop();
    }
    this.#path = this.#names.join("/") as RelPath;
  }
}

/** Opens the directory `name`, also through a link: for {@link CursorOptions.open}. */
export async function openFollowing(
  parent: Directory,
  name: Name,
): Promise<Directory> {
  const stat = await parent.lookup(name);
  if (stat?.kind !== "symlink") return await parent.openDirectory(name);
  return (await parent.follow(name)).directory;
}
