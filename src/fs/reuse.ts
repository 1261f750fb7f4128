/**
 * What a target has of the files that are to come: compares the recipes that it is
 * told with those of its own files, and plans how each file is made. Its own files
 * are read in advance, while the other side reads its ones.
 */
import type { Description, Lacking } from "../content/description.ts";
import { gapsOf } from "../content/gap.ts";
import { MAX_CHUNK_BYTES, MIN_CHUNK_BYTES } from "../content/limits.ts";
import { type Pages, pagesOf } from "../content/pages.ts";
import { ID_BYTES, offsetsOf, type Recipe } from "../content/recipe.ts";
import {
  assembleRecipe,
  type PagedRecipe,
} from "../content/recipe_assembly.ts";
import { CHUNK_RECORD_BYTES } from "../content/recipe_codec.ts";
import { diffRecipes, missingPages, type Run } from "../content/recipe_diff.ts";
import { shapeFor, type Signature, signatureOf } from "../content/signature.ts";
import type { Digest, DirectoryEntry } from "../core/entry.ts";
import { displayPath, type RelPath } from "../core/path.ts";
import { entryAt } from "../core/snapshot.ts";
import { IntegrityError, ProtocolError, StaleError } from "../errors.ts";
import type { AssemblyPlan, PlannedGap } from "./assembly.ts";
import type { Candidate, Reusable } from "./candidates.ts";
import { MAX_ASKED_PAGES, MAX_DESCRIPTION_BYTES } from "../protocol/limits.ts";
import { DirectoryCursor } from "./directory_cursor.ts";
import type { Draft } from "./draft.ts";
import type { Directory, ReadableFile } from "./file_system.ts";
import { OpenBases } from "./open_bases.ts";
import { Pacer } from "./pacer.ts";
import { type RecipeCopy, RecipeReader } from "./recipe_reader.ts";
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
export const MAX_REUSED_CHUNKS = 2 * 1024 * 1024;

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
  /** What was told of it, while the chunks of these pages are awaited. */
  asked:
    | {
      readonly digest: Digest;
      readonly pages: Pages;
      readonly numbers: Uint32Array;
      readonly paged: readonly PagedRecipe[];
    }
    | undefined;
  done: boolean;
  plan: AssemblyPlan | undefined;
}

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

/** The files of one staging that may be made of others. Its owner closes it. */
export class Reuse {
  readonly #options: ReuseOptions;
  readonly #states = new Map<number, State>();
  readonly #reader: RecipeReader;
  readonly #cursor: DirectoryCursor;
  readonly #pacer = new Pacer();
  /** Which file is begun as a copy of the one at a path. */
  readonly #copying = new Map<RelPath, State>();
  /** By path; a file may be a candidate for several. */
  readonly #recipes = new Map<RelPath, Promise<Recipe | undefined>>();
  /** Of what is staged in part, by number. */
  readonly #parts = new Map<number, Promise<Recipe | undefined>>();
  /** Files that were begun as copies, by number. */
  readonly #drafted = new Set<number>();
  readonly #made = new Map<number, FileVersion>();
  #staged: StagedParts | undefined;
  #chunks = 0;
  /** Of what is being answered. */
  #asked = { bytes: 0, pages: 0 };
  #signedBytes = 0;
  #isOver = false;

  constructor(options: ReuseOptions) {
    const { root, store, distrusted } = options;
    this.#options = options;
    this.#reader = new RecipeReader(root, { follow: false, store });
    this.#cursor = new DirectoryCursor(root);
    let chunks = 0;
    for (const reusable of options.reusables) {
      const { index, path, entry, candidates } = reusable;
      const bytes = entry.size + candidates[0]!.entry.size;
      const usual = Math.ceil(bytes / USUAL_CHUNK_BYTES) + 2;
      if (distrusted.get(path) === "recipe") continue;
      if (chunks + usual > MAX_REUSED_CHUNKS) continue;
      chunks += usual;
      const state = {
        reusable,
        asked: undefined,
        done: false,
        plan: undefined,
      };
      this.#states.set(index, state);
      const { path: from, entry: base } = candidates[0]!;
      const isAlike = base.size === entry.size && base.mtime === entry.mtime;
      // Of an old version most stays in its place, of what was renamed all does.
      if (reusable.hasOld || isAlike && !this.#copying.has(from)) {
        this.#copying.set(from, state);
      }
    }
  }

  /** Whether file number `index` is to be described before it is sent. */
  has(index: number): boolean {
    return this.#states.has(index);
  }

  /** File number `index` is here already. */
  drop(index: number): void {
    this.#states.delete(index);
  }

  /** Begins to read what will be needed, without being waited for. */
  begin(staged: StagedParts): void {
    this.#staged = staged;
    void this.#readAhead();
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
    this.#recipes.clear();
    this.#parts.clear();
    this.#cursor.close();
    await this.#reader.close();
  }

