/**
 * Chunks that came for content which has not come to its end, as when a connection
 * was lost: whoever brought them need not send them again. They are nobody else's,
 * since they belong to no version, and do not stay for ever.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";

/** So long they are kept, in milliseconds. */
export const KEEP_UNFINISHED_MS = 7 * 24 * 3_600_000;

/** Which chunks are of that kind, and whose. Changes belong into a transaction. */
export class UnfinishedTable {
  readonly #now: () => number;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #any: StatementSync;
  readonly #ofClient: StatementSync;
  readonly #find: StatementSync;

  constructor(database: DatabaseSync, now: () => number) {
    this.#now = now;
    this.#insert = database.prepare(
      "INSERT OR REPLACE INTO parts VALUES (?, ?, ?)",
    );
    this.#delete = database.prepare("DELETE FROM parts WHERE id = ?");
    this.#any = database.prepare("SELECT 1 FROM parts LIMIT 1");
    this.#ofClient = database.prepare(
      "SELECT 1 FROM parts WHERE client = ? LIMIT 1",
    );
    this.#find = database.prepare("SELECT client FROM parts WHERE id = ?");
  }

  /** `client` has brought the chunk with this id. */
  add(id: Uint8Array, client: string): void {
    this.#insert.run(id, client, this.#now());
  }

  /** The chunk belongs to content. */
  remove(id: Uint8Array): void {
    this.#delete.run(id);
  }

  hasAny(): boolean {
    return this.#any.get() !== undefined;
  }

  /** Whether `client` has brought any. */
  has(client: string): boolean {
    return this.#ofClient.get(client) !== undefined;
  }

  /** Whether a chunk that is in the store belongs to content, or to `client`. */
  isOpenTo(id: Uint8Array, client: string): boolean {
    const row = this.#find.get(id);
    return row === undefined || row["client"] === client;
  }
}
