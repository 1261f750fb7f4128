/**
 * Pages of a recipe: two versions of a huge file are compared by pages first, and
 * only those that differ are compared by chunks. A page ends where the id of a
 * chunk says so, as a chunk ends where its bytes do: an edit changes the pages
 * around it and no others.
 *
 * - A page ends after the first chunk with which it has {@link MIN_PAGE_CHUNKS} or
 *   more and whose id begins with a number (16 bits, big-endian) below 1,365: one
 *   in 48, which makes 63 chunks on average. It ends after
 *   {@link MAX_PAGE_CHUNKS} in any case, and at the end of the recipe.
 * - The digest of a page is the SHA-256 of the text "lockstep page 1\n" and of its
 *   chunks as `recipe_codec.ts` writes them.
 * - The digest of a file is the SHA-256 of the text "lockstep file 1\n", of its
 *   size (8 bytes, unsigned, big-endian) and of the digests of its pages.
 *
 * The number in both texts is `RECIPE_VERSION`. The texts keep digests of files
 * and of pages apart: files have equal digests only if their recipes are equal, and
 * nobody can make a small file that has the digest of a large one.
 */
import { createHash } from "node:crypto";
import type { Digest } from "../core/entry.ts";
import { MAX_PAGE_CHUNKS, MIN_PAGE_CHUNKS } from "./limits.ts";
import { ID_BYTES, type Recipe, RECIPE_VERSION } from "./recipe.ts";
import { CHUNK_RECORD_BYTES, writeChunks } from "./recipe_codec.ts";

/** The pages of a recipe, in its order; none for an empty file. */
export interface Pages {
  /** {@link ID_BYTES} for each page. */
  readonly digests: Uint8Array;
  /** Number of the first chunk behind each page. */
  readonly ends: Uint32Array;
}

/** An id that begins with less ends its page. */
const PAGE_END_BELOW = 1_365;

const encoder = new TextEncoder();
const PAGE_TAG = encoder.encode(`lockstep page ${RECIPE_VERSION}\n`);
const FILE_TAG = encoder.encode(`lockstep file ${RECIPE_VERSION}\n`);

/** The pages that `recipe` has. */
export function pagesOf(recipe: Recipe): Pages {
  const count = recipe.lengths.length;
  const ends = new Uint32Array(Math.ceil(count / MIN_PAGE_CHUNKS));
  const digests = new Uint8Array(ends.length * ID_BYTES);
  const records = new Uint8Array(
    CHUNK_RECORD_BYTES * Math.min(count, MAX_PAGE_CHUNKS),
  );
  let page = 0;
  for (let first = 0; first < count; page++) {
    const end = pageEnd(recipe.ids, first, count);
    const used = records.subarray(0, CHUNK_RECORD_BYTES * (end - first));
    writeChunks(used, recipe, first, end);
    digests.subarray(page * ID_BYTES).setFromHex(pageDigest(used));
    ends[page] = end;
    first = end;
  }
  return {
    digests: digests.slice(0, page * ID_BYTES),
    ends: ends.slice(0, page),
  };
}

/** Number of the first chunk of page number `page`. */
export function pageStart({ ends }: Pages, page: number): number {
  return page === 0 ? 0 : ends[page - 1]!;
}

/** How many chunks page number `page` has. */
export function pageLength(pages: Pages, page: number): number {
  return pages.ends[page]! - pageStart(pages, page);
}

/** The digest of the page whose chunks, as they are written, are `records`. */
export function pageDigest(records: Uint8Array): Digest {
  return createHash("sha256").update(PAGE_TAG).update(records).digest("hex");
}

/** The digest of the file of `size` bytes with these pages. */
export function digestOfPages(pages: Pages, size: number): Digest {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(size));
  return createHash("sha256").update(FILE_TAG).update(bytes)
    .update(pages.digests).digest("hex");
}

/** The digest of the file that `recipe` describes. */
export function digestOfRecipe(recipe: Recipe): Digest {
  return digestOfPages(pagesOf(recipe), recipe.size);
}

/** Number of the first chunk behind the page that begins with chunk `first`. */
function pageEnd(ids: Uint8Array, first: number, count: number): number {
  const most = Math.min(count, first + MAX_PAGE_CHUNKS);
  for (let end = first + MIN_PAGE_CHUNKS; end < most; end++) {
    const at = (end - 1) * ID_BYTES;
    if ((ids[at]! << 8 | ids[at + 1]!) < PAGE_END_BELOW) return end;
  }
  return most;
}
