/** Recipes of the files of one tree, remembered from run to run in `recipes.db`. */
import { IdTable, idWordsOf, sameId } from "../content/id_table.ts";
import { ID_BYTES, type Recipe } from "../content/recipe.ts";
import type { Digest } from "../core/entry.ts";
import type { RelPath } from "../core/path.ts";
import type { RecipeFile } from "./recipe_file.ts";
import type { FileVersion, RecipeStore } from "./recipe_store.ts";
import { type Known, RecipeTables } from "./recipe_tables.ts";

/** Recipes are written so many at a time, or at so many chunks. */
const PENDING_FILES = 256;
const PENDING_CHUNKS = 64 * 1024;

/**
 * Longer recipes are not remembered: to write them takes seconds, in which
 * nothing else goes on. That is a file of 16 GiB or more.
 */
const MAX_CHUNKS = 256 * 1024;

/** Files that are named for the chunks of one question; others hold few of them. */
const MAX_ANSWERS = 64;

/** A {@link RecipeStore} over a file that several of them share. */
export class RecipeIndex implements RecipeStore {
  readonly #file: RecipeFile;
  readonly #root: () => string;
  /** What is not written yet. */
  readonly #pending = new Map<RelPath, Known>();
  #pendingChunks = 0;
  /** Numbers of files that were asked for in this run. */
  readonly #touched = new Set<number>();
  #tables: RecipeTables | undefined;
  #opened = 0;

  /**
   * @param file Open or not; it stays with its owner.
   * @param root Names the directory that paths are below; asked when the first
   *   call comes. Another directory has another name.
   */
  constructor(file: RecipeFile, root: () => string) {
    this.#file = file;
    this.#root = root;
  }

  recipeOf(path: RelPath, version: FileVersion): Recipe | undefined {
    const known = this.#at(path);
    return known !== undefined && isSame(known.version, version)
      ? known.recipe
      : undefined;
  }

  lastOf(path: RelPath): Recipe | undefined {
    return this.#at(path)?.recipe;
  }

  movedFrom(
    version: FileVersion,
  ): { path: RelPath; recipe: Recipe } | undefined {
    this.#flush();
    return this.#use((tables) => this.#touch(tables.withVersion(version)));
  }

  remember(path: RelPath, version: FileVersion, recipe: Recipe): void {
    const chunks = recipe.lengths.length;
    if (chunks > MAX_CHUNKS) return;
    const { size, mtime, ctime, inode } = version;
    const known = { path, version: { size, mtime, ctime, inode }, recipe };
    this.#pending.set(path, known);
    this.#pendingChunks += chunks;
    const isFull = this.#pending.size >= PENDING_FILES ||
      this.#pendingChunks >= PENDING_CHUNKS;
    if (isFull) this.#flush();
  }

  holders(digest: Digest): readonly { path: RelPath; version: FileVersion }[] {
    this.#flush();
    return this.#use((tables) => tables.withDigest(digest)) ?? [];
  }

  /**
   * `chunks` is how many of `ids` the file holds that those before it do not. Of
   * a chunk that very many files hold, and of very many files, some are left out.
   */
  filesWith(
    ids: Uint8Array,
  ): readonly { path: RelPath; version: FileVersion; chunks: number }[] {
    this.#flush();
    return this.#use((tables) => this.#cover(tables, ids)) ?? [];
  }

  /** Writes what is not written yet; the file stays with its owner. */
  close(): void {
    this.#flush();
    this.#tables = undefined;
  }

  #at(path: RelPath): Known | undefined {
    return this.#pending.get(path) ??
      this.#use((tables) => this.#touch(tables.at(path)));
  }

  /** Always takes the file with most of the chunks that are not found yet. */
  #cover(
    tables: RecipeTables,
    ids: Uint8Array,
  ): { path: RelPath; version: FileVersion; chunks: number }[] {
    const words = idWordsOf([ids]);
    const asked = new IdTable(words);
    /** Which of `ids` each file may hold. */
    const candidates = new Map<number, number[]>();
    const missing = new Set<number>();
    for (let i = 0; i < ids.length / ID_BYTES; i++) {
      if (asked.find(words, i) !== i) continue;
      missing.add(i);
      for (const file of tables.mayHold(ids, i)) {
        const held = candidates.get(file);
        if (held === undefined) candidates.set(file, [i]);
        else held.push(i);
      }
    }
    const answers = [];
    while (answers.length < MAX_ANSWERS) {
      const best = bestOf(candidates, missing);
      if (best === undefined) break;
      candidates.delete(best);
      const file = this.#touch(tables.withId(best));
      if (file === undefined) continue;
      const before = missing.size;
      const theirs = idWordsOf([file.recipe.ids]);
      for (let i = 0; i < file.recipe.lengths.length; i++) {
        const at = asked.find(theirs, i);
        if (at >= 0 && sameId(words, at, theirs, i)) missing.delete(at);
      }
      const chunks = before - missing.size;
      const { path, version } = file;
      if (chunks > 0) answers.push({ path, version, chunks });
    }
    return answers;
  }

  /** `stored` was of use in this run: it stays longer than others. */
  #touch<T extends { readonly id: number; readonly used: number }>(
    stored: T | undefined,
  ): T | undefined {
    if (stored !== undefined && stored.used !== this.#file.run) {
      this.#touched.add(stored.id);
    }
    return stored;
  }

  #flush(): void {
    if (this.#pending.size === 0 && this.#touched.size === 0) return;
    this.#use((tables) => {
      const { run, limits } = this.#file;
      tables.write(this.#pending.values(), this.#touched, run, limits);
    });
    this.#pending.clear();
    this.#touched.clear();
    this.#pendingChunks = 0;
  }

  #use<T>(action: (tables: RecipeTables) => T): T | undefined {
    return this.#file.use((db) => {
      if (this.#tables === undefined || this.#opened !== this.#file.opened) {
        this.#tables = new RecipeTables(db, this.#root());
        this.#opened = this.#file.opened;
        // Another file may have come in place of a damaged one.
        this.#touched.clear();
      }
      return action(this.#tables);
    });
  }
}

/** The one of `candidates` that may hold most of what is missing, if any does. */
function bestOf(
  candidates: ReadonlyMap<number, readonly number[]>,
  missing: ReadonlySet<number>,
): number | undefined {
  let best: number | undefined;
  let most = 0;
  for (const [file, held] of candidates) {
    // Nobody of whom this is not enough has to be counted.
    if (held.length <= most) continue;
    const count = held.reduce((sum, i) => sum + (missing.has(i) ? 1 : 0), 0);
    if (count <= most) continue;
    best = file;
    most = count;
  }
  return best;
}

function isSame(a: FileVersion, b: FileVersion): boolean {
  return a.size === b.size && a.mtime === b.mtime && a.ctime === b.ctime &&
    a.inode === b.inode;
}
