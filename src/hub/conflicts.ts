/**
 * Conflicts: two have changed one path. The version that is not at the path is
 * kept, until a person decides: as content of its own where it came too late, or
 * as a copy in the tree where a two-way sync has made one.
 */
import type { DatabaseSync } from "node:sqlite";
import { Buffer } from "node:buffer";
import type { Digest } from "../core/entry.ts";
import type { RelPath } from "../core/path.ts";
import { guardDatabase, transact } from "./database.ts";

/** How a conflict was resolved: which of the two is at the path, or both are somewhere. */
export type Resolution = "current" | "other" | "both";

/** Whose version is the one that is kept beside the path. */
export type ConflictSide = "client" | "hub";

/** The version that is not at the path. */
export interface NewConflict {
  readonly path: RelPath;
  /** What it is; only files have a size and a digest. */
  readonly kind: "file" | "directory" | "symlink";
  readonly side: ConflictSide;
  /** Where it lies in the tree; undefined: nowhere. */
  readonly copy: RelPath | undefined;
  /** The revision that its sender took for the last one of the path. */
  readonly base: number;
  /** The one that was. */
  readonly current: number;
  /** In bytes. */
  readonly size: number;
  readonly mtime: number;
  readonly mode: number;
  /** "" for what is no file. */
  readonly digest: Digest;
  /** Who has told of it. */
  readonly client: string;
}

/** A conflict. */
export interface Conflict extends NewConflict {
  readonly id: number;
  /** Times in milliseconds since 1970. */
  readonly time: number;
  readonly resolved: number | undefined;
  readonly resolution: Resolution | undefined;
}

/** The conflicts of one hub. */
export class ConflictTable {
  readonly #database: DatabaseSync;
  readonly #now: () => number;

  constructor(database: DatabaseSync, now: () => number) {
    this.#database = database;
    this.#now = now;
  }

  /**
   * Keeps a conflict: its id. One that is open already is not kept once more. For
   * the store, within a transaction of its own.
   */
  insert(conflict: NewConflict): number {
    const { path, base, current, size, mtime, mode, digest, client } = conflict;
    const { kind, side, copy = null } = conflict;
    const open = this.#database.prepare(
      "SELECT id FROM conflicts WHERE path = ? AND digest = ? AND copy IS ? AND resolved IS NULL",
    ).get(path, Buffer.from(digest, "hex"), copy);
    if (open !== undefined) return Number(open["id"]);
    const { lastInsertRowid } = this.#database.prepare(
      "INSERT INTO conflicts (kind, side, copy, path, base, current, size, mtime, mode, digest, time, client) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    ).run(
      kind,
      side,
      copy,
      path,
      base,
      current,
      size,
      mtime,
      mode,
      Buffer.from(digest, "hex"),
      this.#now(),
      client,
    );
    return Number(lastInsertRowid);
  }

  get(id: number): Conflict | undefined {
    return guardDatabase("the hub's database", () => {
      const row = this.#database.prepare("SELECT * FROM conflicts WHERE id = ?")
        .get(id);
      return row === undefined ? undefined : toConflict(row);
    });
  }

  /** Conflicts, the oldest first; with `all` also those that are resolved. */
  list(
    { after = 0, limit, all = false, path }: {
      readonly after?: number | undefined;
      readonly limit: number;
      readonly all?: boolean;
      /** Only those at this path. */
      readonly path?: RelPath | undefined;
    },
  ): Conflict[] {
    return guardDatabase("the hub's database", () =>
      this.#database.prepare(
        `SELECT * FROM conflicts WHERE id > ?1 AND path = coalesce(?2, path) ${
          all ? "" : "AND resolved IS NULL"
        } ORDER BY id LIMIT ?3`,
      ).all(after, path ?? null, limit).map(toConflict));
  }

  /** How many are not resolved. */
  open(): number {
    return guardDatabase("the hub's database", () => {
      const row = this.#database.prepare(
        "SELECT count(*) AS n FROM conflicts WHERE resolved IS NULL",
      ).get();
      return Number(row?.["n"]);
    });
  }

  /** Notes how a conflict was resolved: false if it was already, or is none. */
  resolve(id: number, resolution: Resolution): boolean {
    const { changes } = transact(this.#database, () =>
      this.#database.prepare(
        "UPDATE conflicts SET resolved = ?, resolution = ? WHERE id = ? AND resolved IS NULL",
      ).run(this.#now(), resolution, id));
    return Number(changes) === 1;
  }
}

function toConflict(row: Record<string, unknown>): Conflict {
  return {
    id: row["id"] as number,
    path: row["path"] as RelPath,
    kind: row["kind"] as Conflict["kind"],
    side: row["side"] as ConflictSide,
    copy: row["copy"] as RelPath | null ?? undefined,
    base: row["base"] as number,
    current: row["current"] as number,
    size: row["size"] as number,
    mtime: row["mtime"] as number,
    mode: row["mode"] as number,
    digest: Buffer.from(row["digest"] as Uint8Array).toString("hex"),
    time: row["time"] as number,
    client: row["client"] as string,
    resolved: row["resolved"] as number | null ?? undefined,
    resolution: row["resolution"] as Resolution | null ?? undefined,
  };
}
