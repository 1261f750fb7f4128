/**
 * Chunks that came for content which has not come to its end, as when a connection
 * was lost: whoever brought them need not send them again. They are nobody else's,
 * since they belong to no version, and do not stay for ever.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";

/** So long they are kept, in milliseconds. */
const KEEP_MS = 7 * 24 * 3_600_000;

/** The number of what one client has brought in one go. */
export type PartNumber = number;

/** What came in parts, and from whom. Changes belong into a transaction. */
export class UnfinishedTable {
  readonly #database: DatabaseSync;
  readonly #now: () => number;
  readonly #begin: StatementSync;
  readonly #forget: StatementSync;
  readonly #adopt: StatementSync;
  readonly #any: StatementSync;
  readonly #ofClient: StatementSync;
  readonly #clientOf: StatementSync;

  constructor(database: DatabaseSync, now: () => number) {
    this.#database = database;
    this.#now = now;
    this.#begin = database.prepare(
      "INSERT INTO parts (client, time) VALUES (?, ?)",
    );
    this.#forget = database.prepare("DELETE FROM parts WHERE client = ?");
    this.#adopt = database.prepare(
      "UPDATE chunks SET part = NULL WHERE id = ? AND part IS NOT NULL",
    );
    this.#any = database.prepare("SELECT 1 FROM parts LIMIT 1");
    this.#ofClient = database.prepare(
      "SELECT 1 FROM parts WHERE client = ? AND EXISTS (SELECT 1 FROM chunks WHERE part = number) LIMIT 1",
    );
    this.#clientOf = database.prepare(
      "SELECT client FROM parts WHERE number = ?",
    );
  }

  /** Chunks with the number that this answers were brought by `client`. */
  begin(client: string): PartNumber {
    return Number(this.#begin.run(client, this.#now()).lastInsertRowid);
  }

  /** What `client` has brought is given up: the next collection removes it. */
  forget(client: string): void {
    this.#forget.run(client);
  }

  /** The chunk with this id belongs to content from now on. */
  adopt(id: Uint8Array): void {
    this.#adopt.run(id);
  }

  /** Whether anything is unfinished, or was a short while ago. */
  hasAny(): boolean {
    return this.#any.get() !== undefined;
  }

  /** Whether `client` has brought any. */
  has(client: string): boolean {
    return this.#ofClient.get(client) !== undefined;
  }

  /** Whether what has this number was brought by `client`. */
  isOf(part: PartNumber, client: string): boolean {
    return this.#clientOf.get(part)?.["client"] === client;
  }

  /**
   * Forgets what is too old, or has become content.
   * @param needed The table of the ids of chunks that stay; those left are added.
   */
  collect(needed: string): void {
    this.#database.prepare("DELETE FROM parts WHERE time <= ?")
      .run(this.#now() - KEEP_MS);
    this.#database.exec(
      `DELETE FROM parts WHERE NOT EXISTS (SELECT 1 FROM chunks WHERE part = number);
       INSERT OR IGNORE INTO ${needed}
         SELECT id FROM chunks WHERE part IN (SELECT number FROM parts)`,
    );
  }
}
