/**
 * Files are described before they are sent, where both sides have the capability
 * "recipes": asked for of a source (describe), told by it or to a target
 * (described).
 *
 * | frame      | payload                                                       |
 * | ---------- | ------------------------------------------------------------- |
 * | describe   | each: index, less that before it less 1, varint; path; size;  |
 * |            | mtime time; number of pages varint, 0 for all of the file;    |
 * |            | each page: number, less that before it less 1, varint         |
 * | described  | each: index, less that before it less 1, varint; kind u8      |
 * |            | (0 unavailable, 1 recipe, 2 pages, 3 chunks); length varint,  |
 * |            | 0 if unavailable; as many bytes                               |
 *
 * What the bytes are is told in `content/recipe_codec.ts`: a recipe; the digest of
 * the file (32 bytes) and a list of its pages; or the lists of chunks of the pages
 * that were asked for. They may be cut into frames anywhere; the fields before them
 * stand in one.
 */
import type { RelPath } from "../core/path.ts";
import { ProtocolError } from "../errors.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { PathReader, PathWriter, readSize, readTime } from "./fields.ts";
import {
  MAX_ASKED_PAGES,
  MAX_DESCRIBED_FILES,
  MAX_DESCRIPTION_BYTES,
  MAX_PAYLOAD_BYTES,
  MAX_RECORDS,
  PAGE_BYTES,
} from "./limits.ts";

/** A file that is to be described, as it travels. */
export interface WireDescribe {
  readonly index: number;
  readonly path: RelPath;
  readonly size: number;
  readonly mtime: number;
  readonly pages: Uint32Array | undefined;
}

/** A description, encoded. */
export interface WireDescription {
  readonly index: number;
  readonly kind: DescriptionKind;
  readonly bytes: Uint8Array;
}

export type DescriptionKind = typeof KINDS[number];

const KINDS = ["unavailable", "recipe", "pages", "chunks"] as const;

/** Bytes of one description may be cut; less than this many go not alone. */
const LEAST_PART_BYTES = 1_024;

/** Bytes are taken as they come, in buffers that begin with so many at most. */
const FIRST_BUFFER_BYTES = 64 * 1024;

/** Yields whenever the page is full. */
export function* writeDescribes(
  page: ByteWriter,
  requests: Iterable<WireDescribe>,
): Generator<void> {
  const paths = new PathWriter();
  let next = 0;
  for (const { index, path, size, mtime, pages } of requests) {
    page.varint(index - next);
    next = index + 1;
    paths.write(page, path);
    page.varint(size);
    page.f64(mtime);
    page.varint(pages?.length ?? 0);
    writeIncreasing(page, pages ?? []);
    if (page.length >= PAGE_BYTES) yield;
  }
}

/** Reads the pages of one question. */
export class DescribeReader {
  readonly requests: WireDescribe[] = [];
  readonly #paths = new PathReader();
  #next = 0;
  #pages = 0;

  read(reader: ByteReader): void {
    while (reader.left > 0) {
      const index = readIndex(reader, this.#next, this.requests.length);
      this.#next = index + 1;
      const path = this.#paths.readUsable(reader);
      const size = readSize(reader);
      const mtime = readTime(reader);
      const count = reader.varint(
        MAX_ASKED_PAGES - this.#pages,
        "a number of pages",
      );
      this.#pages += count;
      const pages = count === 0 ? undefined : readIncreasing(reader, count);
      this.requests.push({ index, path, size, mtime, pages });
    }
  }
}

/** Writes numbers, each greater than the one before. */
export function writeIncreasing(
  page: ByteWriter,
  numbers: Iterable<number>,
): void {
  let next = 0;
  for (const number of numbers) {
    page.varint(number - next);
    next = number + 1;
  }
}

/** Reads `count` of them, which has been checked; each is below 2^20. */
export function readIncreasing(reader: ByteReader, count: number): Uint32Array {
  const numbers = new Uint32Array(count);
  let next = 0;
  for (let i = 0; i < count; i++) {
    const number = next + reader.varint(2 ** 20, "the number of a page");
    if (number >= 2 ** 20) throw new ProtocolError("A page has no such number");
    numbers[i] = number;
    next = number + 1;
  }
  return numbers;
}

/** Writes descriptions; yields whenever the page is full. */
export function* writeDescriptions(
  page: ByteWriter,
  descriptions: Iterable<WireDescription>,
): Generator<void> {
  let next = 0;
  for (const { index, kind, bytes } of descriptions) {
    page.varint(index - next);
    next = index + 1;
    page.u8(KINDS.indexOf(kind));
    page.varint(bytes.length);
    for (let at = 0; at < bytes.length;) {
      const room = MAX_PAYLOAD_BYTES - page.length;
      if (room < LEAST_PART_BYTES) {
        yield;
        continue;
      }
      page.raw(bytes.subarray(at, at + room));
      at += room;
    }
    if (page.length >= PAGE_BYTES) yield;
  }
}

/** Reads the pages of one list of descriptions. */
export class DescriptionReader {
  #next = 0;
  #count = 0;
  /** Bytes that may still come, in all descriptions together. */
  #room = MAX_DESCRIPTION_BYTES;
  #open:
    | { readonly index: number; readonly kind: DescriptionKind; left: number }
    | undefined;
  #bytes = new Uint8Array(0);
  #filled = 0;

  /** Whether a description has begun and not ended. */
  get incomplete(): boolean {
    return this.#open !== undefined;
  }

  /** The descriptions that end in this page, in order. */
  *read(reader: ByteReader): Generator<WireDescription> {
    for (;;) {
      if (this.#open !== undefined) {
        this.#fill(reader, this.#open);
        if (this.#open.left > 0) return;
        const { index, kind } = this.#open;
        this.#open = undefined;
        yield { index, kind, bytes: this.#bytes.subarray(0, this.#filled) };
      }
      if (reader.left === 0) return;
      const index = readIndex(reader, this.#next, this.#count);
      this.#next = index + 1;
      this.#count++;
      const kind = KINDS[reader.u8("the kind of a description")];
      const left = reader.varint(this.#room, "the length of a description");
      this.#room -= left;
      if (kind === undefined || (kind === "unavailable") !== (left === 0)) {
        throw new ProtocolError("A description is of no known kind");
      }
      this.#open = { index, kind, left };
      this.#bytes = new Uint8Array(Math.min(left, FIRST_BUFFER_BYTES));
      this.#filled = 0;
    }
  }

  #fill(reader: ByteReader, open: { left: number }): void {
    const length = Math.min(reader.left, open.left);
    const end = this.#filled + length;
    if (end > this.#bytes.length) {
      const most = this.#filled + open.left;
      const larger = new Uint8Array(
        Math.min(Math.max(2 * this.#bytes.length, end), most),
      );
      larger.set(this.#bytes.subarray(0, this.#filled));
      this.#bytes = larger;
    }
    this.#bytes.set(reader.raw(length, "a description"), this.#filled);
    this.#filled = end;
    open.left -= length;
  }
}

/** The number of the next file, of which there were `count` before. */
export function readIndex(
  reader: ByteReader,
  next: number,
  count: number,
): number {
  if (count === MAX_DESCRIBED_FILES) {
    throw new ProtocolError("Too many files are described at once");
  }
  const index = next + reader.varint(MAX_RECORDS, "the number of a file");
  if (index < MAX_RECORDS) return index;
  throw new ProtocolError("A file that is described has no such number");
}
