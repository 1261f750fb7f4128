/** What is asked of `recipes.db`, in SQL; see `recipe_schema.ts` for the tables. */
import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";
import { digestOfRecipe } from "../content/pages.ts";
import { ID_BYTES, type Recipe, RECIPE_VERSION } from "../content/recipe.ts";
import { decodeRecipe, encodeRecipe } from "../content/recipe_codec.ts";
import type { Digest } from "../core/entry.ts";
import { parseRelPath, type RelPath } from "../core/path.ts";
import { messageOf } from "../errors.ts";
import { DamagedError, type RecipeLimits } from "./recipe_file.ts";
import { numberOf } from "./recipe_schema.ts";
import type { FileVersion } from "./recipe_store.ts";

/** Files that are looked at for one chunk: some are in nearly every file. */
const FILES_OF_A_CHUNK = 16;

/** Files that are removed at a time where there are too many of them. */
const EVICTED_AT_ONCE = 32;

/** A file of a tree, and what it is made of. */
export interface Known {
  readonly path: RelPath;
  readonly version: FileVersion;
  readonly recipe: Recipe;
}

/** Known from the tables. */
export interface Stored extends Known {
  readonly id: number;
  /** Number of the run that asked for it last. */
  readonly used: number;
}

type Row = Record<string, SQLOutputValue>;

/** The part of the tables that is about one root. All calls throw what SQLite says. */
export class RecipeTables {
  readonly #db: DatabaseSync;
  readonly #root: number;
  readonly #statements = new Map<string, StatementSync>();

  constructor(db: DatabaseSync, root: string) {
    this.#db = db;
    this.#root = rootId(db, root);
  }

  at(path: RelPath): Stored | undefined {
    return this.#file("path = ?", path);
  }

