/**
 * The directory that a hub keeps everything in. One process has it at a time.
 *
 * | name       | what it is                                     |
 * | ---------- | ---------------------------------------------- |
 * | lock       | locked as long as the hub runs                 |
 * | hub.db     | the database (with -wal and -shm beside it)    |
 * | packs/     | the content, see `pack_files.ts`               |
 */
import { readdirSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { displayPath } from "../core/path.ts";
import { isFileSystemError, SyncError } from "../errors.ts";
import { fileSystemError } from "../fs/deno_errors.ts";
import { lockFile } from "../fs/deno_lock.ts";
import type { Lock } from "../fs/file_system.ts";
import { syncDirectory } from "../fs/sync_directory.ts";
import { guardDatabase, openDatabase } from "./database.ts";
import { KeyTable } from "./keys.ts";
import { PackFiles } from "./pack_files.ts";
import type { Quota } from "./quota.ts";
import { SqliteStore } from "./sqlite_store.ts";

/** The name of the database in a data directory. */
export const DATABASE = "hub.db";

/**
 * Opens the store in `directory`, which is made where it is missing.
 * @throws {SyncError} `locked`: another process has it; or its data is damaged,
 *   or of a newer program. Then nothing was changed.
 */
export async function openStore(
  directory: string,
  options: {
    readonly now?: () => number;
    readonly maxPackBytes?: number;
    readonly quota?: Quota;
  } = {},
): Promise<SqliteStore> {
  const packs = `${directory}/packs`;
  makeDirectory(directory);
  const lock = await lockDirectory(directory);
  try {
    const path = `${directory}/${DATABASE}`;
    makeDirectory(packs);
    refuseLostDatabase(path, packs);
    // What SQLite makes beside it gets the same mode: digests of keys are in there.
    makeSecretFile(path);
    const database = openDatabase(path, { owner: true });
    try {
      syncDirectory(directory);
      const sizes = packSizes(database);
      const space = PackFiles.open(
        packs,
        sizes,
        options.maxPackBytes === undefined
          ? {}
          : { maxBytes: options.maxPackBytes },
      );
      // Its tables may be sound, and their names not.
      return guardDatabase(path, () =>
        new SqliteStore({
          database,
          space,
          now: options.now ?? Date.now,
          ...(options.quota && { quota: options.quota }),
          onClose: () => lock.release(),
        }));
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    lock.release();
    throw error;
  }
}

/**
 * Does `work` with the keys of the hub in `directory`, also while it runs.
 * @throws {SyncError} If there is no hub.
 */
export function withKeys<T>(
  directory: string,
  work: (keys: KeyTable) => T,
): T {
  const database = openDatabase(`${directory}/${DATABASE}`, { owner: false });
  try {
    return work(new KeyTable(database, Date.now));
  } finally {
    database.close();
  }
}

/** @throws {SyncError} `locked`: another process has it. */
export async function lockDirectory(directory: string): Promise<Lock> {
  try {
    const path = `${directory}/lock`;
    return await lockFile({ at: path, shown: path });
  } catch (error) {
    if (!isFileSystemError(error, "locked")) throw error;
    throw new SyncError(
      "locked",
      `Another process has ${displayPath(directory)}: only one hub can`,
      { cause: error },
    );
  }
}

/** How long each pack has to be, in bytes, by number. */
function packSizes(database: DatabaseSync): Map<number, number> {
  return guardDatabase("the hub's database", () => {
    const rows = database.prepare("SELECT number, size FROM packs").all();
    return new Map(
      rows.map(({ number, size }) => [number as number, size as number]),
    );
  });
}

/** Without its database nobody knows what is in the packs: nothing may go. */
function refuseLostDatabase(path: string, packs: string): void {
  const isThere = Deno.lstatSync(packs).isDirectory && hasBytes(path);
  if (isThere) return;
  const found = readdirSync(packs).filter((name) => name.endsWith(".pack"));
  if (found.length === 0) return;
  throw new SyncError(
    "failed",
    `The hub's database ${displayPath(path)} is gone or empty, but there are ` +
      `${found.length} packs: put it back; nothing was changed`,
  );
}

function hasBytes(path: string): boolean {
  try {
    return Deno.statSync(path).size > 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw fileSystemError(error, "look at", path);
  }
}

function makeSecretFile(path: string): void {
  try {
    const options = { write: true, create: true, mode: 0o600 };
    Deno.openSync(path, options).close();
  } catch (error) {
    throw fileSystemError(error, "open", path);
  }
}

function makeDirectory(path: string): void {
  try {
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw fileSystemError(error, "create", path);
  }
}
