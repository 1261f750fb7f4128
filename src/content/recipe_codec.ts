/**
 * Recipes and pages as bytes, for the wire and for stores. Big-endian.
 *
 * A recipe:
 *
 * | offset | size   | field    | allowed values                                |
 * | ------ | ------ | -------- | --------------------------------------------- |
 * | 0      | 1      | version  | 1 ({@link RECIPE_VERSION})                    |
 * | 1      | 3      | reserved | 0                                             |
 * | 4      | 4      | count    | n, 0 to 8,388,608 chunks                      |
 * | 8      | 36 * n | chunks   | see below; no more bytes follow               |
 *
 * A list of chunks, of a whole recipe or of a page:
 *
 * | offset | size   | field    | allowed values                                |
 * | ------ | ------ | -------- | --------------------------------------------- |
 * | 0      | 32 * n | ids      |                                               |
 * | 32 * n | 4 * n  | lengths  | 16,384 to 262,144; of the last chunk of the   |
 * |        |        |          | file 1 to 262,144                             |
 *
 * A list of pages:
 *
 * | offset | size   | field    | allowed values                                |
 * | ------ | ------ | -------- | --------------------------------------------- |
 * | 0      | 1      | version  | 1                                             |
 * | 1      | 3      | reserved | 0                                             |
 * | 4      | 4      | count    | m, 0 to 524,288 pages                         |
 * | 8      | 32 * m | digests  |                                               |
 * | ...    | 2 * m  | chunks   | of each page 16 to 256, of the last one 1 to  |
 * |        |        |          | 256; at most 8,388,608 in all                 |
 *
 * What is read is a copy: it does not keep the message that it came in.
 */
import { ProtocolError } from "../errors.ts";
import {
  MAX_CHUNK_BYTES,
  MAX_PAGE_CHUNKS,
  MAX_RECIPE_CHUNKS,
  MIN_CHUNK_BYTES,
  MIN_PAGE_CHUNKS,
} from "./limits.ts";
import type { Pages } from "./pages.ts";
import { ID_BYTES, type Recipe, RECIPE_VERSION } from "./recipe.ts";

/** Bytes of a chunk in a list: its id and its length. */
export const CHUNK_RECORD_BYTES: number = ID_BYTES + 4;

const HEADER_BYTES = 8;
const PAGE_RECORD_BYTES = ID_BYTES + 2;
const MAX_PAGES = MAX_RECIPE_CHUNKS / MIN_PAGE_CHUNKS;

export function encodeRecipe(recipe: Recipe): Uint8Array<ArrayBuffer> {
  const count = recipe.lengths.length;
  const bytes = new Uint8Array(HEADER_BYTES + CHUNK_RECORD_BYTES * count);
  writeHeader(bytes, count);
  writeChunks(bytes.subarray(HEADER_BYTES), recipe, 0, count);
  return bytes;
}

/** @throws {ProtocolError} If `bytes` are not what the table says. */
export function decodeRecipe(bytes: Uint8Array): Recipe {
  const count = readHeader(
    bytes,
    "a recipe",
    CHUNK_RECORD_BYTES,
    MAX_RECIPE_CHUNKS,
  );
  return readChunks(bytes.subarray(HEADER_BYTES), count, true);
}

/**
 * Writes the chunks from number `first` to before number `end` to the start of
 * `into`, which has room for {@link CHUNK_RECORD_BYTES} each.
 */
export function writeChunks(
  into: Uint8Array,
  recipe: Recipe,
  first: number,
  end: number,
): void {
  into.set(recipe.ids.subarray(first * ID_BYTES, end * ID_BYTES));
  const view = viewOf(into);
  let at = (end - first) * ID_BYTES;
  for (let i = first; i < end; i++, at += 4) {
    view.setUint32(at, recipe.lengths[i]!);
  }
}

/**
 * Reads a list of `count` chunks, which fills `bytes`. Where `isEnd`, its last
 * chunk is the last one of the file and may be short.
 * @throws {ProtocolError} If `bytes` are not what the table says.
 */