  withVersion({ inode, size, mtime }: FileVersion): Stored | undefined {
    return this.#file("inode = ? AND size = ? AND mtime = ?", [
      inode,
      size,
      mtime,
    ]);
  }

  withId(id: number): Stored | undefined {
    return this.#file("id = ?", id);
  }

  withDigest(digest: Digest): { path: RelPath; version: FileVersion }[] {
    const rows = this.#prepare(
      `SELECT path, size, mtime, ctime, inode FROM files
        WHERE root = ? AND digest = ? ORDER BY used DESC, id DESC`,
    ).all(this.#root, Uint8Array.fromHex(digest));
    return rows.map((row) => ({ path: pathOf(row), version: versionOf(row) }));
  }

  /** Numbers of files that may hold the chunk whose id is number `i` of `ids`. */
  mayHold(ids: Uint8Array, i: number): number[] {
    const rows = this.#prepare(
      "SELECT file FROM chunks WHERE root = ? AND head = ? LIMIT ?",
    ).all(this.#root, headOf(ids, i), FILES_OF_A_CHUNK);
    return rows.map(({ file }) => Number(file));
  }

  /** Writes what is known now, and that those files were asked for, in this run. */
  write(
    known: Iterable<Known>,
    touched: Iterable<number>,
    run: number,
    limits: RecipeLimits,
  ): void {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const touch = this.#prepare("UPDATE files SET used = ? WHERE id = ?");
      for (const id of touched) touch.run(run, id);
      for (const file of known) this.#put(file, run);
      this.#evict(limits);
      this.#db.exec("COMMIT");
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  #put({ path, version, recipe }: Known, run: number): void {
    const { size, mtime, ctime, inode } = version;
    const digest = Uint8Array.fromHex(digestOfRecipe(recipe));
    const before = this.#prepare(
      "SELECT id, digest FROM files WHERE root = ? AND path = ?",
    ).get(this.#root, path);
    if (before !== undefined) {
      if (isEqual(before.digest as Uint8Array, digest)) {
        this.#prepare(
          `UPDATE files SET size = ?, mtime = ?, ctime = ?, inode = ?, used = ?
            WHERE id = ?`,
        ).run(size, mtime, ctime, inode, run, before.id!);
        return;
      }
      this.#remove(Number(before.id));
    }
    const { lastInsertRowid } = this.#prepare(
      `INSERT INTO files
        (root, path, size, mtime, ctime, inode, digest, recipe, used)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      ...[this.#root, path, size, mtime, ctime, inode, digest],
      ...[encodeRecipe(recipe), run],
    );
    const insert = this.#prepare(
      "INSERT OR IGNORE INTO chunks (root, head, file) VALUES (?, ?, ?)",
    );
    for (const head of headsOf(recipe)) {
      insert.run(this.#root, head, lastInsertRowid);
    }
  }

  /** Removes a file of any root, with its chunks. */
  #remove(id: number): void {
    const row = this.#prepare("SELECT root, recipe FROM files WHERE id = ?")
      .get(id);
    if (row === undefined) return;
    const remove = this.#prepare(
      "DELETE FROM chunks WHERE root = ? AND head = ? AND file = ?",
    );
    for (const head of headsOf(recipeIn(row))) remove.run(row.root!, head, id);
    this.#prepare("DELETE FROM files WHERE id = ?").run(id);
  }

  #evict({ files, bytes }: RecipeLimits): void {
    let count = numberOf(this.#db, "SELECT count(*) FROM files");
    while (count > 0 && (count > files || usedBytes(this.#db) > bytes)) {
      const over = count > files ? count - files : 1;
      const oldest = this.#prepare(
        "SELECT id FROM files ORDER BY used, id LIMIT ?",
      ).all(Math.min(over, EVICTED_AT_ONCE));
      for (const { id } of oldest) this.#remove(Number(id));
      count -= oldest.length;
    }
  }

  #file(
    condition: string,
    values: number | string | number[],
  ): Stored | undefined {
    const row = this.#prepare(
      `SELECT id, path, size, mtime, ctime, inode, digest, recipe, used
        FROM files WHERE root = ? AND ${condition} ORDER BY used DESC, id DESC`,
    ).get(this.#root, ...[values].flat());
    if (row === undefined) return undefined;
    const recipe = recipeIn(row);
    if (
      digestOfRecipe(recipe) !== (row.digest as Uint8Array<ArrayBuffer>).toHex()
    ) throw new DamagedError("a recipe has another digest");
    return {
      id: Number(row.id),
      path: pathOf(row),
      version: versionOf(row),
      recipe,
      used: Number(row.used),
    };
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

function rootId(db: DatabaseSync, name: string): number {
  const find = db.prepare(
    "SELECT id FROM roots WHERE name = ? AND recipe_version = ?",
  );
  const id = find.get(name, RECIPE_VERSION)?.id;
  if (id !== undefined) return Number(id);
  db.prepare("INSERT OR IGNORE INTO roots (name, recipe_version) VALUES (?, ?)")
    .run(name, RECIPE_VERSION);
  return Number(find.get(name, RECIPE_VERSION)!.id);
}

/** Bytes that are in use: what was removed leaves pages for what comes. */
function usedBytes(db: DatabaseSync): number {
  const pages = numberOf(db, "PRAGMA page_count") -
    numberOf(db, "PRAGMA freelist_count");
  return pages * numberOf(db, "PRAGMA page_size");
}

/** The first bytes of each id in `recipe`: sorted, so that neighbours are written at once. */
function headsOf({ ids, lengths }: Recipe): BigInt64Array {
  const heads = new BigInt64Array(lengths.length);
  for (let i = 0; i < heads.length; i++) heads[i] = headOf(ids, i);
  return heads.sort();
}

function headOf(ids: Uint8Array, i: number): bigint {
  return new DataView(ids.buffer, ids.byteOffset, ids.byteLength)
    .getBigInt64(i * ID_BYTES);
}

function recipeIn({ recipe }: Row): Recipe {
  try {
    return decodeRecipe(recipe as Uint8Array);
  } catch (error) {
    throw new DamagedError(messageOf(error), { cause: error });
  }
}

function pathOf({ path }: Row): RelPath {
  try {
    return parseRelPath(String(path));
  } catch (error) {
    throw new DamagedError(messageOf(error), { cause: error });
  }
}

function versionOf({ size, mtime, ctime, inode }: Row): FileVersion {
  return {
    size: Number(size),
    mtime: Number(mtime),
    ctime: Number(ctime),
    inode: Number(inode),
  };
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