  async #answer(
    state: State,
    description: Description,
    signal?: AbortSignal,
  ): Promise<Lacking> {
    const { index } = description;
    const { size } = state.reusable.entry;
    if ((description.kind === "chunks") !== (state.asked !== undefined)) {
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
        const recipe = await this.#assemble(state, description.records);
        if (recipe.size !== size) throw wrongSize(state, recipe.size);
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
    const { size } = state.reusable.entry;
    const count = pages.ends.at(-1) ?? 0;
    // All chunks but the last have a least length, and each has a greatest one.
    if (
      (count - 1) * MIN_CHUNK_BYTES >= size || count * MAX_CHUNK_BYTES < size
    ) throw wrongSize(state, undefined);
    if (!this.#take(count)) return { kind: "whole", index };
    const paged: PagedRecipe[] = [];
    let numbers: Uint32Array | undefined;
    const add = (recipe: Recipe | undefined): void => {
      if (recipe === undefined) return;
      paged.push({ recipe, pages: pagesOf(recipe) });
      numbers = missingPages(pages, paged.map((it) => it.pages));
    };
    add(await this.#partOf(index, signal));
    for (const candidate of state.reusable.candidates) {
      const lacking = numbers?.length ?? pages.ends.length;
      if (lacking <= ENOUGH * pages.ends.length) break;
      add(await this.#recipeOf(candidate, signal));
    }
    if (numbers === undefined || !this.#mayAsk(pages, numbers)) {
      return { kind: "whole", index };
    }
    state.asked = { digest, pages, numbers, paged };
    if (numbers.length > 0) return { kind: "pages", index, pages: numbers };
    const recipe = await this.#assemble(state, new Uint8Array(0));
    if (recipe.size !== size) throw wrongSize(state, recipe.size);
    return await this.#plan(state, recipe, signal);
  }

  /** The recipe, with the chunks of the pages that were asked for. */
  // deno-lint-ignore require-await -- it rejects where it would throw
  async #assemble(state: State, records: Uint8Array): Promise<Recipe> {
    const { digest, pages, numbers, paged } = state.asked!;
    state.asked = undefined;
    const parts: Uint8Array[] = [];
    let at = 0;
    for (const number of numbers) {
      const first = number === 0 ? 0 : pages.ends[number - 1]!;
      const length = (pages.ends[number]! - first) * CHUNK_RECORD_BYTES;
      parts.push(records.subarray(at, at + length));
      at += length;
    }
    if (at !== records.length) {
      throw new ProtocolError(
        `The chunks of ${
          displayPath(state.reusable.path)
        } have ${records.length} bytes instead of ${at}`,
      );
    }
    try {
      return assembleRecipe(pages, digest, paged, parts);
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error;
      throw new ProtocolError(error.message, "protocol", { cause: error });
    }
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
      const known = await this.#recipeOf(candidate, signal);
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
    const part = await this.#partOf(index, signal);
    const staying = part && stayingChunks(recipe, part);
    const isCopied = runs.some(({ kind }) => kind === "copy");
    const hasRegions = hasOld && bases[0] === candidates[0];
    if (!isCopied && !hasRegions && staying === undefined) {
      return { kind: "whole", index };
    }
    const offsets = offsetsOf(recipe);
    const planned: PlannedGap[] = [];
    const gaps: (PlannedGap & { signature: Signature | undefined })[] = [];
    const open = new OpenBases(this.#cursor, bases);
    try {
      for (const gap of gapsOf(runs, recipe, recipes)) {
        for (const rest of withoutStaying(gap, offsets, staying)) {
          const signature = await this.#sign(path, rest, open);
          const region = signature === undefined ? [] : rest.region;
          planned.push({ ...rest, region });
          gaps.push({ ...rest, signature });
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
      gaps: planned,
      bases,
      isDrafted: bases[0] === candidates[0] && this.#drafted.has(index),
    };
    return {
      kind: "gaps",
      index,
      gaps: gaps.map(({ offset, length, signature }) => ({
        offset,
        length,
        signature,
      })),
    };
  }

  async #sign(
    path: RelPath,
    { region, length }: PlannedGap,
    bases: OpenBases,
  ): Promise<Signature | undefined> {
    const pause = this.#pacer.turn();
    if (pause !== undefined) await pause;
    if (region.length === 0 || this.#options.distrusted.has(path)) {
      return undefined;
    }
    const regionBytes = region.reduce((sum, range) => sum + range.length, 0);
    const shape = shapeFor(regionBytes, length);
    // Weak and strong sums; those of the last few megabytes may go beyond it.
    this.#signedBytes += regionBytes / shape.blockBytes *
      (3 + shape.strongBytes);
    if (this.#signedBytes > MAX_SIGNED_BYTES) return undefined;
    return signatureOf(await bases.region(region), shape);
  }

  /** Files that the store knows to hold what is missing. */
  #stored(
    recipe: Recipe,
    runs: readonly Run[],
    bases: readonly Candidate[],
  ): Candidate[] {
    const { store, tree } = this.#options;
    if (store === undefined) return [];
    const missing = runs.filter(({ kind }) => kind === "missing");
    const count = missing.reduce((sum, run) => sum + run.count, 0);
    const ids = new Uint8Array(count * ID_BYTES);
    let at = 0;
    for (const { first, count } of missing) {
      ids.set(
        recipe.ids.subarray(first * ID_BYTES, (first + count) * ID_BYTES),
        at,
      );
      at += count * ID_BYTES;
    }
    const found: Candidate[] = [];
    for (const { path, version } of store.filesWith(ids)) {
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
  #mayAsk(pages: Pages, numbers: Uint32Array): boolean {
    let chunks = 0;
    for (const number of numbers) {
      chunks += pages.ends[number]! -
        (number === 0 ? 0 : pages.ends[number - 1]!);
    }
    const bytes = this.#asked.bytes + chunks * CHUNK_RECORD_BYTES;
    const count = this.#asked.pages + numbers.length;
    if (bytes > MAX_DESCRIPTION_BYTES || count > MAX_ASKED_PAGES) return false;
    this.#asked = { bytes, pages: count };
    return true;
  }

  /** Counts chunks that are going to be kept in memory; false if they are too many. */
  #take(chunks: number): boolean {
    // They may be a quarter of the usual length: then not all files get through.
    if (this.#chunks + chunks > MAX_REUSED_CHUNKS) return false;
    this.#chunks += chunks;
    return true;
  }

  #recipeOf(
    { path, entry }: Candidate,
    signal?: AbortSignal,
  ): Promise<Recipe | undefined> {
    let recipe = this.#recipes.get(path);
    if (recipe === undefined) {
      const state = this.#copying.get(path);
      const openCopy = state && (() => this.#openDraft(state));
      recipe = this.#reader.recipeOf(path, entry, undefined, openCopy);
      // Whoever needs it hears of it.
      recipe.catch(() => {});
      this.#recipes.set(path, recipe);
    }
    return unlessAborted(recipe, signal);
  }

  /** Begins the file of `state` as a copy of what it is likely made of. */
  async #openDraft(
    { done, reusable: { index } }: State,
  ): Promise<RecipeCopy | undefined> {
    // What is here, or what a plan counts on, is not begun anew.
    if (done || !this.has(index) || this.#drafted.has(index)) return undefined;
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

  #partOf(
    index: number,
    signal?: AbortSignal,
  ): Promise<Recipe | undefined> {
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

  /** Reads old versions and staged parts in the order in which they will be needed. */
  async #readAhead(): Promise<void> {
    try {
      for (const { reusable, done } of this.#states.values()) {
        if (this.#isOver) return;
        if (done) continue;
        await this.#recipeOf(reusable.candidates[0]!);
        await this.#partOf(reusable.index);
      }
    } catch {
      // Whoever needs it hears of it.
    }
  }

  /** What was read for `state` alone is not needed any more. */
  #finish(state: State): void {
    state.done = true;
    state.asked = undefined;
    this.#parts.delete(state.reusable.index);
    if (state.reusable.hasOld) {
      this.#recipes.delete(state.reusable.path);
    }
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

function missingBytes(runs: readonly Run[]): number {
  return runs.reduce(
    (sum, run) => sum + (run.kind === "missing" ? run.length : 0),
    0,
  );
}

/** Which chunks of `recipe` lie in their place in `part`; undefined where none does. */
function stayingChunks(recipe: Recipe, part: Recipe): Uint8Array | undefined {
  const staying = new Uint8Array(recipe.lengths.length);
  let found = false;
  let at = 0;
  let partAt = 0;
  let j = 0;
  for (const [i, length] of recipe.lengths.entries()) {
    while (j < part.lengths.length && partAt < at) partAt += part.lengths[j++]!;
    if (
      partAt === at && part.lengths[j] === length &&
      sameBytes(recipe.ids, i, part.ids, j)
    ) {
      staying[i] = 1;
      found = true;
    }
    at += length;
  }
  return found ? staying : undefined;
}

function sameBytes(
  a: Uint8Array,
  i: number,
  b: Uint8Array,
  j: number,
): boolean {
  for (let k = 0; k < ID_BYTES; k++) {
    if (a[i * ID_BYTES + k] !== b[j * ID_BYTES + k]) return false;
  }
  return true;
}

/** What is left of `gap` between the chunks that stay. */
function* withoutStaying(
  gap: PlannedGap,
  offsets: Float64Array,
  staying: Uint8Array | undefined,
): Generator<PlannedGap> {
  const end = gap.first + gap.count;
  let first = gap.first;
  for (let i = first; i <= end; i++) {
    if (i < end && staying?.[i] !== 1) continue;
    if (i > first) {
      const offset = offsets[first]!;
      const length = offsets[i]! - offset;
      yield { first, count: i - first, offset, length, region: gap.region };
    }
    first = i + 1;
  }
}

function outOfPlace({ kind, index }: Description): ProtocolError {
  return new ProtocolError(`The ${kind} of file ${index} came out of place`);
}

function wrongSize(
  { reusable: { path, entry } }: State,
  size: number | undefined,
): ProtocolError {
  return new ProtocolError(
    `The recipe of ${displayPath(path)} is not that of ${entry.size} bytes${
      size === undefined ? "" : `, but of ${size}`
    }`,
  );
}
