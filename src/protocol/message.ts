/**
 * Questions and answers about trees and changes. Records that may be many (paths,
 * problems …) are written into pages, which the caller sends when they
 * are full; the `write…s` generators yield then.
 *
 * | frame      | payload                                                       |
 * | ---------- | ------------------------------------------------------------- |
 * | scan       | flags u8 (bit 0 checksum, bit 1 modes, bit 2 owners),         |
 * |            | symlinks u8 (0 copy, 1 skip, 2 follow); number of ignore      |
 * |            | files varint, each a name, none twice; number of rules        |
 * |            | varint, each a text, not empty and without NUL                |
 * | progress   | entries seen so far, varint                                   |
 * | scanned    | root: a directory in the form of a listing; digest of the     |
 * |            | ignore files (`core/ignore_digest.ts`); totals: directories,  |
 * |            | files, symlinks, bytes, varint each                           |
 * | problems   | each: code u8 (1 stale, 2 unreadable, 3 failed, 4 skipped,    |
 * |            | 5 blocked, 6 kept), path, remark                              |
 * | list       | each: number of a directory, less that before it less 1       |
 * | confirm    | each: path                                                    |
 * | done       | one bit for each change, lowest first; 1 is done; in the last |
 * |            | byte of all, bits beyond the changes are 0                    |
 * | transition | nothing                                                       |
 * | stored     | nothing                                                       |
 * | synced     | round varint, from 1; digest of the source                    |
 * | watch      | nothing                                                       |
 * | noted      | nothing                                                       |
 */
import type { Digest, DirectoryEntry, Totals } from "../core/entry.ts";
import type { RelPath } from "../core/path.ts";
import type { Problem, ProblemCode } from "../core/problem.ts";
import type {
  IgnoreOptions,
  ScanOptions,
  SymlinkPolicy,
} from "../core/snapshot.ts";
import { ProtocolError } from "../errors.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { readEntry, writeEntry } from "./entry_codec.ts";
import {
  PathReader,
  PathWriter,
  readDigest,
  readName,
  readRemark,
  writeDigest,
  writeRemark,
} from "./fields.ts";
import {
  MAX_GIVEN_RULES,
  MAX_IGNORE_FILES,
  MAX_PATTERN_BYTES,
  MAX_RECORDS,
  PAGE_BYTES,
} from "./limits.ts";
import { Quota } from "./quota.ts";

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
  /** With its digest, and without what is in it. */
  readonly root: DirectoryEntry;
  readonly ignoreDigest: string;
  readonly totals: Totals;
}

export function writeScanOptions(page: ByteWriter, options: ScanOptions): void {
  page.u8(
    (options.checksum ? 1 : 0) | (options.modes ? 2 : 0) |
      (options.owners ? 4 : 0),
  );
  page.u8(SYMLINKS.indexOf(options.symlinks));
  for (const texts of [options.ignore.files, options.ignore.rules]) {
    page.varint(texts.length);
    for (const text of texts) page.text(text);
  }
}

export function readScanOptions(reader: ByteReader): ScanOptions {
  const flags = reader.u8("the scan options");
  const symlinks = SYMLINKS[reader.u8("the scan options")];
  if (flags > 7 || symlinks === undefined) {
    throw new ProtocolError("A scan has unknown options");
  }
  const ignore = readIgnoreOptions(reader);
  return {
    checksum: (flags & 1) !== 0,
    modes: (flags & 2) !== 0,
    owners: (flags & 4) !== 0,
    symlinks,
    ignore,
  };
}

function readIgnoreOptions(reader: ByteReader): IgnoreOptions {
  const files = new Set<string>();
  for (let left = reader.varint(MAX_IGNORE_FILES, "a scan"); left > 0; left--) {
    const name = readName(reader);
    if (name === undefined || files.has(name)) {
      throw new ProtocolError("A scan names an ignore file twice, or not");
    }
    files.add(name);
  }
  const rules: string[] = [];
  for (let left = reader.varint(MAX_GIVEN_RULES, "a scan"); left > 0; left--) {
    const rule = reader.text(MAX_PATTERN_BYTES, "an ignore rule");
    if (rule === "" || rule.includes("\0")) {
      throw new ProtocolError("A scan has an ignore rule that can't be one");
    }
    rules.push(rule);
  }
  return { files: [...files], rules };
}

export function writeScanSummary(page: ByteWriter, summary: ScanSummary): void {
  writeEntry(page, summary.root, "listing");
  writeDigest(page, summary.ignoreDigest);
  const { directories, files, symlinks, bytes } = summary.totals;
  for (const count of [directories, files, symlinks, bytes]) page.varint(count);
}

export function readScanSummary(reader: ByteReader): ScanSummary {
  const root = readEntry(reader, "listing");
  if (root.kind !== "directory") {
    throw new ProtocolError("The root of a tree is no directory");
  }
  const ignoreDigest = readDigest(reader);
  const directories = readCount(reader);
  const files = readCount(reader);
  const symlinks = readCount(reader);
  const bytes = reader.varint(Number.MAX_SAFE_INTEGER, "a count");
  return {
    root,
    ignoreDigest,
    totals: { directories, files, symlinks, bytes },
  };
}

export function writeSynced(
  page: ByteWriter,
  { round, digest }: { readonly round: number; readonly digest: Digest },
): void {
  page.varint(round);
  writeDigest(page, digest);
}

export function readSynced(
  reader: ByteReader,
): { readonly round: number; readonly digest: Digest } {
  const round = reader.varint(Number.MAX_SAFE_INTEGER, "a round");
  if (round === 0) throw new ProtocolError("Rounds are counted from 1");
  return { round, digest: readDigest(reader) };
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
  readonly #quota: Quota;
  readonly problems: Problem[] = [];

  constructor(quota: Quota = new Quota("problems")) {
    this.#quota = quota;
  }

  read(reader: ByteReader): void {
    while (reader.left > 0) {
      const code = PROBLEMS[reader.u8("a problem")];
      if (code === undefined) {
        throw new ProtocolError("A problem is of an unknown kind");
      }
      const path = this.#paths.read(reader);
      const message = readRemark(reader);
      this.#quota.take(path.length + message.length);
      this.problems.push({ code, path, message });
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
  readonly #quota: Quota;
  readonly paths: RelPath[] = [];

  constructor(quota: Quota = new Quota("paths")) {
    this.#quota = quota;
  }

  read(reader: ByteReader): void {
    while (reader.left > 0) {
      const path = this.#paths.readUsable(reader);
      this.#quota.take(path.length);
      this.paths.push(path);
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
