/**
 * What has become of an ancestor since it was written as a whole, for syncs that go
 * on and on: an edit of one file costs a few bytes, and not the list of all files.
 * A log stands beside the file that `ancestor_codec.ts` describes:
 *
 * | field    | layout   | value                                                |
 * | -------- | -------- | ---------------------------------------------------- |
 * | magic    | 8 bytes  | "LSANCLOG"                                           |
 * | version  | u32      | 1                                                    |
 * | base     | 16 bytes | token of the ancestor that it begins with            |
 * | steps    |          | any number of them                                   |
 *
 * A step:
 *
 * | field    | layout   | value                                                |
 * | -------- | -------- | ---------------------------------------------------- |
 * | length   | u32      | of the changes, in bytes                             |
 * | token    | 16 bytes | of the run that ended with it                        |
 * | changes  |          | see `change_codec.ts`                                |
 * | checksum | 32 bytes | SHA-256 of the token before it, length, token and    |
 * |          |          | changes                                              |
 *
 * A step that is cut off or damaged ends the log: what came before it holds, with
 * its own token.
 */
import { createHash } from "node:crypto";
import { type Change, shallow } from "../core/change.ts";
import {
  type DirectoryEntry,
  type Entry,
  isTracked,
  sortChildren,
} from "../core/entry.ts";
import {
  join,
  type Name,
  nameOf,
  namesOf,
  parentOf,
  type RelPath,
  ROOT,
} from "../core/path.ts";
import { IntegrityError } from "../errors.ts";
import { ByteReader, ByteWriter } from "../protocol/bytes.ts";
import {
  ChangeReader,
  type WireChange,
  writeChanges,
} from "../protocol/change_codec.ts";
import type { AncestorRecord, PairingId } from "./pairing.ts";

const MAGIC = new TextEncoder().encode("LSANCLOG");
const VERSION = 1;
const ID_BYTES = 16;
const CHECKSUM_BYTES = 32;
const HEADER_BYTES = MAGIC.length + 4 + ID_BYTES;
const STEP_BYTES = 4 + ID_BYTES + CHECKSUM_BYTES;

/** The beginning of a log of what becomes of the ancestor with the token `base`. */
export function encodeLogHeader(base: PairingId): Uint8Array {
  const page = new ByteWriter(HEADER_BYTES);
  page.raw(MAGIC);
  page.u32(VERSION);
  page.raw(Uint8Array.fromHex(base));
  return page.bytes;
}

/** One step: what makes `before`, which has its token, the ancestor of `after`. */
export function encodeLogStep(
  before: Pick<AncestorRecord, "token" | "ancestor">,
  after: Pick<AncestorRecord, "token" | "ancestor">,
): Uint8Array {
  const changes: Uint8Array[] = [];
  const page = new ByteWriter();
  const edits = editsBetween(before.ancestor, after.ancestor);
  for (const _ of writeChanges(page, edits)) {
    changes.push(page.bytes.slice());
    page.reset();
  }
  changes.push(page.bytes.slice());
  const length = changes.reduce((sum, part) => sum + part.length, 0);
  const step = new Uint8Array(STEP_BYTES + length);
  new DataView(step.buffer).setUint32(0, length);
  step.set(Uint8Array.fromHex(after.token), 4);
  let at = 4 + ID_BYTES;
  for (const part of changes) {
    step.set(part, at);
    at += part.length;
  }
  step.set(checksumOf(before.token, step.subarray(0, at)), at);
  return step;
}

/**
 * `record` with what `log` has to add: nothing, if it is about another one.
 * The trees of `record` are used up.
 */
