/**
 * Decides what is lacking of the files that are to come: compares the recipes that
 * a target is told with those of its own files, see {@link ReadAhead}, and plans how
 * each file is made.
 */
import type {
  Description,
  GapRequest,
  Lacking,
} from "../content/description.ts";
import { type Gap, gapsOf } from "../content/gap.ts";
import { offsetsOf, type Recipe } from "../content/recipe.ts";
import {
  diffRecipes,
  missingBytes,
  missingIds,
  type Run,
} from "../content/recipe_diff.ts";
import { type Signature, signatureOf } from "../content/signature.ts";
import { SigningBudget } from "../content/signing_budget.ts";
import { stayingChunks, withoutStaying } from "../content/staying.ts";
import { ToldPages } from "../content/told_pages.ts";
import type { DirectoryEntry } from "../core/entry.ts";
import { displayPath, type RelPath } from "../core/path.ts";
import { entryAt } from "../core/snapshot.ts";
import { ProtocolError, StaleError } from "../errors.ts";
import type { AssemblyPlan } from "./assembly.ts";
import type { Candidate, Reusable } from "./candidates.ts";
import { MAX_ASKED_PAGES, MAX_DESCRIPTION_BYTES } from "../protocol/limits.ts";
import { DirectoryCursor } from "./directory_cursor.ts";
import type { Directory } from "./file_system.ts";
import { OpenBases } from "./open_bases.ts";
import { Pacer } from "./pacer.ts";
import { ReadAhead, type StagedParts } from "./read_ahead.ts";
import {
  equalVersions,
  type FileVersion,
  type RecipeStore,
  versionOf,
} from "./recipe_store.ts";
import type { MadeFile } from "./remember_made.ts";

/**
 * Most chunks in the recipes of all files of one staging and of their bases, by
 * what chunks usually are: about 128 GiB of files. The rest is sent whole.
 */
const MAX_REUSED_CHUNKS = 2 * 1024 * 1024;

const USUAL_CHUNK_BYTES = 64 * 1024;

/** Most bytes in all signatures of one staging; further gaps are sent as they are. */
const MAX_SIGNED_BYTES = 32 * 1024 * 1024;

/** With less than this share missing, no more bases are looked for. */
const ENOUGH = 0.1;

/** Most bases that the store adds to a file. */
const MAX_STORED_BASES = 4;

/**
 * How far a path can be trusted in this run: where a delta went wrong, chunks are
 * sent; where a recipe did, all of the file is.
 */
export type Distrust = "delta" | "recipe";

/** What there is to look at. */
export interface ReuseOptions {
  readonly root: Directory;
  /** The tree as the last scan saw it. */
  readonly tree: DirectoryEntry;
  readonly reusables: readonly Reusable[];
  readonly store: RecipeStore | undefined;
  /** Paths that have failed in this run; it is added to. */
  readonly distrusted: Map<RelPath, Distrust>;
}

/** How far one file is. */
interface State {
  readonly reusable: Reusable;
  /** What was told of it, while the chunks of its pages are awaited. */
  told: ToldPages | undefined;
  done: boolean;
  plan: AssemblyPlan | undefined;
}

/** The files of one staging that may be made of others. Its owner closes it. */
export class Reuse {
  readonly #options: ReuseOptions;
  readonly #states = new Map<number, State>();
  readonly #ahead: ReadAhead;
  readonly #cursor: DirectoryCursor;
  readonly #pacer = new Pacer();
  readonly #made = new Map<number, FileVersion>();
  #chunks = 0;
  /** Of what is being answered. */
  #asked = { bytes: 0, pages: 0 };
  readonly #signing = new SigningBudget(MAX_SIGNED_BYTES);
  #isOver = false;

