/**
 * The digest of a directory: SHA-256 over the records of its children in name
 * order. Two directories with equal digests hold the same entries, all the way
 * down, so a whole tree is compared by comparing two digests.
 *
 * A record (big-endian; text is UTF-8):
 *
 * | field  | bytes | in                       | value                          |
 * | ------ | ----- | ------------------------ | ------------------------------ |
 * | kind   | 1     | all                      | 1 directory, 2 file, 3 symlink |
 * | length | 2     | all                      | bytes of the name              |
 * | name   | n     | all                      |                                |
 * | mtime  | 8     | all                      | milliseconds, IEEE double      |
 * | mode   | 2     | directory, file          | 0 where modes are not compared |
 * | owner  | 8     | all, where owners count  | user, then group               |
 * | digest | 32    | directory                | of its children                |
 * | size   | 8     | file                     | bytes, IEEE double             |
 * | known  | 1     | file                     | 1 if a digest follows, else 0  |
 * | digest | 32    | file, if known           | of its content                 |
 * | length | 4     | symlink                  | bytes of the target            |
 * | target | n     | symlink                  |                                |
 *
 * What takes no part in the sync (untracked, problem) has no record.
 */
import { createHash } from "node:crypto";
import type { Digest, Entry, Owner } from "./entry.ts";
import { MAX_NAME_BYTES, type Name } from "./path.ts";

const FIXED_BYTES = 64;
const encoder = new TextEncoder();
let scratch = new Uint8Array(64 * 1024);
let view = new DataView(scratch.buffer);

/**
 * Digests `children`, which are in name order. Where `modes` is false, mode bits
 * do not count (one of the two file systems has none).
 */
export function digestOfChildren(
  children: ReadonlyMap<Name, Entry>,
  modes: boolean,
): Digest {
  let at = 0;
  for (const [name, entry] of children) {
    const target = entry.kind === "symlink" ? entry.target.length * 3 : 0;
    const needed = at + FIXED_BYTES + MAX_NAME_BYTES + target;
    if (needed > scratch.length) grow(needed);
    switch (entry.kind) {
      case "directory":
        at = putHeader(at, 1, name, entry.mtime);
        view.setUint16(at, modes ? entry.mode : 0);
        at = putOwner(at + 2, entry.owner);
        at = putDigest(at, entry.digest);
        break;
      case "file":
        at = putHeader(at, 2, name, entry.mtime);
        view.setUint16(at, modes ? entry.mode : 0);
        at = putOwner(at + 2, entry.owner);
        view.setFloat64(at, entry.size);
        at += 8;
        if (entry.digest === undefined) scratch[at++] = 0;
        else {
          scratch[at++] = 1;
          at = putDigest(at, entry.digest);
        }
        break;
      case "symlink": {
        at = putHeader(at, 3, name, entry.mtime);
        at = putOwner(at, entry.owner);
        const { written } = encoder.encodeInto(
          entry.target,
          scratch.subarray(at + 4),
        );
        view.setUint32(at, written);
        at += 4 + written;
        break;
      }
      case "untracked":
      case "problem":
        break;
      default:
        entry satisfies never;
    }
  }
  return createHash("sha256").update(scratch.subarray(0, at)).digest("hex");
}

function putHeader(
  at: number,
  kind: number,
  name: string,
  mtime: number,
): number {
  scratch[at] = kind;
  const length = putText(at + 3, name);
  view.setUint16(at + 1, length);
  view.setFloat64(at + 3 + length, mtime);
  return at + 11 + length;
}

function putOwner(at: number, owner: Owner | undefined): number {
  if (owner === undefined) return at;
  view.setUint32(at, owner.uid);
  view.setUint32(at + 4, owner.gid);
  return at + 8;
}

function putText(at: number, text: string): number {
  // Short plain ASCII, as most names are, is faster by hand than by the encoder.
  if (text.length <= 32) {
    let i = 0;
    for (; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 0x80) break;
      scratch[at + i] = unit;
    }
    if (i === text.length) return i;
  }
  return encoder.encodeInto(text, scratch.subarray(at)).written;
}

function putDigest(at: number, digest: Digest | undefined): number {
  if (digest === undefined) {
    throw new TypeError("A directory inside a digested one has no digest");
  }
  for (let i = 0; i < 64; i += 2) {
    scratch[at++] = hexDigit(digest.charCodeAt(i)) << 4 |
      hexDigit(digest.charCodeAt(i + 1));
  }
  return at;
}

function hexDigit(unit: number): number {
  return unit < 0x40 ? unit - 0x30 : unit - 0x57;
}

function grow(needed: number): void {
  const larger = new Uint8Array(Math.max(needed, scratch.length * 2));
  larger.set(scratch);
  scratch = larger;
  view = new DataView(larger.buffer);
}
