/**
 * What a hub has of the files that are to come and were described: what it lacks of
 * them, and how each is put together. Chunks are looked up
 * in all that the hub has; older versions say where a finer search pays.
 */
import type {
  Description,
  GapRequest,
  Lacking,
} from "../content/description.ts";
import { type Gap, gapsOf } from "../content/gap.ts";
import { offsetsOf, type Recipe } from "../content/recipe.ts";
import { diffRecipes } from "../content/recipe_diff.ts";
import { withoutStaying } from "../content/staying.ts";
import { type Signature, signatureOf } from "../content/signature.ts";
import { SigningBudget } from "../content/signing_budget.ts";
import { ToldPages } from "../content/told_pages.ts";
import type { PlannedFile } from "../core/change.ts";
import type { Digest } from "../core/entry.ts";
import type { RelPath } from "../core/path.ts";
import { IntegrityError, ProtocolError } from "../errors.ts";
import { Pacer } from "../fs/pacer.ts";
import { MAX_ASKED_PAGES, MAX_DESCRIPTION_BYTES } from "../protocol/limits.ts";
import { type HubAssemblyPlan, readRegion } from "./hub_assembly.ts";
import { describable, type DescribableOptions } from "./hub_candidates.ts";
import type { Distrust } from "./incoming_file.ts";
import type { ContentReader, HubStore, StoredContent } from "./store.ts";

/**
 * Most chunks in the recipes of all files of one staging, and of the versions that
 * they are held against; by what chunks usually are, about 64 GiB in all. The rest
 * comes whole.
 */
const MAX_CHUNKS = 1024 * 1024;

/** Most bytes in all signatures of one staging; further gaps come as they are. */
const MAX_SIGNED_BYTES = 8 * 1024 * 1024;

/** How many older versions a file is held against. */
const MAX_BASES = 2;

/** What there is to look at. */
export interface HubReuseOptions extends DescribableOptions {
  readonly store: HubStore;
  /** Paths that have failed in this session. */
  readonly distrusted: ReadonlyMap<RelPath, Distrust>;
  /** Most chunks in all recipes that are kept in memory. */
  readonly maxChunks?: number;
}

/** How a described file comes to be here. */
export type DescribedPlan =
  /** All of it is here already. */
  | { readonly kind: "same"; readonly content: StoredContent }
  | HubAssemblyPlan;

/** How far one file is. */
interface State {
  readonly file: PlannedFile;
  /** Paths of files that it is probably like. */
  readonly alike: readonly RelPath[];
  /** What was told of it, while the chunks of its pages are awaited. */
  told: ToldPages | undefined;
  isDone: boolean;
  plan: DescribedPlan | undefined;
}

/** The files of one staging that may be made of what a hub has. Its owner closes it. */
export class HubReuse {
  readonly #options: HubReuseOptions;
  readonly #states = new Map<number, State>();
  readonly #pacer = new Pacer();
  #chunks = 0;
  readonly #signing = new SigningBudget(MAX_SIGNED_BYTES);
  /** Of what is being answered. */
  #asked = { bytes: 0, pages: 0 };
  #isOver = false;

