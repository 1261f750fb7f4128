/**
 * Makes the recipe of a file out of a list of its pages, known recipes and the
 * pages that came from a peer. Each page is proven by its digest as it comes, and
 * the whole by the digest of the file.
 */
import type { Digest } from "../core/entry.ts";
import { IntegrityError, ProtocolError } from "../errors.ts";
import { IdTable, idWordsOf } from "./id_table.ts";
import {
  digestOfRecipe,
  pageDigest,
  pageLength,
  type Pages,
  pageStart,
} from "./pages.ts";
import { ID_BYTES, type Recipe, RecipeBuilder } from "./recipe.ts";
import { CHUNK_RECORD_BYTES, readChunks, writeChunks } from "./recipe_codec.ts";

/** A recipe, and the pages it has. */
export interface PagedRecipe {
  readonly recipe: Recipe;
  readonly pages: Pages;
}

/** The chunks of page number `page`, as they travel: a list of `recipe_codec.ts`. */
export function encodePage(
  { recipe, pages }: PagedRecipe,
  page: number,
): Uint8Array<ArrayBuffer> {
  const first = pageStart(pages, page);
  const end = pages.ends[page]!;
  const bytes = new Uint8Array(CHUNK_RECORD_BYTES * (end - first));
  writeChunks(bytes, recipe, first, end);
  return bytes;
}

/**
 * The recipe with the pages `wanted`, of the file with that `digest`. Pages that
 * a base has are taken from there; `received` are the others, each as
 * {@link encodePage} made it, in the order of {@link missingPages}.
 * @throws {ProtocolError} If a page is not well-formed, or one is missing or extra.
 * @throws {IntegrityError} If a page, or the whole, is not what its digest says.
 */
export function assembleRecipe(
  wanted: Pages,
  digest: Digest,
  bases: readonly PagedRecipe[],
  received: Iterable<Uint8Array>,
): Recipe {
  const table = new IdTable(idWordsOf(bases.map((it) => it.pages.digests)));
  const digests = idWordsOf([wanted.digests]);
  const incoming = received[Symbol.iterator]();
  const builder = new RecipeBuilder();
  const count = wanted.ends.length;
  for (let i = 0; i < count; i++) {
    const known = table.find(digests, i);
    const next = known < 0 ? incoming.next() : undefined;
    if (next?.done) throw new ProtocolError(`Page ${i} did not come`);
    const records = next?.value ?? pageOf(bases, known);
    const expected = wanted.digests.subarray(i * ID_BYTES, (i + 1) * ID_BYTES);
    if (next !== undefined && pageDigest(records) !== expected.toHex()) {
      throw new IntegrityError(`Page ${i} is not what its digest says`);
    }
    const page = readChunks(records, pageLength(wanted, i), i === count - 1);
    for (const [j, length] of page.lengths.entries()) {
      builder.add(page.ids.subarray(j * ID_BYTES, (j + 1) * ID_BYTES), length);
    }
  }
  if (!incoming.next().done) {
    throw new ProtocolError("More pages came than were missing");
  }
  const recipe = builder.finish();
  if (digestOfRecipe(recipe) === digest) return recipe;
  throw new IntegrityError(`The recipe is not that of a file ${digest}`);
}

/** Page `number`, counted through all bases. */
function pageOf(bases: readonly PagedRecipe[], number: number): Uint8Array {
  let page = number;
  for (const base of bases) {
    const count = base.pages.ends.length;
    if (page < count) return encodePage(base, page);
    page -= count;
  }
  throw new RangeError(`Page ${number} is in no base`);
}
