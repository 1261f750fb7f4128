/** Recipes of files that were read before, so that they need not be read again. */
import type { Digest, FileEntry } from "../core/entry.ts";
import type { RelPath } from "../core/path.ts";
import { digestOfRecipe } from "../content/pages.ts";
import { ID_BYTES, type Recipe } from "../content/recipe.ts";
import type { Stat } from "./file_system.ts";

/** Which version of a file it is, as a file system tells it. */
export interface FileVersion {
  readonly size: number;
  readonly mtime: number;
  readonly ctime: number;
  readonly inode: number;
}

/**
 * Recipes of the files of one tree. They are hints: whoever makes a file of what
 * they promise proves it chunk by chunk.
 */
export interface RecipeStore {
  /** The recipe of `path` in exactly that version; undefined if not known. */
  recipeOf(path: RelPath, version: FileVersion): Recipe | undefined;
  /** The recipe that `path` had last, in whatever version: the file may be much like it. */
  lastOf(path: RelPath): Recipe | undefined;
  /** As {@link recipeOf} by inode, size and mtime alone: after a rename (ctime moves). The path that it had. */
  movedFrom(
    version: FileVersion,
  ): { readonly path: RelPath; readonly recipe: Recipe } | undefined;
  remember(path: RelPath, version: FileVersion, recipe: Recipe): void;
  /** Files that hold a recipe with this digest (digestOfRecipe). */
  holders(
    digest: Digest,
  ): readonly { readonly path: RelPath; readonly version: FileVersion }[];
  /** For chunk ids (ID_BYTES each): a file known to hold each, where there is one. Best file first. */
  filesWith(ids: Uint8Array): readonly {
    readonly path: RelPath;
    readonly version: FileVersion;
    readonly chunks: number;
  }[];
  close(): void;
}

/**
 * What is written within so many milliseconds after a file was read may not show
 * in its times, which are kept to the second by some.
 */
export const RACY_VERSION_MS = 2_000;

/** The version of a file of this machine; undefined for a foreign one. */
export function versionOf(file: FileEntry | Stat): FileVersion | undefined {
  const { size, mtime, ctime, inode } = file;
  if (ctime === undefined || inode === undefined) return undefined;
  return { size, mtime, ctime, inode };
}

/** Whether both are the same version. */
export function equalVersions(a: FileVersion, b: FileVersion): boolean {
  return isMoved(a, b) && a.ctime === b.ctime;
}

function isMoved(a: FileVersion, b: FileVersion): boolean {
  return a.inode === b.inode && a.size === b.size && a.mtime === b.mtime;
}

interface Known {
  readonly path: RelPath;
  readonly version: FileVersion;
  readonly recipe: Recipe;
  readonly digest: Digest;
}

/** How much a {@link MemoryRecipeStore} remembers: 1 Mi chunks are about 64 GiB of files. */
const MAX_REMEMBERED_CHUNKS = 1024 * 1024;

/** Remembers in memory, for as long as a program runs; what is oldest goes first. */
export class MemoryRecipeStore implements RecipeStore {
  /** By path, the oldest first. */
  readonly #known = new Map<RelPath, Known>();
  readonly #byInode = new Map<number, Known>();
  /** By the digest of the file. */
  readonly #byDigest = new Map<Digest, Set<Known>>();
  /** By the id of a chunk, in hexadecimal: the file that had it last. */
  readonly #byChunk = new Map<string, Known>();
  readonly #maxChunks: number;
  #chunks = 0;

  constructor(options: { readonly maxChunks?: number } = {}) {
    this.#maxChunks = options.maxChunks ?? MAX_REMEMBERED_CHUNKS;
  }

  recipeOf(path: RelPath, version: FileVersion): Recipe | undefined {
    const known = this.#known.get(path);
    if (known === undefined) return undefined;
    return equalVersions(known.version, version) ? known.recipe : undefined;
  }

  lastOf(path: RelPath): Recipe | undefined {
    return this.#known.get(path)?.recipe;
  }

  movedFrom(
    version: FileVersion,
  ): { readonly path: RelPath; readonly recipe: Recipe } | undefined {
    const known = this.#byInode.get(version.inode);
    if (known === undefined || !isMoved(known.version, version)) {
      return undefined;
    }
    return { path: known.path, recipe: known.recipe };
  }

  remember(path: RelPath, version: FileVersion, recipe: Recipe): void {
    this.#forget(this.#known.get(path));
    const known = { path, version, recipe, digest: digestOfRecipe(recipe) };
    this.#known.set(path, known);
    this.#byInode.set(version.inode, known);
    const same = this.#byDigest.get(known.digest);
    if (same !== undefined) same.add(known);
    else this.#byDigest.set(known.digest, new Set([known]));
    for (const id of idsOf(recipe.ids)) this.#byChunk.set(id, known);
    this.#chunks += recipe.lengths.length;
    for (const oldest of this.#known.values()) {
      if (this.#chunks <= this.#maxChunks || oldest === known) break;
      this.#forget(oldest);
    }
  }

  holders(
    digest: Digest,
  ): readonly { readonly path: RelPath; readonly version: FileVersion }[] {
    return [...this.#byDigest.get(digest) ?? []].map(({ path, version }) => ({
      path,
      version,
    }));
  }

  filesWith(ids: Uint8Array): readonly {
    readonly path: RelPath;
    readonly version: FileVersion;
    readonly chunks: number;
  }[] {
    const counts = new Map<Known, number>();
    for (const id of idsOf(ids)) {
      const known = this.#byChunk.get(id);
      if (known !== undefined) counts.set(known, (counts.get(known) ?? 0) + 1);
    }
    return [...counts].sort(([, a], [, b]) => b - a).map((
      [{ path, version }, chunks],
    ) => ({ path, version, chunks }));
  }

  close(): void {
    for (const known of this.#known.values()) this.#forget(known);
  }

  #forget(known: Known | undefined): void {
    if (known === undefined) return;
    const { path, version, recipe, digest } = known;
    this.#known.delete(path);
    if (this.#byInode.get(version.inode) === known) {
      this.#byInode.delete(version.inode);
    }
    const same = this.#byDigest.get(digest);
    same?.delete(known);
    if (same?.size === 0) this.#byDigest.delete(digest);
    for (const id of idsOf(recipe.ids)) {
      if (this.#byChunk.get(id) === known) this.#byChunk.delete(id);
    }
    this.#chunks -= recipe.lengths.length;
  }
}

function* idsOf(ids: Uint8Array): Generator<string> {
  for (let at = 0; at < ids.length; at += ID_BYTES) {
    yield ids.subarray(at, at + ID_BYTES).toHex();
  }
}
