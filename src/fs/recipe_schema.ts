/**
 * The tables of `recipes.db`. Of a file there is one row, its last known version;
 * a chunk is found by the first 8 bytes of its id (`head`, big-endian, signed),
 * and a hit counts only if the recipe of that file has the whole id.
 *
 * | table  | field          | what it is                                       |
 * | ------ | -------------- | ------------------------------------------------ |
 * | roots  | name           | which directory: path and identity               |
 * |        | recipe_version | `RECIPE_VERSION` of all its recipes              |
 * | files  | path           | below the root                                   |
 * |        | size … inode   | the version that the recipe is of                |
 * |        | digest         | of the recipe, 32 bytes                          |
 * |        | recipe         | see `content/recipe_codec.ts`                    |
 * |        | used           | number of the run that asked for it last         |
 * | chunks | root, head     | a chunk of a tree                                |
 * |        | file           | which holds it; it may be gone                   |
 */
import type { DatabaseSync } from "node:sqlite";

/** "lock" in ASCII: tells the file from those of other programs. */
const APPLICATION_ID = 0x6c6f636b;

/** From each version of the schema (0: an empty file) to the next one. */
const STEPS: readonly string[] = [
  `CREATE TABLE roots (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    recipe_version INTEGER NOT NULL,
    UNIQUE (name, recipe_version)
  ) STRICT;
  CREATE TABLE files (
    id INTEGER PRIMARY KEY,
    root INTEGER NOT NULL REFERENCES roots (id),
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime INTEGER NOT NULL,
    ctime INTEGER NOT NULL,
    inode REAL NOT NULL,
    digest BLOB NOT NULL,
    recipe BLOB NOT NULL,
    UNIQUE (root, path)
  ) STRICT;
  CREATE INDEX files_by_inode ON files (root, inode);
  CREATE INDEX files_by_digest ON files (root, digest);
  CREATE TABLE chunks (
    root INTEGER NOT NULL,
    head INTEGER NOT NULL,
    file INTEGER NOT NULL,
    PRIMARY KEY (root, head, file)
  ) STRICT, WITHOUT ROWID;`,
  `ALTER TABLE files ADD COLUMN used INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX files_by_use ON files (used);`,
];

/** The version that this program reads and writes. */
export const SCHEMA_VERSION: number = STEPS.length;

/** The file is sound, and not for this program to touch. */
export class OtherDatabaseError extends Error {}

/**
 * Makes the tables where the file is empty, and brings older ones up to date.
 * @throws {OtherDatabaseError} See {@link versionOf}.
 */
export function migrate(db: DatabaseSync): void {
  if (versionOf(db) === SCHEMA_VERSION) return;
  db.exec("BEGIN IMMEDIATE");
  try {
    // Another process may have done it meanwhile.
    for (let version = versionOf(db); version < SCHEMA_VERSION; version++) {
      db.exec(STEPS[version]!);
    }
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
    db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
    db.exec("COMMIT");
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

/**
 * The version of the schema; 0: the file is empty.
 * @throws {OtherDatabaseError} If it is of another program, or a newer one.
 */
export function versionOf(db: DatabaseSync): number {
  const version = numberOf(db, "PRAGMA user_version");
  const isOurs = numberOf(db, "PRAGMA application_id") === APPLICATION_ID;
  const isEmpty = numberOf(db, "SELECT count(*) FROM sqlite_schema") === 0;
  if (!isOurs && !isEmpty) {
    throw new OtherDatabaseError("it belongs to another program");
  }
  if (version > SCHEMA_VERSION) {
    throw new OtherDatabaseError("it was made by a newer Lockstep");
  }
  return isEmpty ? 0 : version;
}

/** The only number of the only row that `query` answers. */
export function numberOf(db: DatabaseSync, query: string): number {
  const [value] = Object.values(db.prepare(query).get() ?? {});
  return Number(value);
}
