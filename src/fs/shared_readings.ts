/** Files that are being read to be described: each only once at a time. */
import type { FileEntry } from "../core/entry.ts";
import type { RelPath } from "../core/path.ts";
import type { Recipe } from "../content/recipe.ts";
import { versionOf } from "./recipe_store.ts";

type Reading = Promise<Recipe | undefined>;

/** Shared by all who describe files of one tree at the same time. */
export class SharedReadings {
  /** By path and version. */
  readonly #running = new Map<string, Reading>();

  /**
   * What `read` gives, or what somebody is about to read of that very version.
   * Where they were stopped, it is read all the same.
   */
  async once(path: RelPath, entry: FileEntry, read: () => Reading): Reading {
    const version = versionOf(entry);
    if (version === undefined) return await read();
    const { size, mtime, ctime, inode } = version;
    const key = JSON.stringify([path, size, mtime, ctime, inode]);
    for (;;) {
      const running = this.#running.get(key);
      if (running === undefined) break;
      try {
        return await running;
      } catch {
        // That is their affair.
      }
    }
    const reading = read();
    this.#running.set(key, reading);
    try {
      return await reading;
    } finally {
      this.#running.delete(key);
    }
  }
}
