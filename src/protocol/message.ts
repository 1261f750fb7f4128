/**
 * Questions and answers about trees and changes. Records that may be many (paths,
 * problems …) are written into pages, which the caller sends when they
 * are full; the `write…s` generators yield then.
 *
 * | frame      | payload                                                       |
 * | ---------- | ------------------------------------------------------------- |
 * | scan       | flags u8 (bit 0 checksum, bit 1 modes), symlinks u8 (0 copy,  |
 * |            | 1 skip, 2 follow)                                             |
 * | progress   | entries seen so far, varint                                   |
 * | scanned    | root: mode, mtime time, digest; totals: directories, files,   |
 * |            | symlinks, bytes, varint each                                  |
 * | problems   | each: code u8 (1 stale, 2 unreadable, 3 failed, 4 skipped,    |
 * |            | 5 blocked, 6 kept), path, remark                              |
 * | list       | each: number of a directory, less that before it less 1       |
 * | confirm    | each: path                                                    |
 * | done       | one bit for each change, lowest first; 1 is done; in the last |
 * |            | byte of all, bits beyond the changes are 0                    |
 * | transition | nothing                                                       |
 * | stored     | nothing                                                       |
 */
import type { Totals } from "../core/entry.ts";
import type { RelPath } from "../core/path.ts";
import type { Problem, ProblemCode } from "../core/problem.ts";
import type { ScanOptions, SymlinkPolicy } from "../core/snapshot.ts";
import { ProtocolError } from "../errors.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import {
  PathReader,
  PathWriter,
  readDigest,
  readMode,
  readRemark,
  readTime,
  writeDigest,
  writeRemark,
} from "./fields.ts";
import { MAX_RECORDS, PAGE_BYTES } from "./limits.ts";

const SYMLINKS: readonly SymlinkPolicy[] = ["copy", "skip", "follow"];

const PROBLEMS: readonly (ProblemCode | undefined)[] = [
  undefined,
  "stale",
  "unreadable",
  "failed",
  "skipped",
  "blocked",
  "kept",
];

/** What the answer to a scan begins with. */
export interface ScanSummary {
  readonly mode: number;
  readonly mtime: number;
  readonly digest: string;
  readonly totals: Totals;
}

export function writeScanOptions(page: ByteWriter, options: ScanOptions): void {
  page.u8((options.checksum ? 1 : 0) | (options.modes ? 2 : 0));
  page.u8(SYMLINKS.indexOf(options.symlinks));
}

export function readScanOptions(reader: ByteReader): ScanOptions {
  const flags = reader.u8("the scan options");
  const symlinks = SYMLINKS[reader.u8("the scan options")];
  if (flags > 3 || symlinks === undefined) {
    throw new ProtocolError("A scan has unknown options");
  }
  return { checksum: (flags & 1) !== 0, modes: (flags & 2) !== 0, symlinks };
}

export function writeScanSummary(page: ByteWriter, summary: ScanSummary): void {
  page.u16(summary.mode);
  page.f64(summary.mtime);
  writeDigest(page, summary.digest);
  const { directories, files, symlinks, bytes } = summary.totals;
  for (const count of [directories, files, symlinks, bytes]) page.varint(count);
}

export function readScanSummary(reader: ByteReader): ScanSummary {
  const mode = readMode(reader);
  const mtime = readTime(reader);
  const digest = readDigest(reader);
  const directories = readCount(reader);
  const files = readCount(reader);
  const symlinks = readCount(reader);
  const bytes = reader.varint(Number.MAX_SAFE_INTEGER, "a count");
  return {
    mode,
    mtime,
    digest,
    totals: { directories, files, symlinks, bytes },
  };
}

/** A number of entries or of records. */
export function readCount(reader: ByteReader): number {
  return reader.varint(MAX_RECORDS, "a count");
}

export function* writeProblems(
  page: ByteWriter,
  problems: Iterable<Problem>,
): Generator<void> {
  const paths = new PathWriter();
  for (const problem of problems) {
    page.u8(PROBLEMS.indexOf(problem.code));
    paths.write(page, problem.path);
    writeRemark(page, problem.message);
    if (page.length >= PAGE_BYTES) yield;
  }
}

/** Reads the pages of one list of problems. */
export class ProblemReader {
  readonly #paths = new PathReader();
  readonly problems: Problem[] = [];

  read(reader: ByteReader): void {
    while (reader.left > 0) {
      const code = PROBLEMS[reader.u8("a problem")];
      if (code === undefined || this.problems.length === MAX_RECORDS) {
        throw new ProtocolError("A problem is of an unknown kind, or too many");
      }
      const path = this.#paths.read(reader);
      this.problems.push({ code, path, message: readRemark(reader) });
    }
  }
}

/** `numbers` are strictly increasing. */
export function* writeNumbers(
  page: ByteWriter,
  numbers: Iterable<number>,
): Generator<void> {
  let next = 0;
  for (const number of numbers) {
    page.varint(number - next);
    next = number + 1;
    if (page.length >= PAGE_BYTES) yield;
  }
}

/** Reads the pages of one list of numbers, each below `limit`. */
export class NumberReader {
  readonly #limit: number;
  #next = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  *read(reader: ByteReader): Generator<number> {
    while (reader.left > 0) {
      const number = this.#next + reader.varint(MAX_RECORDS, "a number");
      if (number >= this.#limit) {
        throw new ProtocolError(
          `Number ${number} was asked for, there are ${this.#limit}`,
        );
      }
      this.#next = number + 1;
      yield number;
    }
  }
}

export function* writePaths(
  page: ByteWriter,
  paths: Iterable<RelPath>,
): Generator<void> {
  const writer = new PathWriter();
  for (const path of paths) {
    writer.write(page, path);
    if (page.length >= PAGE_BYTES) yield;
  }
}

/** Reads the pages of one list of paths. */
export class PathListReader {
  readonly #paths = new PathReader();
  readonly paths: RelPath[] = [];

  read(reader: ByteReader): void {
    while (reader.left > 0) {
      if (this.paths.length === MAX_RECORDS) {
        throw new ProtocolError("There are too many paths");
      }
      this.paths.push(this.#paths.readUsable(reader));
    }
  }
}

/** `done` has one byte for each change; 1 is done. */
export function* writeDone(
  page: ByteWriter,
  done: Uint8Array,
): Generator<void> {
  for (let at = 0; at < done.length; at += 8) {
    let bits = 0;
    for (let i = 0; i < 8; i++) {
      if (done[at + i] === 1) bits |= 1 << i;
    }
    page.u8(bits);
    if (page.length >= PAGE_BYTES) yield;
  }
}

/** Reads the pages of the bits for `changes` changes. */
export class DoneReader {
  /** One byte for each change; 1 is done. */
  readonly done: Uint8Array;
  #at = 0;

  constructor(changes: number) {
    this.done = new Uint8Array(changes);
  }

  get incomplete(): boolean {
    return this.#at < this.done.length;
  }

  read(reader: ByteReader): void {
    while (reader.left > 0) {
      const bits = reader.u8("what was done");
      const count = Math.min(8, this.done.length - this.#at);
      if (count === 0 || bits >>> count !== 0) {
        throw new ProtocolError("More was done than there was to do");
      }
      for (let i = 0; i < count; i++) {
        this.done[this.#at++] = bits >>> i & 1;
      }
    }
  }
}