export function readChunks(
  bytes: Uint8Array,
  count: number,
  isEnd: boolean,
): Recipe {
  if (bytes.length !== count * CHUNK_RECORD_BYTES) {
    throw new ProtocolError(
      `Cannot read ${count} chunks: ${bytes.length} bytes came`,
    );
  }
  const view = viewOf(bytes);
  const lengths = new Uint32Array(count);
  let size = 0;
  for (let i = 0; i < count; i++) {
    const length = view.getUint32(count * ID_BYTES + 4 * i);
    const least = isEnd && i === count - 1 ? 1 : MIN_CHUNK_BYTES;
    if (length < least || length > MAX_CHUNK_BYTES) {
      throw new ProtocolError(
        `Cannot read chunk ${i}: a length of ${length} bytes is not allowed`,
      );
    }
    lengths[i] = length;
    size += length;
  }
  return { size, ids: bytes.slice(0, count * ID_BYTES), lengths };
}

export function encodePages(pages: Pages): Uint8Array<ArrayBuffer> {
  const count = pages.ends.length;
  const bytes = new Uint8Array(HEADER_BYTES + PAGE_RECORD_BYTES * count);
  writeHeader(bytes, count);
  bytes.set(pages.digests, HEADER_BYTES);
  const view = viewOf(bytes);
  let at = HEADER_BYTES + count * ID_BYTES;
  let before = 0;
  for (const end of pages.ends) {
    view.setUint16(at, end - before);
    before = end;
    at += 2;
  }
  return bytes;
}

/** @throws {ProtocolError} If `bytes` are not what the table says. */
export function decodePages(bytes: Uint8Array): Pages {
  const count = readHeader(
    bytes,
    "a list of pages",
    PAGE_RECORD_BYTES,
    MAX_PAGES,
  );
  const view = viewOf(bytes);
  const digestsEnd = HEADER_BYTES + count * ID_BYTES;
  const ends = new Uint32Array(count);
  let end = 0;
  for (let i = 0; i < count; i++) {
    const chunks = view.getUint16(digestsEnd + 2 * i);
    const least = i === count - 1 ? 1 : MIN_PAGE_CHUNKS;
    end += chunks;
    if (
      chunks < least || chunks > MAX_PAGE_CHUNKS || end > MAX_RECIPE_CHUNKS
    ) {
      throw new ProtocolError(
        `Cannot read page ${i}: ${chunks} chunks, ${end} in all, are not allowed`,
      );
    }
    ends[i] = end;
  }
  return { digests: bytes.slice(HEADER_BYTES, digestsEnd), ends };
}

function writeHeader(bytes: Uint8Array, count: number): void {
  bytes[0] = RECIPE_VERSION;
  viewOf(bytes).setUint32(4, count);
}

/** Checks the header, and that as many records follow as it says: how many. */
function readHeader(
  bytes: Uint8Array,
  what: string,
  recordBytes: number,
  most: number,
): number {
  if (bytes.length < HEADER_BYTES) {
    throw new ProtocolError(`Cannot read ${what}: ${bytes.length} bytes came`);
  }
  const view = viewOf(bytes);
  const version = view.getUint8(0);
  if (version !== RECIPE_VERSION) {
    throw new ProtocolError(
      `Cannot read ${what}: version ${version} is unknown`,
    );
  }
  // The version is 1 byte, the rest of its word is reserved.
  if (view.getUint32(0) !== RECIPE_VERSION * 2 ** 24) {
    throw new ProtocolError(`Cannot read ${what}: reserved bits are set`);
  }
  const count = view.getUint32(4);
  if (count > most) {
    throw new ProtocolError(
      `Cannot read ${what}: ${count} records, at most ${most} are allowed`,
    );
  }
  const expected = HEADER_BYTES + count * recordBytes;
  if (bytes.length !== expected) {
    throw new ProtocolError(
      `Cannot read ${what}: ${expected} bytes needed, ${bytes.length} came`,
    );
  }
  return count;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
