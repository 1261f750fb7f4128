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
 * |            | mtime time; resume u8 (0, 1), then as in wants                |
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
import { MAX_RECORDS, PAGE_BYTES } from "./limits.ts";

/** A file that is to be supplied, as it travels. */
export interface WireRequest {
  readonly index: number;
  readonly path: RelPath;
  readonly size: number;
  readonly mtime: number;
  readonly resume: Want["resume"];
}

export function* writeWants(
  page: ByteWriter,
  wants: Iterable<Want>,
): Generator<void> {
  let end = 0;
  for (const { first, count, resume } of wants) {
    page.varint(first - end);
    page.varint(2 * count + (resume === undefined ? 0 : 1));
    if (resume !== undefined) writeResume(page, resume);
    end = first + count;
    if (page.length >= PAGE_BYTES) yield;
  }
}

/** Reads the pages of one list of wants over `files` planned files. */
export class WantReader {
  readonly wants: Want[] = [];
  readonly #files: number;
  #end = 0;

  constructor(files: number) {
    this.#files = files;
  }

  read(reader: ByteReader): void {
    while (reader.left > 0) {
      const first = this.#end + reader.varint(this.#files, "a want");
      const count = reader.varint(2 * this.#files + 1, "a want");
      const resume = count % 2 === 1 ? readResume(reader) : undefined;
      const files = Math.floor(count / 2);
      this.#end = first + files;
      if (files === 0 || this.#end > this.#files) {
        throw new ProtocolError("A file is wanted that nobody offered");
      }
      if (resume !== undefined && files > 1) {
        throw new ProtocolError("Several files are to be resumed as one");
      }
      this.wants.push({ first, count: files, resume });
    }
  }
}

/** Writes the requests of one stream. */
export class RequestWriter {
  readonly #paths = new PathWriter();
  #next = 0;

  write(page: ByteWriter, request: SupplyRequest): void {
    page.varint(request.index - this.#next);
    this.#next = request.index + 1;
    this.#paths.write(page, request.path);
    page.varint(request.entry.size);
    page.f64(request.entry.mtime);
    page.u8(request.resume === undefined ? 0 : 1);
    if (request.resume !== undefined) writeResume(page, request.resume);
  }
}

/** Reads the pages of one stream of requests. */
export class RequestReader {
  readonly #paths = new PathReader();
  #next = 0;

  *read(reader: ByteReader): Generator<WireRequest> {
    while (reader.left > 0) {
      const index = this.#next + reader.varint(MAX_RECORDS, "a request");
      if (index >= MAX_RECORDS) {
        throw new ProtocolError("There are too many requests");
      }
      this.#next = index + 1;
      const path = this.#paths.readUsable(reader);
      const size = readSize(reader);
      const mtime = readTime(reader);
      const flag = reader.u8("a request");
      if (flag > 1) throw new ProtocolError("A request has unknown flags");
      const resume = flag === 1 ? readResume(reader) : undefined;
      yield { index, path, size, mtime, resume };
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
