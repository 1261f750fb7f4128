/**
 * `.lockstep/held/journal`: which entries a transition is about to take out of
 * their places, written before the first of them moves. Lines of JSON: first
 * `["lockstep-held", 1, TRASH]`, where TRASH says whether what goes is to be kept
 * in a trash; then one array for each entry:
 *
 * | item  | value                                                           |
 * | ----- | --------------------------------------------------------------- |
 * | id    | number of the change; name of the entry in held/                |
 * | path  | where the entry was                                             |
 * | kind  | "file", "directory" or "symlink"                                |
 * | size  | of a file, in bytes; else 0                                     |
 * | mtime | in milliseconds; of a directory 0                               |
 * | inode | of a file; else 0                                               |
 * | fate  | "replaced" or "deleted"; "inside" for all that is in a          |
 * |       | directory that is replaced, after the line of that directory    |
 */
import { type Change, isTouch } from "../core/change.ts";
import { entriesBelow, type TrackedEntry } from "../core/entry.ts";
import { type Name, parseRelPath, type RelPath } from "../core/path.ts";
import { isFileSystemError, UnsafePathError } from "../errors.ts";
import type { Directory, Stat } from "./file_system.ts";

const JOURNAL_NAME = "journal" as Name;
const FORMAT = "lockstep-held";
const VERSION = 1;

/** By what an entry is known again. */
export interface HeldFacts {
  readonly kind: TrackedEntry["kind"];
  readonly size: number;
  readonly mtime: number;
  readonly inode: number;
}

/** What a journal knows of one entry. */
export interface HeldRecord extends HeldFacts {
  readonly path: RelPath;
  readonly fate: "replaced" | "deleted";
  /** What a directory that is replaced holds, at any depth, by path in the tree. */
  readonly inside: Map<RelPath, HeldFacts>;
}

/** A journal as it is found. */
export interface HeldJournal {
  /** Whether what goes was to be kept in a trash. */
  readonly trash: boolean;
  /** By id; what is damaged is left out. */
  readonly records: ReadonlyMap<number, HeldRecord>;
}

/** Whether carrying out `change` takes what is there out of its place. */
export function takesAway(
  change: Change,
): change is Change & { readonly old: TrackedEntry } {
  return change.old !== undefined && !isTouch(change);
}

/** Writes the journal for `changes` into `held`. */
export async function writeJournal(
  held: Directory,
  changes: readonly Change[],
  trash: boolean,
): Promise<void> {
  const lines = [JSON.stringify([FORMAT, VERSION, trash])];
  for (const [id, change] of changes.entries()) {
    if (!takesAway(change)) continue;
    const { path, old } = change;
    const fate = change.new === undefined ? "deleted" : "replaced";
    lines.push(formatLine(id, path, old, fate));
    if (fate === "deleted") continue;
    for (const [at, entry] of entriesBelow(path, old)) {
      lines.push(formatLine(id, at, entry as TrackedEntry, "inside"));
    }
  }
  const bytes = new TextEncoder().encode(`${lines.join("\n")}\n`);
  await held.createFile(JOURNAL_NAME, bytes, { mode: 0o600, mtime: 0 });
}

/** Reads the journal in `held`; one that is missing or damaged knows less. */
export async function readJournal(held: Directory): Promise<HeldJournal> {
  const text = new TextDecoder().decode(await readAll(held));
  const [first, ...rest] = text.split("\n").map(parseLine);
  const records = new Map<number, HeldRecord>();
  for (const line of rest) {
    const entry = line && readEntry(line);
    if (entry === undefined) continue;
    const { id, path, fate, facts } = entry;
    if (fate !== "inside") {
      records.set(id, { ...facts, path, fate, inside: new Map() });
    } else records.get(id)?.inside.set(path, facts);
  }
  // Who can't tell must not give anything up for good.
  const isKnown = first?.[0] === FORMAT && first[1] === VERSION;
  return { trash: !isKnown || first[2] !== false, records };
}

/** Makes the journal survive a loss of power. @throws {FileSystemError} */
export async function flushJournal(held: Directory): Promise<void> {
  await held.flush(JOURNAL_NAME);
}

/** Removes the journal, if there is one. */
export async function removeJournal(held: Directory): Promise<void> {
  if (await held.lookup(JOURNAL_NAME) !== undefined) {
    await held.removeFile(JOURNAL_NAME);
  }
}

/** Whether `name` is that of the journal. */
export function isJournal(name: Name): boolean {
  return name === JOURNAL_NAME;
}

/** Whether `stat` shows the entry that was written down as `facts`. */
export function isRecorded(facts: HeldFacts, stat: Stat): boolean {
  const { kind, size, mtime, inode } = facts;
  if (stat.kind !== kind) return false;
  if (kind === "directory") return true;
  return stat.mtime === mtime && stat.size === size &&
    (inode === 0 || stat.inode === inode);
}

function formatLine(
  id: number,
  path: RelPath,
  entry: TrackedEntry,
  fate: HeldRecord["fate"] | "inside",
): string {
  const { kind } = entry;
  const size = kind === "file" ? entry.size : 0;
  const mtime = kind === "directory" ? 0 : entry.mtime;
  const inode = kind === "file" ? entry.inode ?? 0 : 0;
  return JSON.stringify([id, path, kind, size, mtime, inode, fate]);
}

function parseLine(line: string): readonly unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return Array.isArray(value) ? value : undefined;
  } catch {
    // It is the empty one at the end, or a loss of power has cut it off.
    return undefined;
  }
}

function readEntry(line: readonly unknown[]): {
  readonly id: number;
  readonly path: RelPath;
  readonly fate: HeldRecord["fate"] | "inside";
  readonly facts: HeldFacts;
} | undefined {
  const [id, path, kind, size, mtime, inode, fate] = line;
  if (
    typeof path !== "string" || !isNumber(id) || !isNumber(size) ||
    !isNumber(mtime) || !isNumber(inode)
  ) return undefined;
  if (kind !== "file" && kind !== "directory" && kind !== "symlink") {
    return undefined;
  }
  if (fate !== "replaced" && fate !== "deleted" && fate !== "inside") {
    return undefined;
  }
  try {
    const facts: HeldFacts = { kind, size, mtime, inode };
    return { id, path: parseRelPath(path), fate, facts };
  } catch (error) {
    if (error instanceof UnsafePathError) return undefined;
    throw error;
  }
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

async function readAll(held: Directory): Promise<Uint8Array> {
  try {
    const file = await held.openFile(JOURNAL_NAME);
    try {
      const { size } = await file.stat();
      const bytes = new Uint8Array(size);
      let length = 0;
      while (length < size) {
        const read = await file.read(bytes.subarray(length), length);
        if (read === 0) break;
        length += read;
      }
      return bytes.subarray(0, length);
    } finally {
      file.close();
    }
  } catch (error) {
    if (!isFileSystemError(error)) throw error;
    return new Uint8Array();
  }
}
