/**
 * Digests that are known from run to run, in a SQLite file, one for each tree. It holds nothing that could
 * not be had again: whatever is wrong with it, files are read again.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import type { Digest, DirectoryEntry } from "../core/entry.ts";
import { parseRelPath, type RelPath } from "../core/path.ts";
import { entryAt } from "../core/snapshot.ts";
import { messageOf } from "../errors.ts";
import type { Stat } from "./file_system.ts";
import { isRacy, type KnownDigests, type Reading } from "./known_digests.ts";

/** Steps up with each change of the table; other versions are thrown away. */
const SCHEMA_VERSION = 1;

/** So many new digests are written at once: a kill costs no more than these. */
const BATCH = 2_000;

/** How long to wait for another process; what it holds longer is not remembered. */
const BUSY_MS = 100;

/** Files around the database itself. */
const SUFFIXES: readonly string[] = ["", "-wal", "-shm", "-journal"];

/** How a {@link DigestStore} is opened. */
export interface DigestStoreOptions {
  /** Where its file is, in a directory that exists. */
  readonly path: string;
  /** The time of day, in milliseconds. */
  readonly now: () => number;
  /** Hears once if the store can't be used, or had to begin anew. */
  readonly warn: (message: string) => void;
}

/** Its owner closes it. */
export class DigestStore implements KnownDigests {
  readonly #options: DigestStoreOptions;
  #database: Database | undefined;
  #hasWarned = false;
  /** Rows that the scan under way has found or written. */
  #used = 0;

  /** Never throws: a store that can't be used is empty, and stays so. */
  constructor(options: DigestStoreOptions) {
    this.#options = options;
    const { path } = options;
    try {
      this.#database = new Database(path);
    } catch (error) {
      this.#warn(error);
      try {
        removeFiles(path);
        this.#database = new Database(path);
      } catch {
        // It was told already, and files are read again.
      }
    }
  }

  now(): number {
    return this.#options.now();
  }

  begin(): void {
    this.#used = 0;
  }

  get(stat: Stat, path: RelPath): Digest | undefined {
    return this.#try((database) => {
      const digest = database.get(path, versionOf(stat));
      if (digest !== undefined) this.#used++;
      return digest;
    });
  }

  set(stat: Stat, digest: Digest, { path, readAt }: Reading): void {
    if (isRacy(stat, readAt)) return;
    this.#try((database) => {
      database.put(path, versionOf(stat), digest);
      this.#used++;
    });
  }

  pause(): void {
    this.#try((database) => database.commit());
  }

  finish(root: DirectoryEntry): void {
    this.#try((database) => {
      database.commit();
      // A row of a file that is gone costs a little room: some are let be.
      if (database.count() > this.#used * 1.25 + 100) database.tidy(root);
    });
  }

  close(): void {
    this.#try((database) => database.close());
    this.#database = undefined;
  }

  #try<T>(work: (database: Database) => T): T | undefined {
    if (this.#database === undefined) return undefined;
    try {
      return work(this.#database);
    } catch (error) {
      this.#giveUp(error);
      return undefined;
    }
  }

  /** Without it every file is read, as for the first time. */
  #giveUp(error: unknown): void {
    const database = this.#database;
    this.#database = undefined;
    this.#warn(error);
    try {
      database?.close();
    } catch {
      // What is damaged need not be closed well.
    }
    // Another process may be using it in good order.
    if (isBusy(error)) return;
    try {
      removeFiles(this.#options.path);
    } catch {
      // It will be found damaged again.
    }
  }

  #warn(error: unknown): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#options.warn(
      `What is remembered of files in ${this.#options.path} can't be used (${
        messageOf(error)
      }): they are read again`,
    );
  }
}

/** The file itself; every call may throw what SQLite says. */
class Database {
  readonly #sqlite: DatabaseSync;
  readonly #select: StatementSync;
  readonly #insert: StatementSync;
  #pending = 0;

  constructor(path: string) {
    this.#sqlite = new DatabaseSync(path);
    try {
      this.#prepare();
      this.#select = this.#sqlite.prepare(
        "SELECT version, digest, sum FROM digests WHERE path = ?",
      );
      this.#insert = this.#sqlite.prepare(
        "INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?)",
      );
    } catch (error) {
      this.#sqlite.close();
      throw error;
    }
  }

  get(path: RelPath, version: string): Digest | undefined {
    const row = this.#select.get(path);
    if (row?.version !== version || typeof row.digest !== "string") {
      return undefined;
    }
    // A wrong digest would look like an edit of the file.
    const isWhole = row.sum === sumOf(path, version, row.digest);
    return isWhole ? row.digest : undefined;
  }

  put(path: RelPath, version: string, digest: Digest): void {
    if (this.#pending === 0) this.#sqlite.exec("BEGIN IMMEDIATE");
    this.#insert.run(path, version, digest, sumOf(path, version, digest));
    if (++this.#pending >= BATCH) this.commit();
  }

  commit(): void {
    if (this.#pending === 0) return;
    this.#pending = 0;
    this.#sqlite.exec("COMMIT");
  }

  count(): number {
    const row = this.#sqlite.prepare("SELECT count(*) AS n FROM digests").get();
    return Number(row?.n);
  }

  /** Forgets what is no file in `root`. */
  tidy(root: DirectoryEntry): void {
    const gone: string[] = [];
    for (
      const row of this.#sqlite.prepare("SELECT path FROM digests").iterate()
    ) {
      const path = String(row.path);
      if (entryAt(root, parseRelPath(path))?.kind !== "file") gone.push(path);
    }
    const remove = this.#sqlite.prepare("DELETE FROM digests WHERE path = ?");
    this.#sqlite.exec("BEGIN IMMEDIATE");
    for (const path of gone) remove.run(path);
    this.#sqlite.exec("COMMIT");
  }

  close(): void {
    try {
      this.commit();
    } finally {
      this.#sqlite.close();
    }
  }

  #prepare(): void {
    const sqlite = this.#sqlite;
    sqlite.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
    sqlite.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    const version = sqlite.prepare("PRAGMA user_version").get()?.user_version;
    if (version !== SCHEMA_VERSION) {
      sqlite.exec(`
        BEGIN IMMEDIATE;
        DROP TABLE IF EXISTS digests;
        CREATE TABLE digests (
          path TEXT PRIMARY KEY,
          version TEXT NOT NULL,
          digest TEXT NOT NULL,
          sum INTEGER NOT NULL
        ) WITHOUT ROWID;
        PRAGMA user_version = ${SCHEMA_VERSION};
        COMMIT`);
    }
  }
}

/** By what a file is known to be the one that was read. */
function versionOf({ size, mtime, ctime, inode }: Stat): string {
  return `${size} ${mtime} ${ctime} ${inode}`;
}

function sumOf(path: string, version: string, digest: string): number {
  return crc32(`${path}\0${version}\0${digest}`);
}

function isBusy(error: unknown): boolean {
  return /locked|busy/i.test(messageOf(error));
}

function removeFiles(path: string): void {
  for (const suffix of SUFFIXES) {
    try {
      Deno.removeSync(`${path}${suffix}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}
