/** The hub's SQLite database: opened, checked, and its errors as ours. */
import { DatabaseSync } from "node:sqlite";
import { displayPath } from "../core/path.ts";
import { FileSystemError, messageOf, SyncError } from "../errors.ts";
import { faultPoint } from "../fs/fault_point.ts";
import { migrate, SCHEMA_VERSION, schemaVersionOf } from "./schema.ts";

/** How long to wait for another process, in milliseconds. */
const BUSY_MS = 5_000;

/** Up to here the whole of a database is checked at the start, in bytes. */
const MAX_WHOLE_CHECK_BYTES = 64 * 1024 * 1024;

/** Older ones may lose a write where two processes share a database (WAL reset). */
const OLDEST_SQLITE = [3, 51, 3] as const;

/** Result codes of SQLite, see https://sqlite.org/rescode.html. */
const BUSY = 5;
const CORRUPT = 11;
const FULL = 13;
const NOT_A_DATABASE = 26;

/** What SQLite says where it gives no number. */
const TEXTS: readonly (readonly [RegExp, number])[] = [
  [/disk is full/i, FULL],
  [/malformed/i, CORRUPT],
  [/not a database/i, NOT_A_DATABASE],
  [/is locked/i, BUSY],
];

/** How {@link openDatabase} opens. */
export interface DatabaseOptions {
  /** Whether it is made, or brought up to date; else it has to be as of today. */
  readonly owner: boolean;
}

/**
 * Opens the database at `path` (":memory:": one that goes with the answer).
 * @throws {SyncError} If it is damaged, of a newer program, or not there and not
 *   to be made. Then nothing was changed.
 */
export function openDatabase(
  path: string,
  { owner }: DatabaseOptions,
): DatabaseSync {
  const isThere = path !== ":memory:" && hasBytes(path);
  if (!owner && !isThere) {
    throw new SyncError("failed", `There is no hub at ${displayPath(path)}`);
  }
  return guardDatabase(path, () => {
    const database = new DatabaseSync(path);
    try {
      database.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
      checkLibrary(database);
      if (isThere && owner) checkWhole(database, Deno.statSync(path).size);
      if (owner) {
        database.exec("PRAGMA journal_mode = WAL");
        database.exec("PRAGMA synchronous = FULL");
        migrate(database);
        checkSchema(database);
      } else if (schemaVersionOf(database) !== SCHEMA_VERSION) {
        throw new SyncError(
          "failed",
          `The hub's database has version ${schemaVersionOf(database)}, this ` +
            `program wants ${SCHEMA_VERSION}: start the hub once`,
        );
      } else database.exec("PRAGMA synchronous = FULL");
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

/**
 * Does `work` as one transaction: all of it, durably, or nothing.
 * @throws {FileSystemError} `no-space`
 */
export function transact<T>(database: DatabaseSync, work: () => T): T {
  return guardDatabase("the hub's database", () => {
    faultPoint("change");
    database.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      faultPoint("change");
      database.exec("COMMIT");
      return result;
    } catch (error) {
      // SQLite may have rolled back already, when the disk is full say.
      rollBack(database);
      throw error;
    }
  });
}

/** `work`, with the errors of SQLite as ours. */
export function guardDatabase<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw databaseError(error, name);
  }
}

function databaseError(error: unknown, name: string): unknown {
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  if (code === "ENOSPC") {
    return new FileSystemError(
      "no-space",
      `Cannot write to ${name}: no space left on device`,
      { cause: error },
    );
  }
  if (code !== "ERR_SQLITE_ERROR") return error;
  const number = typeof errcode === "number"
    ? errcode & 0xff
    : TEXTS.find(([text]) => text.test(messageOf(error)))?.[1];
  const options = { cause: error };
  switch (number) {
    case FULL:
      return new FileSystemError(
        "no-space",
        `Cannot write to ${name}: no space left on device`,
        options,
      );
    case CORRUPT:
    case NOT_A_DATABASE:
      return new SyncError(
        "failed",
        `The hub's data is damaged: ${name}: ${messageOf(error)}`,
        options,
      );
    case BUSY:
      return new SyncError(
        "locked",
        `${name} is in use by another process`,
        options,
      );
    default:
      return new SyncError(
        "failed",
        `The hub's database failed: ${messageOf(error)}`,
        options,
      );
  }
}

function rollBack(database: DatabaseSync): void {
  try {
    database.exec("ROLLBACK");
  } catch {
    // There is none any more.
  }
}

/** The quick check does not hold indexes against their tables. */
function checkWhole(database: DatabaseSync, size: number): void {
  const check = size > MAX_WHOLE_CHECK_BYTES
    ? "quick_check"
    : "integrity_check";
  const row = database.prepare(`PRAGMA ${check}(1)`).get();
  const verdict = Object.values(row ?? {})[0];
  if (verdict === "ok") return;
  throw new SyncError(
    "failed",
    `The hub's database is damaged, and nothing was changed: ${verdict}`,
  );
}

/** @throws {SyncError} If a table is not as the schema has made it. */
function checkSchema(database: DatabaseSync): void {
  const made = new DatabaseSync(":memory:");
  try {
    migrate(made);
    if (schemaOf(database) === schemaOf(made)) return;
  } finally {
    made.close();
  }
  throw new SyncError(
    "failed",
    "The hub's database is damaged, and nothing was changed: its tables are not those of the schema",
  );
}

function schemaOf(database: DatabaseSync): string {
  const rows = database.prepare(
    "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name",
  ).all();
  return JSON.stringify(rows);
}

function checkLibrary(database: DatabaseSync): void {
  const row = database.prepare("SELECT sqlite_version() AS v").get();
  const version = String(row?.["v"]);
  const parts = version.split(".").map(Number);
  for (const [i, least] of OLDEST_SQLITE.entries()) {
    if (parts[i]! > least) return;
    if (parts[i]! === least) continue;
    throw new SyncError(
      "unsupported",
      `SQLite ${version} may lose writes: a hub needs ${
        OLDEST_SQLITE.join(".")
      } or newer, as Deno 2.9 has it`,
    );
  }
}

function hasBytes(path: string): boolean {
  try {
    return Deno.statSync(path).size > 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
