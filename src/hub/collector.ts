/**
 * Removes what nothing needs any more: versions by retention, then content that
 * no version, conflict, reader or writer needs, then chunks that no content
 * needs, then packs that hold little else. Each step is a transaction that is
 * right by itself; a run that is broken off loses nothing and leaves what the
 * next one finds.
 */
import type { DatabaseSync } from "node:sqlite";
import { ID_BYTES } from "../content/recipe.ts";
import type { RelPath } from "../core/path.ts";
import { nextTurn } from "../core/turn.ts";
import { IntegrityError } from "../errors.ts";
import {
  type ChunkPlace,
  lostInFlush,
  PACK_HEADER_BYTES,
  RECORD_HEADER_BYTES,
} from "./chunk_space.ts";
import type { ContentStore } from "./content_store.ts";
import { transact } from "./database.ts";
import { decodeRecipe } from "./recipe_blob.ts";
import { mayGo, type Retention } from "./retention.ts";
import { KEEP_BEFORE_MS } from "./rewrites.ts";
import { digestBytes } from "./rows.ts";
import type { Collected } from "./store.ts";

/** Contents whose chunks are marked in one go. */
const MARK_AT_ONCE = 200;

/** Chunks that are moved in one go. */
const MOVE_AT_ONCE = 64;

/** A pack of which less than this share is needed is written anew. */
const LEAST_SHARE = 0.5;

/** What a collection works on. */
export interface CollectOptions {
  readonly database: DatabaseSync;
  readonly contents: ContentStore;
  readonly retention: Retention;
  /** In milliseconds since 1970. */
  readonly now: number;
  readonly signal?: AbortSignal;
}

/** Collects once; two at a time must not be. */
export async function collect(options: CollectOptions): Promise<Collected> {
  const { database } = options;
  const before = packBytes(database);
  const versions = dropVersions(options);
  dropContents(options);
  const chunks = await dropChunks(options);
  const problems = await compactPacks(options);
  const bytes = before - packBytes(database);
  return { versions, chunks, bytes, problems };
}

function dropVersions({ database, retention, now }: CollectOptions): number {
  return transact(database, () => {
    const candidates = database.prepare(
      `SELECT * FROM (
         SELECT revision, path, kind,
           row_number() OVER newest - 1 AS newer,
           lag(time) OVER newest AS replaced, time,
           lag(change_set) OVER newest AS replacing
         FROM changes WINDOW newest AS (PARTITION BY path ORDER BY revision DESC)
       ) WHERE (coalesce(replaced, time) <= ? OR newer > ?)
         AND (newer > 0 OR kind = 'deleted')`,
    );
    const held = database.prepare(
      "SELECT 1 FROM rewrites WHERE change_set = ? AND time > ?",
    );
    const { most = Number.MAX_SAFE_INTEGER } = retention;
    const isThere = database.prepare("SELECT 1 FROM files WHERE path = ?");
    const goes: number[] = [];
    for (const row of candidates.iterate(now - retention.ageMs, most)) {
      const replacing = row["replacing"] as number | null;
      const version = {
        newer: Number(row["newer"]),
        replaced: Number(row["replaced"] ?? row["time"]),
        exists: isThere.get(row["path"] as RelPath) !== undefined,
        isHeld: replacing !== null &&
          held.get(replacing, now - KEEP_BEFORE_MS) !== undefined,
      };
      if (mayGo(version, retention, now)) goes.push(Number(row["revision"]));
    }
    const remove = database.prepare("DELETE FROM changes WHERE revision = ?");
    for (const revision of goes) remove.run(revision);
    const last = goes.reduce((a, b) => Math.max(a, b), 0);
    database.prepare(
      "UPDATE meta SET value = max(CAST(value AS INTEGER), ?) WHERE name = 'horizon'",
    ).run(last);
    database.prepare("DELETE FROM rewrites WHERE time <= ?")
      .run(now - KEEP_BEFORE_MS);
    database.prepare("DELETE FROM conflicts WHERE resolved <= ?")
      .run(now - retention.ageMs);
    return goes.length;
  });
}

function dropContents({ database, contents }: CollectOptions): void {
  transact(database, () => {
    database.exec(
      "CREATE TEMP TABLE IF NOT EXISTS needed (id BLOB PRIMARY KEY) WITHOUT ROWID",
    );
    database.exec("DELETE FROM needed");
    const note = database.prepare("INSERT OR IGNORE INTO needed VALUES (?)");
    for (const digest of contents.contentPins.names()) {
      note.run(digestBytes(digest));
    }
    database.exec(
      `INSERT OR IGNORE INTO needed
         SELECT digest FROM changes WHERE digest IS NOT NULL
         UNION SELECT digest FROM conflicts`,
    );
    database.exec(
      "DELETE FROM contents WHERE digest NOT IN (SELECT id FROM needed)",
    );
  });
}

