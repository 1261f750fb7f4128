/**
 * The ancestor of a pair as bytes to be kept:
 *
 * | field    | layout        | value                                           |
 * | -------- | ------------- | ----------------------------------------------- |
 * | magic    | 8 bytes       | "LSANCEST"                                      |
 * | version  | u32           | 1                                               |
 * | alpha    | 16 bytes      | root of the side that keeps it                  |
 * | beta     | 16 bytes      | root of the other one                           |
 * | token    | 16 bytes      | of the run that ended with it                   |
 * | mode     | u16           | of the root                                     |
 * | mtime    | f64           | of the root                                     |
 * | tree     | see tree_codec.ts | all that is in the root                     |
 * | checksum | 32 bytes      | SHA-256 of all before                           |
 */
import { createHash } from "node:crypto";
import type { DirectoryEntry, Entry } from "../core/entry.ts";
import type { Name } from "../core/path.ts";
import { IntegrityError, SyncError } from "../errors.ts";
import { ByteReader, ByteWriter } from "../protocol/bytes.ts";
import { readMode, readTime } from "../protocol/fields.ts";
import { TreeReader, writeTree } from "../protocol/tree_codec.ts";
import type { AncestorRecord } from "./pairing.ts";

const MAGIC = new TextEncoder().encode("LSANCEST");
const VERSION = 1;
const ID_BYTES = 16;
const CHECKSUM_BYTES = 32;

/** The bytes of `record`, piece by piece; each is used up when the next is asked for. */
export function* encodeAncestor(
  { alphaId, betaId, token, ancestor }: AncestorRecord,
): Generator<Uint8Array> {
  const hash = createHash("sha256");
  const page = new ByteWriter();
  page.raw(MAGIC);
  page.u32(VERSION);
  for (const id of [alphaId, betaId, token]) page.raw(Uint8Array.fromHex(id));
  page.u16(ancestor.mode);
  page.f64(ancestor.mtime);
  for (const _ of writeTree(page, ancestor)) {
    hash.update(page.bytes);
    yield page.bytes;
    page.reset();
  }
  hash.update(page.bytes);
  yield page.bytes;
  yield new Uint8Array(hash.digest());
}

/**
 * Reads what {@link encodeAncestor} made.
 * @throws {IntegrityError} If it is damaged.
 * @throws {SyncError} If a newer version of the program made it.
 */
export function decodeAncestor(bytes: Uint8Array): AncestorRecord {
  const end = bytes.length - CHECKSUM_BYTES;
  if (end < MAGIC.length + 4) throw damaged("it is cut off");
  const body = bytes.subarray(0, end);
  const checksum = createHash("sha256").update(body).digest("hex");
  if (checksum !== bytes.subarray(end).toHex()) {
    throw damaged("its checksum is wrong");
  }
  const reader = new ByteReader(body);
  if (reader.raw(MAGIC.length, "its kind").toHex() !== MAGIC.toHex()) {
    throw damaged("it is something else");
  }
  const version = reader.u32("its version");
  if (version !== VERSION) {
    throw new SyncError(
      "failed",
      `It has version ${version}, this program knows ${VERSION}: update it`,
    );
  }
  try {
    return readBody(reader);
  } catch (error) {
    throw damaged("it makes no sense", error);
  }
}

function readBody(reader: ByteReader): AncestorRecord {
  const [alphaId, betaId, token] = [0, 1, 2].map(() =>
    reader.raw(ID_BYTES, "an id").toHex()
  );
  const mode = readMode(reader);
  const mtime = readTime(reader);
  const children = new Map<Name, Entry>();
  const tree = new TreeReader();
  tree.begin(children, 0);
  tree.read(reader);
  if (tree.incomplete) throw damaged("its tree is cut off");
  reader.end("an ancestor");
  const ancestor: DirectoryEntry = {
    kind: "directory",
    mode,
    mtime,
    children,
    digest: undefined,
  };
  return { alphaId: alphaId!, betaId: betaId!, token: token!, ancestor };
}

function damaged(why: string, cause?: unknown): IntegrityError {
  return new IntegrityError(why, { cause });
}