export function applyLog(
  record: AncestorRecord,
  log: Uint8Array,
): AncestorRecord {
  const header = encodeLogHeader(record.token);
  if (log.subarray(0, HEADER_BYTES).toHex() !== header.toHex()) return record;
  const tree = new LoadedTree(record.ancestor);
  let { token } = record;
  const view = new DataView(log.buffer, log.byteOffset, log.length);
  for (let at = HEADER_BYTES; at + STEP_BYTES <= log.length;) {
    const length = view.getUint32(at);
    const end = at + 4 + ID_BYTES + length;
    if (end + CHECKSUM_BYTES > log.length) break;
    const sum = checksumOf(token, log.subarray(at, end)).toHex();
    if (sum !== log.subarray(end, end + CHECKSUM_BYTES).toHex()) break;
    const changes = new ChangeReader();
    const reader = new ByteReader(log.subarray(at + 4 + ID_BYTES, end));
    for (const change of changes.read(reader)) tree.apply(change);
    if (changes.incomplete) throw new IntegrityError("its log makes no sense");
    token = log.subarray(at + 4, at + 4 + ID_BYTES).toHex();
    at = end + CHECKSUM_BYTES;
  }
  return { ...record, token, ancestor: tree.finish() };
}

function checksumOf(before: PairingId, step: Uint8Array): Uint8Array {
  const hash = createHash("sha256");
  return hash.update(Uint8Array.fromHex(before)).update(step).digest();
}

/** What differs between two trees; what they share is the same objects. */
function* editsBetween(
  before: DirectoryEntry,
  after: DirectoryEntry,
  path: RelPath = ROOT,
): Generator<Change> {
  if (before === after) return;
  if (before.mode !== after.mode || before.mtime !== after.mtime) {
    yield { path, old: shallow(before), new: shallow(after) };
  }
  if (before.children === after.children) return;
  for (const [name, was] of before.children) {
    if (after.children.has(name) || !isTracked(was)) continue;
    yield { path: join(path, name), old: was, new: undefined };
  }
  for (const [name, is] of after.children) {
    const was = before.children.get(name);
    if (is === was || !isTracked(is)) continue;
    const at = join(path, name);
    if (was?.kind === "directory" && is.kind === "directory") {
      yield* editsBetween(was, is, at);
    } else yield { path: at, old: undefined, new: is };
  }
}

/** A tree that was just read, and belongs to nobody else. */
class LoadedTree {
  #root: DirectoryEntry;
  /** Maps in which new names stand at the end. */
  readonly #unsorted = new Set<RelPath>();

  constructor(root: DirectoryEntry) {
    this.#root = root;
  }

  apply(change: WireChange): void {
    const { path } = change;
    if (path === ROOT) {
      this.#root = touched(this.#root, change);
      return;
    }
    const parent = parentOf(path)!;
    const children = this.#childrenAt(parent);
    const name = nameOf(path);
    if (change.kind === "remove") children.delete(name);
    else if (change.kind === "touch") {
      children.set(name, touched(children.get(name), change));
    } else {
      if (!children.has(name)) this.#unsorted.add(parent);
      children.set(name, change.entry);
    }
  }

  finish(): DirectoryEntry {
    for (const path of this.#unsorted) {
      let children: Map<Name, Entry>;
      try {
        children = this.#childrenAt(path);
      } catch (error) {
        // It went later on.
        if (error instanceof IntegrityError) continue;
        throw error;
      }
      const sorted = [...sortChildren(children)];
      children.clear();
      for (const [name, entry] of sorted) children.set(name, entry);
    }
    return this.#root;
  }

  #childrenAt(path: RelPath): Map<Name, Entry> {
    let here: Entry | undefined = this.#root;
    for (const name of namesOf(path)) {
      here = here?.kind === "directory" ? here.children.get(name) : undefined;
    }
    if (here?.kind === "directory") return here.children as Map<Name, Entry>;
    throw new IntegrityError("its log does not fit");
  }
}

/** `entry`, a directory, with the mode and time that `change` gives it. */
function touched(entry: Entry | undefined, change: WireChange): DirectoryEntry {
  if (
    entry?.kind !== "directory" || change.kind === "remove" ||
    change.entry.kind !== "directory"
  ) throw new IntegrityError("its log does not fit");
  const { mode, mtime } = change.entry;
  return { ...entry, mode, mtime };
}
