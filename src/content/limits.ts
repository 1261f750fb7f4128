/**
 * Every number that the content layer agrees on with its peers and its stores,
 * or holds them to.
 *
 * | what                          | least  | most      | unit                  |
 * | ----------------------------- | ------ | --------- | --------------------- |
 * | chunk, but for the last       | 16,384 | 262,144   | bytes                 |
 * | last chunk of a file          | 1      | 262,144   | bytes                 |
 * | chunks of a recipe            | 0      | 8,388,608 |                       |
 * | chunks of a page, but for the | 16     | 256       |                       |
 * | last page                     | 1      | 256       |                       |
 * | gap                           | 1      | 1,048,576 | bytes, in whole chunks |
 * | region of a signature         | 0      | 4,194,304 | bytes                 |
 * | block of a signature          | 16     | 65,536    | bytes                 |
 * | strong sum of a block         | 1      | 6         | bytes                 |
 */

/** Bytes of an id: the SHA-256 of a chunk. */
export const ID_BYTES = 32;

/** Shortest chunk, in bytes; only the last one of a file may be shorter. */
export const MIN_CHUNK_BYTES = 16 * 1024;

/** Longest chunk, in bytes. */
export const MAX_CHUNK_BYTES = 256 * 1024;

/**
 * Most chunks of a recipe: it takes 288 MiB then. The shortest file that could
 * have more is 128 GiB long, a usual one 512 GiB.
 */
export const MAX_RECIPE_CHUNKS = 8 * 1024 * 1024;

/** Fewest chunks of a page; only the last one of a recipe may have fewer. */
export const MIN_PAGE_CHUNKS = 16;

/** Most chunks of a page. */
export const MAX_PAGE_CHUNKS = 256;

/** Longest gap that is searched as one, in bytes. */
export const MAX_GAP_BYTES = 1024 * 1024;

/** Longest region that a signature describes, in bytes. */
export const MAX_REGION_BYTES = 4 * 1024 * 1024;

/** Shortest block of a signature, in bytes. */
export const MIN_BLOCK_BYTES = 16;

/** Longest block of a signature, in bytes. */
export const MAX_BLOCK_BYTES = 64 * 1024;

/** Longest strong sum, in bytes: a double holds it exactly. */
export const MAX_STRONG_BYTES = 6;
