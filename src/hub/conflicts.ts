/**
 * Changes that came too late: somebody else had changed the file meanwhile. What
 * they brought is kept, as a version of its own, until a person decides.
 */
import type { DatabaseSync } from "node:sqlite";
import { Buffer } from "node:buffer";
import type { Digest } from "../core/entry.ts";
import type { RelPath } from "../core/path.ts";
import { guardDatabase, transact } from "./database.ts";

/** How a conflict was resolved: which of the two is at the path, or both are somewhere. */
export type Resolution = "current" | "other" | "both";

/** What came too late. */
export interface NewConflict {
  readonly path: RelPath;
  /** The revision that its sender took for the last one of the path. */
  readonly base: number;
  /** The one that was. */
  readonly current: number;
  /** In bytes. */
  readonly size: number;
  readonly mtime: number;
  readonly mode: number;
  readonly digest: Digest;
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

  /** Keeps a conflict: its id. For the store, within a transaction of its own. */
  insert(conflict: NewConflict): number {
    const { path, base, current, size, mtime, mode, digest, client } = conflict;
    const { lastInsertRowid } = this.#database.prepare(
      "INSERT INTO conflicts (path, base, current, size, mtime, mode, digest, time, client) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    ).run(
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
    { after = 0, limit, all = false }: {
      readonly after?: number;
      readonly limit: number;
      readonly all?: boolean;
    },
  ): Conflict[] {
    return guardDatabase("the hub's database", () =>
      this.#database.prepare(
        `SELECT * FROM conflicts WHERE id > ? ${
          all ? "" : "AND resolved IS NULL"
        } ORDER BY id LIMIT ?`,
      ).all(after, limit).map(toConflict));
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
