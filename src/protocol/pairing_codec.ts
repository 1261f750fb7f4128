/**
 * What two sides of a two-way sync remember of each other.
 *
 * | frame  | field    | layout | allowed values                                    |
 * | ------ | -------- | ------ | ------------------------------------------------- |
 * | pair   | flags    | u8     | bit 0: to be remembered, else only asked for;     |
 * |        |          |        | bit 1: a token before it follows (with bit 0)     |
 * |        | peer     | id     | root of the asking side                           |
 * |        | current  | id     | with bit 0: token of the run that has ended       |
 * |        | previous | id     | with bit 1: token that the asking side had before |
 * | paired | flags    | u8     | bit 0: a token follows; bit 1: one before it, too |
 * |        |          |        | (with bit 0); bit 2: another directory is there   |
 * |        |          |        | than in earlier runs                              |
 * |        | root     | id     | root of the answering side                        |
 * |        | current  | id     | with bit 0                                        |
 * |        | previous | id     | with bit 1                                        |
 *
 * An id is 16 bytes. The answer to a pair that is to be remembered is the same as
 * to one that asks, and comes when it is safe.
 */
import { ProtocolError } from "../errors.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";

const ID_BYTES = 16;

/** Tokens as they travel; 32 hexadecimal digits each. */
export interface WireTokens {
  readonly current: string;
  readonly previous: string | undefined;
}

/** The question. */
export interface WirePair {
  readonly peerId: string;
  /** Undefined: it is only asked for. */
  readonly tokens: WireTokens | undefined;
}

/** The answer. */
export interface WirePaired {
  readonly rootId: string;
  readonly isReplaced: boolean;
  readonly tokens: WireTokens | undefined;
}

export function writePair(page: ByteWriter, pair: WirePair): void {
  page.u8(flagsOf(pair.tokens));
  writeId(page, pair.peerId);
  writeTokens(page, pair.tokens);
}

export function readPair(reader: ByteReader): WirePair {
  const flags = reader.u8("a pair");
  if (flags > 3 || flags === 2) throw unknownFlags();
  const peerId = readId(reader);
  return { peerId, tokens: readTokens(reader, flags) };
}

export function writePaired(page: ByteWriter, paired: WirePaired): void {
  page.u8(flagsOf(paired.tokens) | (paired.isReplaced ? 4 : 0));
  writeId(page, paired.rootId);
  writeTokens(page, paired.tokens);
}

export function readPaired(reader: ByteReader): WirePaired {
  const flags = reader.u8("a pair");
  if (flags > 7 || (flags & 3) === 2) throw unknownFlags();
  const rootId = readId(reader);
  const isReplaced = (flags & 4) !== 0;
  return { rootId, isReplaced, tokens: readTokens(reader, flags) };
}

function flagsOf(tokens: WireTokens | undefined): number {
  if (tokens === undefined) return 0;
  return tokens.previous === undefined ? 1 : 3;
}

function writeTokens(page: ByteWriter, tokens: WireTokens | undefined): void {
  if (tokens === undefined) return;
  writeId(page, tokens.current);
  if (tokens.previous !== undefined) writeId(page, tokens.previous);
}

function readTokens(reader: ByteReader, flags: number): WireTokens | undefined {
  if ((flags & 1) === 0) return undefined;
  const current = readId(reader);
  const previous = (flags & 2) === 0 ? undefined : readId(reader);
  return { current, previous };
}

/** @throws {TypeError} If `id` is not 32 hexadecimal digits. */
function writeId(page: ByteWriter, id: string): void {
  const bytes = Uint8Array.fromHex(id);
  if (bytes.length !== ID_BYTES) {
    throw new TypeError(`An id has ${bytes.length} bytes`);
  }
  page.raw(bytes);
}

function readId(reader: ByteReader): string {
  return reader.raw(ID_BYTES, "an id").toHex();
}

function unknownFlags(): ProtocolError {
  return new ProtocolError("A pair has unknown flags");
}
