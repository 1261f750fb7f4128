/**
 * Files that were read at once, though a later write could still hide: the system
 * dates changes by its tick, and what follows within the same one may leave size
 * and times as they were. Each is remembered with the digest of what was read, and
 * read once more when such a write would show.
 */
import { createHash } from "node:crypto";
import type { Digest, FileEntry } from "../core/entry.ts";
import { nameOf, parentOf, type RelPath } from "../core/path.ts";
import { isFileSystemError } from "../errors.ts";
import { DirectoryCursor } from "./directory_cursor.ts";
import type { Directory } from "./file_system.ts";
import { RACY_MS } from "./open_seen.ts";
import { isSameVersion } from "./version.ts";

/** So many are read at once, and no more: reading them again has its price. */
const MAX_READS = 1_000;

/** A file as it was read. */
interface RacyRead {
  readonly entry: FileEntry;
  readonly digest: Digest;
  /** From when on a write that came after it would show. */
  readonly due: number;
}

/** What was read too early to be sure of, for one taker. */
export class RacyReads {
  readonly #reads = new Map<RelPath, RacyRead>();
  readonly #now: () => number;

  /** @param now The clock by which files are dated, in milliseconds since 1970. */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Whether one more may be read too early. */
  get hasRoom(): boolean {
    return this.#reads.size < MAX_READS;
  }

  /** Milliseconds until the next one can be read again; undefined if there is none. */
  get wait(): number | undefined {
    const [first] = this.#reads.values();
    return first && Math.max(0, first.due - this.#now());
  }

  /** Whether what is read of `entry` now is to be remembered. */
  isRacy({ mtime }: FileEntry): boolean {
    const age = this.#now() - mtime;
    return age >= 0 && age < RACY_MS;
  }

  /** Remembers that `bytes` were all of the file at `path`. */
  add(path: RelPath, entry: FileEntry, bytes: Uint8Array): void {
    const digest = digestOf(bytes);
    // In the order of their time.
    this.#reads.delete(path);
    this.#reads.set(path, { entry, digest, due: this.#now() + RACY_MS });
  }

  /**
   * Reads those whose time has come again, below `root`: the paths at which there
   * is other content than was read, though it looks the same, or at which that
   * can't be told. What looks like another file is left to whoever looks for
   * changes.
   */
  async check(root: Directory): Promise<readonly RelPath[]> {
    const found: RelPath[] = [];
    const cursor = new DirectoryCursor(root);
    try {
      for (const [path, read] of this.#reads) {
        if (read.due > this.#now()) break;
        this.#reads.delete(path);
        if (!await isStill(cursor, path, read)) found.push(path);
      }
    } finally {
      cursor.close();
    }
    return found;
  }
}

/** Whether the file at `path` holds what was read, or looks like another one. */
async function isStill(
  cursor: DirectoryCursor,
  path: RelPath,
  { entry, digest }: RacyRead,
): Promise<boolean> {
  try {
    const parent = await cursor.at(parentOf(path)!);
    // One byte more than it should hold, to see whether it grew.
    const room = new Uint8Array(entry.size + 1);
    const { length, stat } = await parent.readFile(nameOf(path), room);
    if (length !== entry.size || !isSameVersion(entry, stat)) return true;
    return digestOf(room.subarray(0, length)) === digest;
  } catch (error) {
    if (!isFileSystemError(error)) throw error;
    return error.code === "not-found" || error.code === "not-a-directory";
  }
}

function digestOf(bytes: Uint8Array): Digest {
  return createHash("sha256").update(bytes).digest("hex");
}
