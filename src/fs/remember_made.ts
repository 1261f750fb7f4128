/** Remembers the recipes of files that were made of others, once they are in place. */
import type { Recipe } from "../content/recipe.ts";
import { nameOf, parentOf, type RelPath } from "../core/path.ts";
import { isFileSystemError } from "../errors.ts";
import { DirectoryCursor } from "./directory_cursor.ts";
import type { Directory } from "./file_system.ts";
import {
  type FileVersion,
  RACY_VERSION_MS,
  type RecipeStore,
  versionOf,
} from "./recipe_store.ts";

/** A file that was made, as it was when it was staged. */
export interface MadeFile {
  readonly path: RelPath;
  readonly version: FileVersion;
  readonly recipe: Recipe;
}

/**
 * Gives `store` the recipes of `made`, under the versions that the files below
 * `root` have now. Left out is what is not in place, and what has so new an mtime
 * that a later write may not show in it.
 */
export async function rememberMade(
  store: RecipeStore,
  root: Directory,
  made: Iterable<MadeFile>,
): Promise<void> {
  const cursor = new DirectoryCursor(root);
  try {
    for (const { path, version: { inode, mtime, size }, recipe } of made) {
      if (Date.now() - mtime < RACY_VERSION_MS) continue;
      try {
        const parent = await cursor.at(parentOf(path)!);
        const stat = await parent.lookup(nameOf(path));
        // It got another ctime by being put in place.
        const isSame = stat?.kind === "file" && stat.inode === inode &&
          stat.size === size && stat.mtime === mtime;
        if (isSame) store.remember(path, versionOf(stat)!, recipe);
      } catch (error) {
        // It was moved or removed meanwhile: there is nothing to remember.
        if (!isFileSystemError(error)) throw error;
      }
    }
  } finally {
    cursor.close();
  }
}