async function dropChunks(options: CollectOptions): Promise<number> {
  const { database, contents, signal } = options;
  database.exec("DELETE FROM needed");
  const page = database.prepare(
    "SELECT rowid AS at, size, recipe FROM contents WHERE rowid > ? ORDER BY rowid LIMIT ?",
  );
  const note = database.prepare("INSERT OR IGNORE INTO needed VALUES (?)");
  let at = 0;
  const mark = (limit: number): boolean => {
    const rows = page.all(at, limit);
    for (const row of rows) {
      const size = row["size"] as number;
      const { ids } = decodeRecipe(row["recipe"] as Uint8Array, size);
      for (let i = 0; i < ids.length; i += ID_BYTES) {
        note.run(ids.subarray(i, i + ID_BYTES));
      }
      at = Number(row["at"]);
    }
    return rows.length === limit;
  };
  while (transact(database, () => mark(MARK_AT_ONCE))) {
    await nextTurn();
    signal?.throwIfAborted();
  }
  // No turn from here on: what came meanwhile is marked in the same transaction.
  return transact(database, () => {
    while (mark(MARK_AT_ONCE));
    for (const id of contents.pinnedChunks()) note.run(id);
    contents.chunkStore.unfinished.collect("needed");
    const { changes } = database.prepare(
      "DELETE FROM chunks WHERE id NOT IN (SELECT id FROM needed)",
    ).run();
    database.exec("DELETE FROM needed");
    return Number(changes);
  });
}

/** Writes packs anew of which little is needed: those that are damaged, and why. */
async function compactPacks(options: CollectOptions): Promise<string[]> {
  const { database, contents, signal } = options;
  const problems: string[] = [];
  const packs = database.prepare(
    `SELECT number, size, (
       SELECT coalesce(sum(length + ?), 0) FROM chunks WHERE pack = number
     ) AS used FROM packs ORDER BY used`,
  ).all(RECORD_HEADER_BYTES);
  for (const row of packs) {
    const pack = row["number"] as number;
    const room = Number(row["size"]) - PACK_HEADER_BYTES;
    const isNeeded = Number(row["used"]) >= room * LEAST_SHARE && room > 0;
    if (isNeeded || contents.chunkStore.hasPending(pack)) continue;
    if (contents.chunkStore.space.current === pack) {
      contents.chunkStore.space.startNewPack();
    }
    try {
      const moved = await copyChunks(pack, options);
      await contents.chunkStore.flush();
      transact(database, () => {
        contents.save([]);
        const move = database.prepare(
          "UPDATE chunks SET pack = ?, offset = ? WHERE id = ? AND pack = ?",
        );
        for (const [id, to] of moved) {
          // Somebody else's flush may have failed since.
          if (!contents.chunkStore.copies.has(to)) throw lostInFlush();
          move.run(to.pack, to.offset, id, pack);
        }
        database.prepare("DELETE FROM packs WHERE number = ?").run(pack);
      });
      contents.chunkStore.saved();
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error;
      problems.push(error.message);
      continue;
    } finally {
      contents.chunkStore.endCopies();
    }
    contents.chunkStore.drop(pack);
    signal?.throwIfAborted();
  }
  return problems;
}

async function copyChunks(
  pack: number,
  { database, contents, signal }: CollectOptions,
): Promise<[Uint8Array, ChunkPlace][]> {
  const moved: [Uint8Array, ChunkPlace][] = [];
  const rows = database.prepare(
    "SELECT id, pack, offset, length FROM chunks WHERE pack = ? ORDER BY offset",
  ).all(pack);
  for (const [i, row] of rows.entries()) {
    const id = row["id"] as Uint8Array;
    const place = row as unknown as ChunkPlace;
    moved.push([id, contents.chunkStore.copy(id, place)]);
    if (i % MOVE_AT_ONCE !== 0) continue;
    await nextTurn();
    signal?.throwIfAborted();
  }
  return moved;
}

function packBytes(database: DatabaseSync): number {
  const row = database.prepare("SELECT sum(size) AS bytes FROM packs").get();
  return Number(row?.["bytes"] ?? 0);
}
