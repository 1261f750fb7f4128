/**
 * Fields that several messages share.
 *
 * | field  | layout                                                              |
 * | ------ | ------------------------------------------------------------------- |
 * | mode   | u16, 0 to 0o777                                                     |
 * | time   | f64, whole milliseconds from 1970, within ±8.64e15                  |
 * | size   | varint, bytes                                                       |
 * | digest | 32 bytes                                                            |
 * | name   | text, as {@link parseName} allows                                   |
 * | remark | text for people, at most 1,024 UTF-16 units                         |
 * | path   | varint: how many UTF-16 units it shares with the path before it in  |
 * |        | the same stream, up to and with a "/" (0 for the first); text: rest |
 */
import type { Digest } from "../core/entry.ts";
import {
  type Name,
  namesOf,
  parseName,
  parseRelPath,
  type RelPath,
  RESERVED_NAME,
} from "../core/path.ts";
import { ProtocolError } from "../errors.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import {
  MAX_NAME_BYTES,
  MAX_PATH_BYTES,
  MAX_PATH_LENGTH,
  MAX_TEXT_LENGTH,
  MAX_TIME_MS,
} from "./limits.ts";

const DIGEST_BYTES = 32;

export function readMode(reader: ByteReader): number {
  const mode = reader.u16("a mode");
  if (mode <= 0o777) return mode;
  throw new ProtocolError(`A mode is 0o${mode.toString(8)}`);
}

export function readTime(reader: ByteReader): number {
  return reader.integer(MAX_TIME_MS, "a time");
}

export function readSize(reader: ByteReader): number {
  return reader.varint(Number.MAX_SAFE_INTEGER, "a size");
}

/** @throws {TypeError} If `digest` is not 64 hexadecimal digits. */
export function writeDigest(writer: ByteWriter, digest: Digest): void {
  const bytes = Uint8Array.fromHex(digest);
  if (bytes.length !== DIGEST_BYTES) {
    throw new TypeError(`A digest has ${bytes.length} bytes`);
  }
  writer.raw(bytes);
}

export function readDigest(reader: ByteReader): Digest {
  return reader.raw(DIGEST_BYTES, "a digest").toHex();
}

/** Undefined stands for the empty text. */
export function readName(reader: ByteReader): Name | undefined {
  const text = reader.text(MAX_NAME_BYTES, "a name");
  return text === "" ? undefined : parseName(text);
}

/** What is too long is cut off. */
export function writeRemark(writer: ByteWriter, text: string): void {
  const cut = text.length > MAX_TEXT_LENGTH
    ? `${text.slice(0, MAX_TEXT_LENGTH - 1)}…`
    : text;
  writer.text(cut.toWellFormed());
}

export function readRemark(reader: ByteReader): string {
  const text = reader.text(3 * MAX_TEXT_LENGTH, "a text");
  if (text.length <= MAX_TEXT_LENGTH) return text;
  throw new ProtocolError(
    `A text has ${text.length} characters, at most ${MAX_TEXT_LENGTH} are allowed`,
  );
}

/** Writes the paths of one stream; they are shorter for standing in order. */
export class PathWriter {
  #previous = "";

  write(writer: ByteWriter, path: RelPath): void {
    const shared = sharedDirectory(this.#previous, path);
    writer.varint(shared);
    writer.text(shared === 0 ? path : path.slice(shared));
    this.#previous = path;
  }
}

/** Reads what a {@link PathWriter} wrote. */
export class PathReader {
  #previous = "";

  /** @throws {UnsafePathError} See {@link parseRelPath}. */
  read(reader: ByteReader): RelPath {
    const shared = reader.varint(MAX_PATH_LENGTH, "a path");
    const rest = reader.text(MAX_PATH_BYTES, "a path");
    let text = rest;
    if (shared > 0) {
      if (this.#previous[shared - 1] !== "/") {
        throw new ProtocolError(
          `A path shares ${shared} characters with the one before it, which has no directory of that length`,
        );
      }
      text = this.#previous.slice(0, shared) + rest;
    }
    const path = parseRelPath(text);
    this.#previous = path;
    return path;
  }

  /** Reads the path of something that a sync may touch. */
  readUsable(reader: ByteReader): RelPath {
    const path = this.read(reader);
    if (path.startsWith(RESERVED_NAME) && namesOf(path)[0] === RESERVED_NAME) {
      throw reservedName();
    }
    return path;
  }
}

export function reservedName(): ProtocolError {
  return new ProtocolError(`The name ${RESERVED_NAME} is reserved`);
}

/** Length of the longest common prefix that ends with "/". */
function sharedDirectory(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  let shared = 0;
  for (let i = 0; i < length; i++) {
    const unit = a.charCodeAt(i);
    if (unit !== b.charCodeAt(i)) break;
    if (unit === 0x2f) shared = i + 1;
  }
  return shared;
}
