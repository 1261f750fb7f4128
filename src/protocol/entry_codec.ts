/**
 * Entries of a tree.
 *
 * | field  | layout | in                   | allowed values                       |
 * | ------ | ------ | -------------------- | ------------------------------------ |
 * | kind   | u8     | all                  | bits 0-2: 1 directory, 2 file,       |
 * |        |        |                      | 3 symlink, 4 untracked, 5 problem;   |
 * |        |        |                      | bit 3: a digest follows (directory   |
 * |        |        |                      | and file only); bit 4: an owner      |
 * |        |        |                      | follows (1 to 3 only); others 0      |
 * | owner  | u32    | all with bit 4       | user; up to 2^32 - 2                 |
 * | group  | u32    | all with bit 4       | as the user                          |
 * | mode   | mode   | directory, file      |                                      |
 * | mtime  | time   | directory, file,     | of a symlink not below 0             |
 * |        |        | symlink              |                                      |
 * | size   | size   | file                 |                                      |
 * | digest | digest | directory, file      | only with bit 3                      |
 * | target | text   | symlink              | 1 to 32,768 bytes, without NUL       |
 * | reason | u8     | untracked            | 1 special-file, 2 invalid-name,      |
 * |        |        |                      | 3 mount-point, 4 symlink-skipped,    |
 * |        |        |                      | 5 ignored                            |
 * | remark | remark | problem              |                                      |
 *
 * Children are written as name and entry, in strictly increasing name order; an
 * empty name ends the directory. In a *listing* only the asked directories
 * themselves are ended so: what is in their sub-directories is not sent, but
 * each of these has its digest. In a *tree* the children of each directory
 * follow it at once, and it has no digest.
 */
import {
  type Entry,
  NO_CHILDREN,
  type Owner,
  type UntrackedReason,
} from "../core/entry.ts";
import { compareNames, type Name } from "../core/path.ts";
import { ProtocolError } from "../errors.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import {
  readDigest,
  readMode,
  readRemark,
  readSize,
  readTime,
  writeDigest,
  writeRemark,
} from "./fields.ts";
import { MAX_TARGET_BYTES } from "./limits.ts";

const Kind = {
  directory: 1,
  file: 2,
  symlink: 3,
  untracked: 4,
  problem: 5,
} as const;
const HAS_DIGEST = 8;
const HAS_OWNER = 16;

/** Stands for "no change" where owners are set. */
const NOBODY_AT_ALL = 0xffff_ffff;

const REASONS: readonly (UntrackedReason | undefined)[] = [
  undefined,
  "special-file",
  "invalid-name",
  "mount-point",
  "symlink-skipped",
  "ignored",
];

/** Whether a directory is written for a listing (with digest) or for a tree. */
export type EntryForm = "listing" | "tree";

/** Writes one entry without its name and without what is in it. */
export function writeEntry(
  writer: ByteWriter,
  entry: Entry,
  form: EntryForm,
): void {
  switch (entry.kind) {
    case "directory":
      writeTag(
        writer,
        Kind.directory | (form === "listing" ? HAS_DIGEST : 0),
        entry.owner,
      );
      writer.u16(entry.mode);
      writer.f64(entry.mtime);
      if (form === "listing") writeDigest(writer, entry.digest ?? "");
      break;
    case "file":
      writeTag(
        writer,
        Kind.file | (entry.digest === undefined ? 0 : HAS_DIGEST),
        entry.owner,
      );
      writer.u16(entry.mode);
      writer.f64(entry.mtime);
      writer.varint(entry.size);
      if (entry.digest !== undefined) writeDigest(writer, entry.digest);
      break;
    case "symlink":
      writeTag(writer, Kind.symlink, entry.owner);
      writer.f64(entry.mtime);
      writer.text(entry.target);
      break;
    case "untracked":
      writer.u8(Kind.untracked);
      writer.u8(REASONS.indexOf(entry.reason));
      break;
    case "problem":
      writer.u8(Kind.problem);
      writeRemark(writer, entry.message);
      break;
    default:
      entry satisfies never;
  }
}

