/** What is known of the content of files, by the version of each; see `recipe_index.ts`. */
import type { Recipe } from "../content/recipe.ts";
import type { Digest } from "../core/entry.ts";
import type { RelPath } from "../core/path.ts";

/** By what a file is known to be unchanged: as in `Stat`. */
export interface FileVersion {
  readonly size: number;
  readonly mtime: number;
  readonly ctime: number;
  readonly inode: number;
}

/**
 * Remembers recipes of the files of one tree. It is a help, never a proof: what it
 * says may be lost at any time, and what it names may have changed since.
 */
export interface RecipeStore {
  /** The recipe of `path` in exactly that version; undefined if not known. */
  recipeOf(path: RelPath, version: FileVersion): Recipe | undefined;
  /** The same by inode, size and mtime alone: after a rename (ctime moves). The path that it had. */
  movedFrom(
    version: FileVersion,
  ): { path: RelPath; recipe: Recipe } | undefined;
  remember(path: RelPath, version: FileVersion, recipe: Recipe): void;
  /** Files that hold a recipe with this digest (digestOfRecipe). */
  holders(digest: Digest): readonly { path: RelPath; version: FileVersion }[];
  /** For chunk ids (ID_BYTES each): a file known to hold each, where there is one. Best file first. */
  filesWith(
    ids: Uint8Array,
  ): readonly { path: RelPath; version: FileVersion; chunks: number }[];
  close(): void;
}
