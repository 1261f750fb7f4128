/**
 * Each start of a hub begins an epoch. A hub whose data was put back from a copy
 * counts on from an older revision, so one number may mean two changes; together
 * with the epoch in which somebody heard it, it means one.
 */
import type { DatabaseSync } from "node:sqlite";
import { guardDatabase, transact } from "./database.ts";

/** So many are remembered; what was heard in earlier ones is not known any more. */
const MAX_EPOCHS = 10_000;

/** The first characters tell epochs of one hub apart. */
export const SHORT_EPOCH_CHARACTERS = 12;

/** The epochs of one hub. */
export class EpochTable {
  /** 32 hexadecimal digits. */
  readonly current: string;
  readonly #database: DatabaseSync;

  /** Begins one after the revision `head`. */
  constructor(database: DatabaseSync, head: number) {
    this.#database = database;
    this.current = crypto.getRandomValues(new Uint8Array(16)).toHex();
    transact(database, () => {
      database.prepare("INSERT INTO epochs (epoch, since) VALUES (?, ?)")
        .run(this.current, head);
      database.prepare(
        "DELETE FROM epochs WHERE number <= (SELECT max(number) FROM epochs) - ?",
      ).run(MAX_EPOCHS);
    });
  }

  /**
   * Up to which revision it holds what was heard in `epoch`, of which the first
   * characters will do: -1 where there was no such epoch, as far as is known.
   */
  knownUpTo(epoch: string): number {
    const short = epoch.slice(0, SHORT_EPOCH_CHARACTERS);
    return guardDatabase("the hub's database", () => {
      const row = this.#database.prepare(
        `SELECT next FROM (
           SELECT epoch, lead(since) OVER (ORDER BY number) AS next FROM epochs
         ) WHERE substr(epoch, 1, ${SHORT_EPOCH_CHARACTERS}) = ?`,
      ).get(short);
      if (row === undefined) return -1;
      return row["next"] as number | null ?? Number.MAX_SAFE_INTEGER;
    });
  }
}
