/**
 * What a run is about to do, as bytes to be kept beside the ancestor: a file that
 * begins with a header, and to which each announcement is appended.
 *
 * | field    | layout   | value                                                |
 * | -------- | -------- | ---------------------------------------------------- |
 * | magic    | 8 bytes  | "LSANNOUN"                                           |
 * | version  | u32      | 1                                                    |
 *
 * An announcement, of which the last one counts:
 *
 * | field    | layout   | value                                                |
 * | -------- | -------- | ---------------------------------------------------- |
 * | length   | u32      | of the changes of both sides, in bytes               |
 * | token    | 16 bytes | of the ancestor that it is about                     |
 * | alpha    | u32      | length of the changes of alpha, in bytes             |
 * | changes  |          | of alpha, then of beta: see `change_codec.ts`        |
 * | checksum | 32 bytes | SHA-256 of all before, from the length on            |
 *
 * One that is cut off was never believed to be safe: nothing was done after it.
 */
import { createHash } from "node:crypto";
import type { Announced } from "../core/announced.ts";
import type { TwoWaySide } from "../core/conflict.ts";
import { IntegrityError } from "../errors.ts";
import { ByteReader, ByteWriter } from "../protocol/bytes.ts";
import { ChangeReader, writeChanges } from "../protocol/change_codec.ts";
import type { PairingId } from "./pairing.ts";

const MAGIC = new TextEncoder().encode("LSANNOUN");
const VERSION = 1;
const ID_BYTES = 16;
const CHECKSUM_BYTES = 32;
const HEAD_BYTES = 4 + ID_BYTES + 4;

/** What a file of announcements begins with. */
export function announcedHeader(): Uint8Array {
  const page = new ByteWriter(MAGIC.length + 4);
  page.raw(MAGIC);
  page.u32(VERSION);
  return page.bytes;
}

/** One announcement: what is about to be done since the ancestor with that token. */
export function encodeAnnounced(
  token: PairingId,
  announced: readonly Announced[],
): Uint8Array {
  const alpha = changesOf("alpha", announced);
  const beta = changesOf("beta", announced);
  const length = alpha.length + beta.length;
  const bytes = new Uint8Array(HEAD_BYTES + length + CHECKSUM_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length);
  bytes.set(Uint8Array.fromHex(token), 4);
  view.setUint32(4 + ID_BYTES, alpha.length);
  bytes.set(alpha, HEAD_BYTES);
  bytes.set(beta, HEAD_BYTES + alpha.length);
  const end = HEAD_BYTES + length;
  bytes.set(checksumOf(bytes.subarray(0, end)), end);
  return bytes;
}

/**
 * What was announced last since the ancestor with that token; nothing, if that is
 * about another one.
 * @throws {IntegrityError} If it is no such file, or makes no sense.
 */
export function decodeAnnounced(
  bytes: Uint8Array,
  token: PairingId,
): readonly Announced[] {
  const header = announcedHeader();
  if (bytes.subarray(0, header.length).toHex() !== header.toHex()) {
    throw new IntegrityError("what was announced is something else");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let last: Uint8Array | undefined;
  for (let at = header.length; at + HEAD_BYTES <= bytes.length;) {
    const end = at + HEAD_BYTES + view.getUint32(at);
    if (end + CHECKSUM_BYTES > bytes.length) break;
    const sum = bytes.subarray(end, end + CHECKSUM_BYTES).toHex();
    if (sum !== checksumOf(bytes.subarray(at, end)).toHex()) break;
    last = bytes.subarray(at, end);
    at = end + CHECKSUM_BYTES;
  }
  if (last?.subarray(4, 4 + ID_BYTES).toHex() !== token) return [];
  const changes = last.subarray(HEAD_BYTES);
  const middle = new DataView(last.buffer, last.byteOffset)
    .getUint32(4 + ID_BYTES);
  return [
    ...announcedIn("alpha", changes.subarray(0, middle)),
    ...announcedIn("beta", changes.subarray(middle)),
  ];
}

function changesOf(
  side: TwoWaySide,
  announced: readonly Announced[],
): Uint8Array {
  const own = announced.filter((one) => one.side === side)
    .map(({ path, new: wanted }) => ({ path, old: undefined, new: wanted }));
  const page = new ByteWriter();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (const _ of writeChanges(page, own)) {
    parts.push(page.bytes.slice());
    page.reset();
  }
  parts.push(page.bytes.slice());
  const bytes = new Uint8Array(parts.reduce((sum, it) => sum + it.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function* announcedIn(
  side: TwoWaySide,
  bytes: Uint8Array,
): Generator<Announced> {
  const reader = new ChangeReader();
  for (const change of reader.read(new ByteReader(bytes))) {
    const wanted = change.kind === "remove" ? undefined : change.entry;
    yield { side, path: change.path, new: wanted };
  }
  if (!reader.incomplete) return;
  throw new IntegrityError("what was announced makes no sense");
}

function checksumOf(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}
