/**
 * What a hub remembers of its two-way syncs: for each other side the token of the
 * last run with it, see `session/pairing.ts`. A hub whose data was put back from a
 * copy remembers other runs than its clients do, so what was agreed on with them
 * holds no longer.
 */
import type { DatabaseSync } from "node:sqlite";
import type {
  PairedSide,
  PairingId,
  PairingState,
  Tokens,
} from "../session/pairing.ts";
import { guardDatabase, transact } from "./database.ts";

/** So many other sides are remembered; who comes back after more is like new. */
const MAX_PAIRS = 10_000;

/** The pairs of one hub. */
export class PairingTable implements PairedSide {
  readonly #database: DatabaseSync;
  readonly #now: () => number;
  readonly #id: PairingId;

  /** @param id By which other sides know the hub. */
  constructor(database: DatabaseSync, now: () => number, id: PairingId) {
    this.#database = database;
    this.#now = now;
    this.#id = id;
  }

  look(peerId: PairingId): Promise<PairingState> {
    return Promise.try(() =>
      guardDatabase("the hub's database", () => {
        const row = this.#database.prepare("SELECT * FROM pairs WHERE peer = ?")
          .get(peerId);
        const tokens = row && {
          current: row["current"] as string,
          previous: row["previous"] as string | null ?? undefined,
        };
        return { rootId: this.#id, isReplaced: false, tokens };
      })
    );
  }

  commit(peerId: PairingId, { current, previous }: Tokens): Promise<void> {
    return Promise.try(() =>
      transact(this.#database, () => {
        this.#database.prepare(
          "INSERT OR REPLACE INTO pairs VALUES (?, ?, ?, ?)",
        ).run(peerId, current, previous ?? null, this.#now());
        // Each round of each client comes here: all are sorted only to drop some.
        const count = this.#database.prepare(
          "SELECT count(*) AS pairs FROM pairs",
        )
          .get()?.["pairs"] as number;
        if (count <= MAX_PAIRS) return;
        this.#database.prepare(
          "DELETE FROM pairs WHERE peer IN (SELECT peer FROM pairs ORDER BY used DESC LIMIT -1 OFFSET ?)",
        ).run(MAX_PAIRS);
      })
    );
  }
}