  constructor(options: ReuseOptions) {
    const { root, store, distrusted } = options;
    this.#options = options;
    this.#ahead = new ReadAhead(root, store);
    this.#cursor = new DirectoryCursor(root);
    let chunks = 0;
    for (const reusable of options.reusables) {
      const { index, path, entry, candidates } = reusable;
      const bytes = entry.size + candidates[0]!.entry.size;
      const usual = Math.ceil(bytes / USUAL_CHUNK_BYTES) + 2;
      if (distrusted.get(path) === "recipe") continue;
      if (chunks + usual > MAX_REUSED_CHUNKS) continue;
      chunks += usual;
      this.#states.set(index, {
        reusable,
        told: undefined,
        done: false,
        plan: undefined,
      });
      this.#ahead.add(reusable);
    }
  }

  /** Whether file number `index` is to be described before it is sent. */
  has(index: number): boolean {
    return this.#states.has(index);
  }

  /** File number `index` is here already. */
  drop(index: number): void {
    this.#states.delete(index);
    this.#ahead.drop(index);
  }

  /** Begins to read what will be needed, without being waited for. */
  begin(staged: StagedParts): void {
    this.#ahead.begin(staged);
  }

  /** How file number `index` is made; undefined: it comes as a whole. */
  planOf(index: number): AssemblyPlan | undefined {
    return this.#states.get(index)?.plan;
  }

  /** File number `index` was made: what is staged now will be put in place. */
  made(index: number, version: FileVersion): void {
    this.#made.set(index, version);
  }

  /** The files that were made, each as it was staged. */
  *allMade(): Generator<MadeFile> {
    for (const [index, version] of this.#made) {
      const { path, recipe } = this.planOf(index)!;
      yield { path, version, recipe };
    }
  }

  /** The file at `path` could not be made: the next round does without. */
  failed(path: RelPath, why: Distrust): void {
    this.#options.distrusted.set(path, why);
  }

  /**
   * What is lacking of the files that were described, in the same order.
   * @throws {ProtocolError} If a description is not one that was asked for, or
   *   can't be right.
   */
  async lacking(
    descriptions: readonly Description[],
    signal?: AbortSignal,
  ): Promise<Lacking[]> {
    const answers: Lacking[] = [];
    this.#asked = { bytes: 0, pages: 0 };
    for (const description of descriptions) {
      signal?.throwIfAborted();
      const state = this.#states.get(description.index);
      if (state === undefined || state.done || this.#isOver) {
        throw new ProtocolError(
          `Nobody wants file ${description.index} to be described`,
        );
      }
      const answer = await this.#answer(state, description, signal);
      if (answer.kind !== "pages") this.#finish(state);
      answers.push(answer);
    }
    return answers;
  }

  /** Nothing more will be described: content comes. */
  async settle(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cursor.close();
    await this.#ahead.close();
  }

  async #answer(
    state: State,
    description: Description,
    signal?: AbortSignal,
  ): Promise<Lacking> {
    const { index } = description;
    const { size } = state.reusable.entry;
    if ((description.kind === "chunks") !== (state.told !== undefined)) {
      if (description.kind !== "unavailable") throw outOfPlace(description);
    }
    switch (description.kind) {
      case "unavailable":
        return { kind: "whole", index };
      case "recipe": {
        const { recipe } = description;
        if (recipe.size !== size) throw wrongSize(state, recipe.size);
        if (!this.#take(recipe.lengths.length)) return { kind: "whole", index };
        return await this.#plan(state, recipe, signal);
      }
      case "pages":
        return await this.#compare(state, description, signal);
      case "chunks": {
        const recipe = state.told!.recipe(description.records);
        state.told = undefined;
        return await this.#plan(state, recipe, signal);
      }
      default:
        return description satisfies never;
    }
  }

  /** Asks for the chunks of those pages that no base has. */
  async #compare(
    state: State,
    { index, digest, pages }: Extract<Description, { kind: "pages" }>,
    signal?: AbortSignal,
  ): Promise<Lacking> {
    const told = new ToldPages(digest, pages, state.reusable.entry.size);
    if (!this.#take(told.chunks)) return { kind: "whole", index };
    const add = (recipe: Recipe | undefined): void => {
      if (recipe !== undefined) told.add(recipe);
    };
    add(await this.#ahead.partOf(index, signal));
    for (const candidate of state.reusable.candidates) {
      if (told.missingShare <= ENOUGH) break;
      add(await this.#ahead.recipeOf(candidate, signal));
    }
    if (!told.hasKnown || !this.#mayAsk(told)) return { kind: "whole", index };
    if (told.missing.length === 0) {
      const recipe = told.recipe(new Uint8Array(0));
      return await this.#plan(state, recipe, signal);
    }
    state.told = told;
    return { kind: "pages", index, pages: told.missing };
  }

  /** Decides where each chunk of the file comes from. */
  async #plan(
    state: State,
    recipe: Recipe,
    signal?: AbortSignal,
  ): Promise<Lacking> {
    const { index, path, candidates, hasOld } = state.reusable;
    const bases: Candidate[] = [];
    const recipes: Recipe[] = [];
    let runs = diffRecipes(recipe, recipes);
    const add = async (candidate: Candidate): Promise<void> => {
      const known = await this.#ahead.recipeOf(candidate, signal);
      if (known === undefined) return;
      bases.push(candidate);
      recipes.push(known);
      runs = diffRecipes(recipe, recipes);
    };
    const isEnough = (): boolean =>
      bases.length > 0 && missingBytes(runs) <= ENOUGH * recipe.size;
    for (const candidate of candidates) {
      if (!isEnough()) await add(candidate);
    }
    if (!isEnough()) {
      for (const candidate of this.#stored(recipe, runs, bases)) {
        await add(candidate);
      }
    }
    const part = await this.#ahead.partOf(index, signal);
    const staying = part && stayingChunks(recipe, part);
    const isCopied = runs.some(({ kind }) => kind === "copy");
    const hasRegions = hasOld && bases[0] === candidates[0];
    if (!isCopied && !hasRegions && staying === undefined) {
      return { kind: "whole", index };
    }
    const offsets = offsetsOf(recipe);
    const gaps: Gap[] = [];
    const requests: GapRequest[] = [];
    const open = new OpenBases(this.#cursor, bases);
    try {
      for (const gap of gapsOf(runs, recipe, recipes)) {
        for (const rest of withoutStaying(gap, offsets, staying)) {
          const signature = await this.#sign(path, rest, open);
          const region = signature === undefined ? [] : rest.region;
          gaps.push({ ...rest, region });
          const { offset, length } = rest;
          requests.push({ offset, length, signature });
        }
      }
    } catch (error) {
      if (!(error instanceof StaleError)) throw error;
      return { kind: "whole", index };
    } finally {
      open.close();
    }
    state.plan = {
      path,
      recipe,
      offsets,
      staying,
      runs,
      gaps,
      bases,
      isDrafted: bases[0] === candidates[0] && this.#ahead.isDrafted(index),
    };
    return { kind: "gaps", index, gaps: requests };
  }

  async #sign(
    path: RelPath,
    gap: Gap,
    bases: OpenBases,
  ): Promise<Signature | undefined> {
    const pause = this.#pacer.turn();
    if (pause !== undefined) await pause;
    if (this.#options.distrusted.has(path)) return undefined;
    const shape = this.#signing.shapeOf(gap);
    return shape && signatureOf(await bases.region(gap.region), shape);
  }

  /** Files that the store knows to hold what is missing. */
  #stored(
    recipe: Recipe,
    runs: readonly Run[],
    bases: readonly Candidate[],
  ): Candidate[] {
    const { store, tree } = this.#options;
    if (store === undefined) return [];
    const found: Candidate[] = [];
    for (const { path, version } of store.filesWith(missingIds(recipe, runs))) {
      if (found.length === MAX_STORED_BASES) break;
      const entry = entryAt(tree, path);
      const seen = entry?.kind === "file" ? versionOf(entry) : undefined;
      if (entry?.kind !== "file" || seen === undefined) continue;
      if (!equalVersions(seen, version)) continue;
      if (!bases.some((base) => base.path === path)) {
        found.push({ path, entry });
      }
    }
    return found;
  }

  /** Counts pages that are asked for; false if they are too many for one question. */
  #mayAsk({ missing, missingBytes }: ToldPages): boolean {
    const bytes = this.#asked.bytes + missingBytes;
    const pages = this.#asked.pages + missing.length;
    if (bytes > MAX_DESCRIPTION_BYTES || pages > MAX_ASKED_PAGES) return false;
    this.#asked = { bytes, pages };
    return true;
  }

  /** Counts chunks that are going to be kept in memory; false if they are too many. */
  #take(chunks: number): boolean {
    // They may be a quarter of the usual length: then not all files get through.
    if (this.#chunks + chunks > MAX_REUSED_CHUNKS) return false;
    this.#chunks += chunks;
    return true;
  }

  /** `state` is decided: what is for it alone is not needed any more. */
  #finish(state: State): void {
    state.done = true;
    state.told = undefined;
    this.#ahead.drop(state.reusable.index);
  }
}

function outOfPlace({ kind, index }: Description): ProtocolError {
  return new ProtocolError(`The ${kind} of file ${index} came out of place`);
}

function wrongSize(
  { reusable: { path, entry } }: State,
  size: number,
): ProtocolError {
  return new ProtocolError(
    `The recipe of ${displayPath(path)} is that of ${size} bytes, ` +
      `${entry.size} were announced`,
  );
}
