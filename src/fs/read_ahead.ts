/**
 * The recipes of what a target has of the files of one staging: of the files that
 * they may be made of, and of what is staged of them. All that will surely be
 * needed is read in advance, while the other side reads its files, in the order of
 * need; what is asked for before its turn comes next. A file that will be much
 * like the one that is read is begun as a copy of it, see {@link Draft}.
 */
import type { Recipe } from "../content/recipe.ts";
import type { RelPath } from "../core/path.ts";
import type { Candidate, Reusable } from "./candidates.ts";
import type { Draft } from "./draft.ts";
import type { Directory, ReadableFile } from "./file_system.ts";
import { type RecipeCopy, RecipeReader } from "./recipe_reader.ts";
import type { RecipeStore } from "./recipe_store.ts";

/** What is staged of files, by number. */
export interface StagedParts {
  /** Opens what an earlier run has left of a file; whoever asks closes it. */
  open(
    index: number,
  ): Promise<
    { readonly file: ReadableFile; readonly length: number } | undefined
  >;
  /** Begins a file anew, as a copy of another; undefined if it can't be. */
  draft(index: number): Promise<Draft | undefined>;
}

/** What is read for the files of one staging. Its owner closes it. */
export class ReadAhead {
  readonly #reader: RecipeReader;
  /** Files that nothing was decided about yet, by number. */
  readonly #awaited = new Map<number, Reusable>();
  /** Number of the file that is begun as a copy of the one at a path. */
  readonly #copying = new Map<RelPath, number>();
  /** By path; a file may be a candidate for several. */
  readonly #recipes = new Map<RelPath, Promise<Recipe | undefined>>();
  /** Of what is staged in part, by number. */
  readonly #parts = new Map<number, Promise<Recipe | undefined>>();
  /** Files that were begun as copies, by number. */
  readonly #drafted = new Set<number>();
  #staged: StagedParts | undefined;

  constructor(root: Directory, store: RecipeStore | undefined) {
    this.#reader = new RecipeReader(root, { follow: false, store });
  }

  /** Adds a file, behind those that will be needed before it. */
  add(reusable: Reusable): void {
    const { index, entry, candidates, hasOld } = reusable;
    this.#awaited.set(index, reusable);
    const { path: from, entry: base } = candidates[0]!;
    const isAlike = base.size === entry.size && base.mtime === entry.mtime;
    // Of an old version most stays in its place, of what was renamed all does.
    if (hasOld || isAlike && !this.#copying.has(from)) {
      this.#copying.set(from, index);
    }
  }

  /** Begins to read, without being waited for. */
  begin(staged: StagedParts): void {
    this.#staged = staged;
    void this.#readAll();
  }

  /**
   * The recipe of a file of the tree; undefined where it can't be read any more.
   * When `signal` aborts, it is not waited for any longer.
   */
  recipeOf(
    { path, entry }: Candidate,
    signal?: AbortSignal,
  ): Promise<Recipe | undefined> {
    let recipe = this.#recipes.get(path);
    if (recipe === undefined) {
      const index = this.#copying.get(path);
      const openCopy = index === undefined
        ? undefined
        : () => this.#openDraft(index);
      recipe = this.#reader.recipeOf(path, entry, undefined, openCopy);
      // Whoever needs it hears of it.
      recipe.catch(() => {});
      this.#recipes.set(path, recipe);
    }
    return unlessAborted(recipe, signal);
  }

  /**
   * The recipe of what is staged of file number `index`, undefined where nothing is.
   * When `signal` aborts, it is not waited for any longer.
   */
  partOf(index: number, signal?: AbortSignal): Promise<Recipe | undefined> {
    let part = this.#parts.get(index);
    if (part === undefined) {
      part = this.#reader.inTurn(async () => {
        const opened = await this.#staged?.open(index);
        if (opened === undefined) return undefined;
        try {
          return await this.#reader.read(opened.file, opened.length);
        } finally {
          opened.file.close();
        }
      });
      part.catch(() => {});
      this.#parts.set(index, part);
    }
    return unlessAborted(part, signal);
  }

  /** Whether file number `index` was begun as a copy of its first candidate. */
  isDrafted(index: number): boolean {
    return this.#drafted.has(index);
  }

  /** File number `index` is decided about: what is for it alone is not needed any more. */
  drop(index: number): void {
    const reusable = this.#awaited.get(index);
    this.#awaited.delete(index);
    this.#parts.delete(index);
    if (reusable?.hasOld) this.#recipes.delete(reusable.path);
  }

  /** Breaks off what is being read, and waits for that. */
  async close(): Promise<void> {
    this.#awaited.clear();
    this.#recipes.clear();
    this.#parts.clear();
    await this.#reader.close();
  }

  /** Reads first candidates and staged parts in the order in which they will be needed. */
  async #readAll(): Promise<void> {
    try {
      for (const { index, candidates } of this.#awaited.values()) {
        await this.recipeOf(candidates[0]!);
        // It may have been decided meanwhile.
        if (this.#awaited.has(index)) await this.partOf(index);
      }
    } catch {
      // Whoever needs it hears of it.
    }
  }

  /** Begins file number `index` as a copy of what it is likely made of. */
  async #openDraft(index: number): Promise<RecipeCopy | undefined> {
    // What is here, or what a plan counts on, is not begun anew.
    if (!this.#awaited.has(index) || this.#drafted.has(index)) return undefined;
    const draft = await this.#staged?.draft(index);
    return draft && {
      put: (bytes, offset) => draft.put(bytes, offset),
      close: async (recipe) => {
        if (!await draft.close(recipe !== undefined)) return;
        this.#drafted.add(index);
        this.#parts.set(index, Promise.resolve(recipe));
      },
    };
  }
}

/** As `work`, but does not wait for it any longer when `signal` aborts. */
async function unlessAborted<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return await work;
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