  constructor(options: HubReuseOptions) {
    this.#options = options;
    for (const [index, alike] of describable(options)) {
      const file = options.files[index]!;
      if (options.distrusted.get(file.path) === "recipe") continue;
      this.#states.set(index, {
        file,
        alike: alike.slice(0, MAX_BASES),
        told: undefined,
        isDone: false,
        plan: undefined,
      });
    }
  }

  /** Whether file number `index` is to be described before it is sent. */
  has(index: number): boolean {
    return this.#states.has(index);
  }

  /** How file number `index` is made; undefined: it comes as a whole. */
  planOf(index: number): DescribedPlan | undefined {
    return this.#states.get(index)?.plan;
  }

  /** Nothing more will be described: content comes. */
  settle(): void {
    this.#isOver = true;
  }

  /** Gives up what no file has taken. */
  close(): void {
    this.#isOver = true;
    for (const { plan } of this.#states.values()) {
      if (plan?.kind === "same") plan.content.release();
      else if (plan?.kind === "made") {
        plan.writer.abort();
        for (const base of plan.bases) base.close();
      }
    }
    this.#states.clear();
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
      const pause = this.#pacer.turn();
      if (pause !== undefined) await pause;
      signal?.throwIfAborted();
      const { index } = description;
      const state = this.#states.get(index);
      if (state === undefined || state.isDone || this.#isOver) {
        throw new ProtocolError(
          `Nobody wants file ${index} to be described`,
        );
      }
      const answer = await this.#answer(state, description);
      if (answer.kind !== "pages") {
        state.isDone = true;
        state.told = undefined;
      }
      answers.push(answer);
    }
    return answers;
  }

  async #answer(state: State, description: Description): Promise<Lacking> {
    const { kind, index } = description;
    const { told } = state;
    if ((kind === "chunks") !== (told !== undefined)) {
      if (kind !== "unavailable") {
        throw new ProtocolError(
          `The ${kind} of file ${index} came out of place`,
        );
      }
    }
    switch (kind) {
      case "unavailable":
        return { kind: "whole", index };
      case "recipe":
        return await this.#planRecipe(state, description.recipe);
      case "pages":
        return await this.#compare(state, description);
      case "chunks":
        return await this.#plan(
          state,
          told!.recipe(description.records),
          await this.#versions(state),
        );
      default:
        return kind satisfies never;
    }
  }

  /** Asks for the chunks of those pages that no version here has. */
  async #compare(
    state: State,
    { index, digest, pages }: Extract<Description, { kind: "pages" }>,
  ): Promise<Lacking> {
    const told = new ToldPages(digest, pages, state.file.entry.size);
    const versions = await this.#versions(state);
    for (const { recipe } of versions) told.add(recipe);
    const bytes = this.#asked.bytes + told.missingBytes;
    const count = this.#asked.pages + told.missing.length;
    const isTooMuch = bytes > MAX_DESCRIPTION_BYTES ||
      count > MAX_ASKED_PAGES;
    if (isTooMuch || !this.#take(told.chunks, versions)) {
      return { kind: "whole", index };
    }
    this.#asked = { bytes, pages: count };
    if (told.missing.length === 0) {
      return await this.#plan(state, told.recipe(NOTHING), versions);
    }
    state.told = told;
    return { kind: "pages", index, pages: told.missing };
  }

  /** As {@link #plan}, where all chunks were told at once. @throws {ProtocolError} */
  async #planRecipe(state: State, recipe: Recipe): Promise<Lacking> {
    const { index, entry } = state.file;
    if (recipe.size !== entry.size) {
      throw new ProtocolError(
        `The recipe of file ${index} is that of ${recipe.size} bytes, ` +
          `${entry.size} were announced`,
      );
    }
    const versions = await this.#versions(state);
    if (!this.#take(recipe.lengths.length, versions)) {
      return { kind: "whole", index };
    }
    return await this.#plan(state, recipe, versions);
  }

  /** Counts chunks that are going to be kept in memory; false if they are too many. */
  #take(chunks: number, versions: readonly Version[]): boolean {
    const { maxChunks = MAX_CHUNKS } = this.#options;
    const sum = versions.reduce(
      (sum, { recipe }) => sum + recipe.lengths.length,
      this.#chunks + chunks,
    );
    if (sum > maxChunks) return false;
    this.#chunks = sum;
    return true;
  }

  /** Decides what of a file has to come, which may be like `versions`. */
  async #plan(
    state: State,
    recipe: Recipe,
    versions: readonly Version[],
  ): Promise<Lacking> {
    const { index, path } = state.file;
    if (this.#isOver) return { kind: "whole", index };
    const same = this.#same(recipe, versions);
    if (same !== undefined) {
      state.plan = { kind: "same", content: same };
      return { kind: "gaps", index, gaps: [] };
    }
    const plan = await this.#planParts(path, recipe, versions);
    if (plan === undefined) return { kind: "whole", index };
    const { requests, ...made } = plan;
    state.plan = made;
    return { kind: "gaps", index, gaps: requests };
  }

  /** Where each part of a file comes from; undefined: all of it is to come. */
  async #planParts(
    path: RelPath,
    recipe: Recipe,
    versions: readonly Version[],
  ): Promise<
    HubAssemblyPlan & { readonly requests: readonly GapRequest[] } | undefined
  > {
    const { store, client } = this.#options;
    // Whatever is not handed over in the end is given up.
    using unused = new DisposableStack();
    const bases: ContentReader[] = [];
    const recipes: Recipe[] = [];
    for (const version of versions) {
      const reader = store.open(version.digest);
      if (reader === undefined) continue;
      unused.defer(() => reader.close());
      bases.push(reader);
      recipes.push(version.recipe);
    }
    const writer = await store.writeRecipe(recipe, client);
    unused.defer(() => writer.abort());
    const { here } = writer;
    if (!here.includes(1) && bases.length === 0) return undefined;
    const offsets = offsetsOf(recipe);
    const gaps: Gap[] = [];
    const requests: GapRequest[] = [];
    for (const around of gapsFor(recipe, recipes, here)) {
      for (const gap of withoutStaying(around, offsets, here)) {
        const pause = this.#pacer.turn();
        if (pause !== undefined) await pause;
        const signature = this.#sign(path, gap, bases);
        gaps.push(signature === undefined ? { ...gap, region: [] } : gap);
        const { offset, length } = gap;
        requests.push({ offset, length, signature });
      }
    }
    if (this.#isOver) return undefined;
    unused.move();
    return { kind: "made", recipe, offsets, gaps, bases, writer, requests };
  }

  /** Content that has this very recipe. */
  #same(
    recipe: Recipe,
    versions: readonly Version[],
  ): StoredContent | undefined {
    const { store } = this.#options;
    const whole = versions.find((version) =>
      isSameRecipe(version.recipe, recipe)
    );
    if (whole !== undefined) return store.hold(whole.digest);
    if (recipe.lengths.length !== 1) return undefined;
    // The id of a chunk is also the digest of the file that is nothing else.
    const held = store.hold(recipe.ids.toHex());
    if (held?.size === recipe.size) return held;
    held?.release();
    return undefined;
  }

  #sign(
    path: RelPath,
    gap: Gap,
    bases: readonly ContentReader[],
  ): Signature | undefined {
    if (this.#options.distrusted.has(path)) return undefined;
    const shape = this.#signing.shapeOf(gap);
    if (shape === undefined) return undefined;
    try {
      return signatureOf(readRegion(bases, gap.region), shape);
    } catch (error) {
      // It is sent then: what is damaged is no help.
      if (error instanceof IntegrityError) return undefined;
      throw error;
    }
  }

  /** What stands, or stood last, at the paths of what the file is like. */
  async #versions({ alike }: State): Promise<Version[]> {
    const { store } = this.#options;
    const versions: Version[] = [];
    for (const path of alike) {
      const record = await store.latest(path);
      if (record?.digest === undefined) continue;
      const { digest } = record;
      if (versions.some((version) => version.digest === digest)) continue;
      const recipe = store.recipe(digest);
      if (recipe !== undefined) versions.push({ digest, recipe });
    }
    return versions;
  }
}

const NOTHING = new Uint8Array(0);

/** Content of the hub. */
interface Version {
  readonly digest: Digest;
  readonly recipe: Recipe;
}

/** Where chunks are missing in the `bases`, with what they may be like there. */
function gapsFor(
  recipe: Recipe,
  bases: readonly Recipe[],
  here: Uint8Array,
): Gap[] {
  const runs = diffRecipes(recipe, bases);
  // A chunk of a base that is damaged has to come, too.
  const isWhole = runs.every(({ kind, first, count }) =>
    kind === "missing" || !here.subarray(first, first + count).includes(0)
  );
  return isWhole
    ? gapsOf(runs, recipe, bases)
    : gapsOf(diffRecipes(recipe, []), recipe, []);
}

function isSameRecipe(a: Recipe, b: Recipe): boolean {
  return a.size === b.size && a.lengths.length === b.lengths.length &&
    isSame(a.lengths, b.lengths) && a.ids.length === b.ids.length &&
    isSame(a.ids, b.ids);
}

function isSame(
  a: Uint8Array | Uint32Array,
  b: Uint8Array | Uint32Array,
): boolean {
  return a.every((value, i) => value === b[i]);
}
