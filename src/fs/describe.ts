/** Describes the files of a source, before their content is asked for. */
import type { FileEntry } from "../core/entry.ts";
import type { RelPath } from "../core/path.ts";
import {
  type DescribeRequest,
  type Description,
  MAX_WHOLE_CHUNKS,
} from "../content/description.ts";
import { digestOfPages, pagesOf } from "../content/pages.ts";
import { encodePage, type PagedRecipe } from "../content/recipe_assembly.ts";
import { ProtocolError } from "../errors.ts";
import type { Recipe } from "../content/recipe.ts";

/** Most chunks of files that are described by pages and kept for the next question. */
const MAX_KEPT_CHUNKS = 2 * 1024 * 1024;

/** Where a {@link Describer} has its recipes from. */
export interface RecipeSource {
  /**
   * The recipe of the file at `path` as the scan saw it; undefined where it can't
   * be had.
   */
  recipeOf(
    path: RelPath,
    entry: FileEntry,
    signal?: AbortSignal,
  ): Promise<Recipe | undefined>;
  close(): Promise<void>;
}

/** Describes files of one tree, as one scan saw it. Its owner closes it. */
export class Describer {
  readonly #recipes: RecipeSource;
  /** Files whose pages were told and whose chunks may be asked for, by number. */
  readonly #kept = new Map<number, PagedRecipe>();
  #keptChunks = 0;

  /** @param recipes Is closed with it. */
  constructor(recipes: RecipeSource) {
    this.#recipes = recipes;
  }

  /**
   * The descriptions that `requests` ask for, in their order.
   * @throws {ProtocolError} If a page is asked for that there is not.
   */
  async describe(
    requests: readonly DescribeRequest[],
    signal?: AbortSignal,
  ): Promise<Description[]> {
    const descriptions: Description[] = [];
    for (const request of requests) {
      signal?.throwIfAborted();
      descriptions.push(
        request.pages === undefined
          ? await this.#all(request, signal)
          : await this.#chunks(request, request.pages, signal),
      );
    }
    return descriptions;
  }

  async close(): Promise<void> {
    this.#kept.clear();
    await this.#recipes.close();
  }

  async #all(
    { index, path, entry }: DescribeRequest,
    signal?: AbortSignal,
  ): Promise<Description> {
    const recipe = await this.#recipes.recipeOf(path, entry, signal);
    if (recipe === undefined) return { kind: "unavailable", index };
    if (recipe.lengths.length <= MAX_WHOLE_CHUNKS) {
      return { kind: "recipe", index, recipe };
    }
    const pages = pagesOf(recipe);
    this.#keep(index, { recipe, pages });
    const digest = digestOfPages(pages, recipe.size);
    return { kind: "pages", index, digest, pages };
  }

  async #chunks(
    { index, path, entry }: DescribeRequest,
    numbers: Uint32Array,
    signal?: AbortSignal,
  ): Promise<Description> {
    let paged = this.#kept.get(index);
    if (paged === undefined) {
      const recipe = await this.#recipes.recipeOf(path, entry, signal);
      if (recipe === undefined) return { kind: "unavailable", index };
      paged = { recipe, pages: pagesOf(recipe) };
    }
    this.#drop(index);
    const parts: Uint8Array[] = [];
    let length = 0;
    for (const number of numbers) {
      if (number >= paged.pages.ends.length) {
        throw new ProtocolError(`File ${index} has no page ${number}`);
      }
      const part = encodePage(paged, number);
      parts.push(part);
      length += part.length;
    }
    const records = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      records.set(part, at);
      at += part.length;
    }
    return { kind: "chunks", index, records };
  }

  #keep(index: number, paged: PagedRecipe): void {
    this.#drop(index);
    this.#kept.set(index, paged);
    this.#keptChunks += paged.recipe.lengths.length;
    for (const oldest of this.#kept.keys()) {
      if (this.#keptChunks <= MAX_KEPT_CHUNKS || oldest === index) break;
      this.#drop(oldest);
    }
  }

  #drop(index: number): void {
    const paged = this.#kept.get(index);
    if (paged === undefined) return;
    this.#kept.delete(index);
    this.#keptChunks -= paged.recipe.lengths.length;
  }
}
