/**
 * The tables of a hub, and how an older database becomes one of today.
 *
 * | table     | one row for                                                        |
 * | --------- | ------------------------------------------------------------------ |
 * | changes   | each accepted change that retention has left, by revision          |
 * | files     | each path at which something is now: the revision of its change    |
 * | contents  | each content: its size, and its recipe (see `recipe_blob.ts`)      |
 * | chunks    | each chunk: where it lies, and the part that it is yet to leave    |
 * | packs     | each pack: how many of its bytes belong to it                      |
 * | clients   | each registered client                                             |
 * | conflicts | each change that came too late, with all that it wanted            |
 * | keys      | each key: its digest, never the key                                |
 * | pairs     | each other side of a two-way sync: tokens of the last run          |
 * | epochs    | each start of the hub: the last revision before it                 |
 * | approvals | each deletion that had to wait for a person                        |
 * | rewrites  | each change set that replaced most files: the versions before stay |
 * | parts     | each part of a sync that has not come to its end: who brought it   |
 * | meta      | `epoch` (the first one, the id of the hub), `horizon`, `policy`    |
 *
 * Times are milliseconds since 1970. Ids and digests of content are blobs of 32
 * bytes. `user_version` is the version of the schema.
 */
import type { DatabaseSync } from "node:sqlite";
import { SyncError } from "../errors.ts";

/** Each step takes a database from the version of its place to the next one. */
export const SCHEMA_STEPS: readonly string[] = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE changes (
    revision INTEGER PRIMARY KEY AUTOINCREMENT,
    path TEXT NOT NULL,
    kind TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime INTEGER NOT NULL,
    mode INTEGER NOT NULL,
    digest BLOB,
    target TEXT,
    time INTEGER NOT NULL,
    client TEXT NOT NULL,
    operation TEXT NOT NULL,
    change_set INTEGER NOT NULL
  );
  CREATE INDEX changes_of_path ON changes (path, revision);
  CREATE INDEX changes_of_client ON changes (client, revision);
  CREATE INDEX changes_of_set ON changes (change_set);
  CREATE TABLE files (path TEXT PRIMARY KEY, revision INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE contents (
    digest BLOB PRIMARY KEY,
    size INTEGER NOT NULL,
    recipe BLOB NOT NULL
  );
  CREATE TABLE packs (number INTEGER PRIMARY KEY, size INTEGER NOT NULL);
  CREATE TABLE chunks (
    id BLOB PRIMARY KEY,
    pack INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    length INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX chunks_of_pack ON chunks (pack);
  CREATE TABLE clients (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    registered INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    revision INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    digest BLOB NOT NULL,
    role TEXT NOT NULL,
    path TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER,
    revoked INTEGER
  ) WITHOUT ROWID;
  CREATE TABLE conflicts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path TEXT NOT NULL,
    base INTEGER NOT NULL,
    current INTEGER NOT NULL,
    size INTEGER NOT NULL,
    mtime INTEGER NOT NULL,
    mode INTEGER NOT NULL,
    digest BLOB NOT NULL,
    time INTEGER NOT NULL,
    client TEXT NOT NULL,
    resolved INTEGER,
    resolution TEXT
  );
  INSERT INTO meta VALUES ('epoch', lower(hex(randomblob(16)))), ('horizon', '0');
  `,
  `
  CREATE TABLE pairs (
    peer TEXT PRIMARY KEY,
    current TEXT NOT NULL,
    previous TEXT,
    used INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE epochs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    epoch TEXT NOT NULL UNIQUE,
    since INTEGER NOT NULL
  );
  INSERT INTO epochs (epoch, since) SELECT value, 0 FROM meta WHERE name = 'epoch';
  `,
  `
  CREATE TABLE approvals (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    client TEXT NOT NULL,
    peer TEXT,
    time INTEGER NOT NULL,
    decided INTEGER,
    files INTEGER NOT NULL,
    total INTEGER NOT NULL,
    paths TEXT NOT NULL,
    state TEXT NOT NULL
  );
  `,
  `
  ALTER TABLE conflicts ADD COLUMN kind TEXT NOT NULL DEFAULT 'file';
  ALTER TABLE conflicts ADD COLUMN copy TEXT;
  ALTER TABLE conflicts ADD COLUMN side TEXT NOT NULL DEFAULT 'client';
  CREATE INDEX conflicts_of_path ON conflicts (path);
  `,
  `
  CREATE TABLE rewrites (
    change_set INTEGER PRIMARY KEY,
    time INTEGER NOT NULL
  );
  `,
  `
  CREATE TABLE parts (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    client TEXT NOT NULL,
    time INTEGER NOT NULL
  );
  ALTER TABLE chunks ADD COLUMN part INTEGER;
  CREATE INDEX chunks_of_part ON chunks (part) WHERE part IS NOT NULL;
  `,
  `
  ALTER TABLE approvals ADD COLUMN used INTEGER;
  `,
];

/** The version of a database of today. */
export const SCHEMA_VERSION = SCHEMA_STEPS.length;

/** Which version `database` has; 0: it is empty. */
export function schemaVersionOf(database: DatabaseSync): number {
  const row = database.prepare("PRAGMA user_version").get();
  return Number(row?.["user_version"] ?? 0);
}

/**
 * Makes the tables, or brings those of an older version up to date, all at once.
 * @param steps Other ones, for tests.
 * @throws {SyncError} If a newer program has made them.
 */
export function migrate(
  database: DatabaseSync,
  steps: readonly string[] = SCHEMA_STEPS,
): void {
  const version = schemaVersionOf(database);
  if (version > steps.length) {
    throw new SyncError(
      "failed",
      `The hub's database has version ${version}, this program knows ` +
        `${steps.length} at the most: a newer one has made it`,
    );
  }
  if (version === steps.length) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    for (const step of steps.slice(version)) database.exec(step);
    database.exec(`PRAGMA user_version = ${steps.length}`);
    database.exec("COMMIT");
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}
