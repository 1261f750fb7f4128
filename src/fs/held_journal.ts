/**
 * `.lockstep/held/journal`: which entries a transition is about to take out of
 * their places, written before the first of them moves. One JSON array a line:
 *
 * | item  | value                                            |
 * | ----- | ------------------------------------------------ |
 * | id    | number of the change; name of the entry in held/ |
 * | path  | where the entry was                              |
 * | kind  | "file", "directory" or "symlink"                 |
 * | size  | of a file, in bytes; else 0                      |
 * | mtime | in milliseconds; of a directory 0                |
 * | inode | of a file; else 0                                |
 * | fate  | "replaced" or "deleted"                          |
 */
import { type Change, isTouch } from "../core/change.ts";
import type { TrackedEntry } from "../core/entry.ts";
import { type Name, parseRelPath, type RelPath } from "../core/path.ts";
import { isFileSystemError, UnsafePathError } from "../errors.ts";
import type { Directory, Stat } from "./file_system.ts";

const JOURNAL_NAME = "journal" as Name;

/** What the journal knows of one entry. */
export interface HeldRecord {
  readonly path: RelPath;
  readonly kind: TrackedEntry["kind"];
  readonly size: number;
  readonly mtime: number;
  readonly inode: number;
  readonly fate: "replaced" | "deleted";
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
): Promise<void> {
  const lines: string[] = [];
  for (const [id, change] of changes.entries()) {
    if (!takesAway(change)) continue;
    const { path, old } = change;
    const { kind } = old;
    const size = kind === "file" ? old.size : 0;
    const mtime = kind === "directory" ? 0 : old.mtime;
    const inode = kind === "file" ? old.inode ?? 0 : 0;
    const fate = change.new === undefined ? "deleted" : "replaced";
    const line = [id, path, kind, size, mtime, inode, fate];
    lines.push(JSON.stringify(line) + "\n");
  }
  const bytes = new TextEncoder().encode(lines.join(""));
  await held.createFile(JOURNAL_NAME, bytes, { mode: 0o600, mtime: 0 });
}

/** What a journal says, by id; what is damaged is left out. */
export async function readJournal(
  held: Directory,
): Promise<Map<number, HeldRecord>> {
  const records = new Map<number, HeldRecord>();
  const text = new TextDecoder().decode(await readAll(held));
  for (const line of text.split("\n")) {
    const parsed = line === "" ? undefined : parseLine(line);
    if (parsed !== undefined) records.set(parsed.id, parsed.record);
  }
  return records;
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

/** Whether `stat` shows the entry that `record` was written for. */
export function isRecorded(record: HeldRecord, stat: Stat): boolean {
  const { kind, size, mtime, inode } = record;
  if (stat.kind !== kind) return false;
  if (kind === "directory") return true;
  return stat.mtime === mtime && stat.size === size &&
    (inode === 0 || stat.inode === inode);
}

function parseLine(
  line: string,
): { readonly id: number; readonly record: HeldRecord } | undefined {
  try {
    const [id, path, kind, size, mtime, inode, fate] = JSON.parse(line);
    if (kind !== "file" && kind !== "directory" && kind !== "symlink") {
      return undefined;
    }
    if (fate !== "replaced" && fate !== "deleted") return undefined;
    const numbers = [id, size, mtime, inode];
    if (typeof path !== "string" || !numbers.every(Number.isFinite)) {
      return undefined;
    }
    return {
      id,
      record: { path: parseRelPath(path), kind, size, mtime, inode, fate },
    };
  } catch (error) {
    // A loss of power may have cut it off.
    if (error instanceof SyntaxError || error instanceof UnsafePathError) {
      return undefined;
    }
    throw error;
  }
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
