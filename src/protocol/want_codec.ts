/**
 * Which content is asked for: by a target that lacks it (wants, in answer to a
 * stage), or of a source that has it (requests).
 *
 * | frame      | payload                                                       |
 * | ---------- | ------------------------------------------------------------- |
 * | wants      | each: first file, less the end of the want before it, varint; |
 * |            | 2 × count (+ 1 with resume), varint; resume: offset size, at  |
 * |            | least 1, digest of the bytes before it                        |
 * | supply     | each: index, less that before it less 1, varint; path; size;  |
 * |            | mtime time; u8: 0, 1 resume, then as in wants, or 2 gaps,     |
 * |            | then a list of them (`gap_codec.ts`)                          |
 *
 * Where both sides have the capability "recipes", the number in a want is 4 × count
 * (+ 1 with resume, + 2 if the files may be described first; not both).
 */
import type { RelPath } from "../core/path.ts";
import type { SupplyRequest, Want } from "../core/piece.ts";
import { ProtocolError } from "../errors.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import {
  PathReader,
  PathWriter,
  readDigest,
  readSize,
  readTime,
  writeDigest,
} from "./fields.ts";
import { GapReader, type WireGap, writeGaps } from "./gap_codec.ts";
import { MAX_RECORDS, PAGE_BYTES } from "./limits.ts";

/** A file that is to be supplied, as it travels. */
export interface WireRequest {
  readonly index: number;
  readonly path: RelPath;
  readonly size: number;
  readonly mtime: number;
  readonly resume: Want["resume"];
  readonly gaps?: readonly WireGap[];
}

/** What both sides of a session can do. */
export interface WantForm {
  /** Whether they have the capability "recipes"; not unless said. */
  readonly recipes?: boolean;
}

export function* writeWants(
  page: ByteWriter,
  wants: Iterable<Want>,
  { recipes = false }: WantForm = {},
): Generator<void> {
  let end = 0;
  for (const { first, count, resume, recipe = false } of wants) {
    page.varint(first - end);
    const flags = (resume === undefined ? 0 : 1) + (recipe ? 2 : 0);
    page.varint(recipes ? 4 * count + flags : 2 * count + flags % 2);
    if (resume !== undefined) writeResume(page, resume);
    end = first + count;
    if (page.length >= PAGE_BYTES) yield;
  }
}

/** Reads the pages of one list of wants over `files` planned files. */
export class WantReader {
  readonly wants: Want[] = [];
  readonly #files: number;
  readonly #recipes: boolean;
  #end = 0;

  constructor(files: number, { recipes = false }: WantForm = {}) {
    this.#files = files;
    this.#recipes = recipes;
  }

  read(reader: ByteReader): void {
    while (reader.left > 0) {
      const first = this.#end + reader.varint(this.#files, "a want");
      const scale = this.#recipes ? 4 : 2;
      const count = reader.varint(scale * (this.#files + 1) - 1, "a want");
      const flags = count % scale;
      if (flags === 3) {
        throw new ProtocolError("A file is to be resumed, and described");
      }
      const resume = flags === 1 ? readResume(reader) : undefined;
      const files = Math.floor(count / scale);
      this.#end = first + files;
      if (files === 0 || this.#end > this.#files) {
        throw new ProtocolError("A file is wanted that nobody offered");
      }
      if (resume !== undefined && files > 1) {
        throw new ProtocolError("Several files are to be resumed as one");
      }
      this.wants.push(
        flags === 2
          ? { first, count: files, resume, recipe: true }
          : { first, count: files, resume },
      );
    }
  }
}

/** Writes the requests of one stream. */
export class RequestWriter {
  readonly #paths = new PathWriter();
  #next = 0;

  /** Yields whenever the page is full. */
  *write(
    page: ByteWriter,
    request: SupplyRequest & { readonly gaps?: readonly WireGap[] },
  ): Generator<void> {
    const { index, path, entry, resume, gaps } = request;
    page.varint(index - this.#next);
    this.#next = index + 1;
    this.#paths.write(page, path);
    page.varint(entry.size);
    page.f64(entry.mtime);
    page.u8(gaps !== undefined ? 2 : resume !== undefined ? 1 : 0);
    if (gaps !== undefined) yield* writeGaps(page, gaps);
    else if (resume !== undefined) writeResume(page, resume);
    if (page.length >= PAGE_BYTES) yield;
  }
}

/** Reads the pages of one stream of requests. */
export class RequestReader {
  readonly #paths = new PathReader();
  readonly #gaps: GapReader;
  /** The request whose gaps are being read. */
  #open: Omit<WireRequest, "gaps"> | undefined;
  #next = 0;

  /** @param gaps Of all requests of a session: they count together. */
  constructor(gaps: GapReader = new GapReader()) {
    this.#gaps = gaps;
  }

  /** Whether a request has begun and not ended. */
  get incomplete(): boolean {
    return this.#open !== undefined;
  }

  /** The requests that end in this page, in order. */
  *read(reader: ByteReader): Generator<WireRequest> {
    for (;;) {
      if (this.#open !== undefined) {
        const gaps = this.#gaps.read(reader);
        if (gaps === undefined) return;
        yield { ...this.#open, gaps };
        this.#open = undefined;
      }
      if (reader.left === 0) return;
      const index = this.#next + reader.varint(MAX_RECORDS, "a request");
      if (index >= MAX_RECORDS) {
        throw new ProtocolError("There are too many requests");
      }
      this.#next = index + 1;
      const path = this.#paths.readUsable(reader);
      const size = readSize(reader);
      const mtime = readTime(reader);
      const flag = reader.u8("a request");
      if (flag > 2) throw new ProtocolError("A request has unknown flags");
      const resume = flag === 1 ? readResume(reader) : undefined;
      const request = { index, path, size, mtime, resume };
      if (flag === 2) {
        this.#gaps.begin(size);
        this.#open = request;
      } else yield request;
    }
  }
}

function writeResume(
  page: ByteWriter,
  resume: NonNullable<Want["resume"]>,
): void {
  page.varint(resume.offset);
  writeDigest(page, resume.digest);
}

function readResume(reader: ByteReader): NonNullable<Want["resume"]> {
  const offset = readSize(reader);
  if (offset === 0) throw new ProtocolError("Nothing is to be resumed");
  return { offset, digest: readDigest(reader) };
}