/**
 * Reads one entry. A directory comes with `children`, which the caller fills;
 * in a listing they are empty for good, unless the caller puts others in.
 */
export function readEntry(
  reader: ByteReader,
  form: EntryForm,
  children: ReadonlyMap<Name, Entry> = NO_CHILDREN,
): Entry {
  const kind = reader.u8("the kind of an entry");
  const hasOwner = (kind & HAS_OWNER) !== 0;
  const owner = hasOwner ? readOwner(reader) : undefined;
  const tag = kind & ~HAS_OWNER;
  switch (tag) {
    case Kind.directory:
    case Kind.directory | HAS_DIGEST: {
      const mode = readMode(reader);
      const mtime = readTime(reader);
      const known = tag !== Kind.directory;
      if (known !== (form === "listing")) {
        throw new ProtocolError("A directory's digest is out of place");
      }
      const digest = known ? readDigest(reader) : undefined;
      const directory: Entry = {
        kind: "directory",
        mode,
        mtime,
        children,
        digest,
      };
      return owner === undefined ? directory : { ...directory, owner };
    }
    case Kind.file:
    case Kind.file | HAS_DIGEST: {
      const mode = readMode(reader);
      const mtime = readTime(reader);
      const size = readSize(reader);
      const digest = tag === Kind.file ? undefined : readDigest(reader);
      // There are many of these, and a spread makes each a larger one.
      const file: Entry = {
        kind: "file",
        size,
        mtime,
        mode,
        digest,
        ctime: undefined,
        inode: undefined,
      };
      return owner === undefined ? file : { ...file, owner };
    }
    case Kind.symlink: {
      const mtime = readTime(reader);
      const target = reader.text(MAX_TARGET_BYTES, "the target of a link");
      if (mtime < 0 || target === "" || target.includes("\0")) {
        throw new ProtocolError("A symbolic link has an impossible target");
      }
      const link: Entry = { kind: "symlink", target, mtime };
      return owner === undefined ? link : { ...link, owner };
    }
    case Kind.untracked: {
      if (hasOwner) throw outOfPlace();
      const reason = REASONS[reader.u8("a reason")];
      if (reason === undefined) {
        throw new ProtocolError("An untracked entry has an unknown reason");
      }
      return { kind: "untracked", reason };
    }
    case Kind.problem:
      if (hasOwner) throw outOfPlace();
      return { kind: "problem", message: readRemark(reader) };
    default:
      throw new ProtocolError(`An entry has the unknown kind ${tag}`);
  }
}

function writeTag(
  writer: ByteWriter,
  tag: number,
  owner: Owner | undefined,
): void {
  if (owner === undefined) return writer.u8(tag);
  writer.u8(tag | HAS_OWNER);
  writer.u32(owner.uid);
  writer.u32(owner.gid);
}

function readOwner(reader: ByteReader): Owner {
  const uid = reader.u32("an owner");
  const gid = reader.u32("a group");
  if (uid !== NOBODY_AT_ALL && gid !== NOBODY_AT_ALL) return { uid, gid };
  throw new ProtocolError("An entry has an impossible owner");
}

function outOfPlace(): ProtocolError {
  return new ProtocolError("The owner of an entry is out of place");
}

/** @throws {ProtocolError} If `entry` is to have an owner: not everybody may say so. */
export function refuseOwner(entry: Entry): void {
  if (!("owner" in entry) || entry.owner === undefined) return;
  throw new ProtocolError("An owner is to be set, which is not allowed here");
}

/** @throws {ProtocolError} If `name` does not come after `last`. */
export function checkOrder(last: string, name: Name): void {
  if (compareNames(last, name) < 0) return;
  throw new ProtocolError(
    last === name
      ? "A directory holds the same name twice"
      : "The names in a directory are out of order",
  );
}
