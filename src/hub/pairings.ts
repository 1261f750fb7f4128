/** What a hub remembers of clients in two-way syncs: the last run with each of them. */
import type { DatabaseSync } from "node:sqlite";
import type {
  PairedSide,
  PairingId,
  PairingState,
  Tokens,
} from "../session/pairing.ts";
import { guardDatabase, transact } from "./database.ts";

/** So many clients are remembered: those of the latest runs. */
const MAX_PAIRS = 10_000;

/** The runs that one hub remembers. */
export class PairingTable implements PairedSide {
  readonly #database: DatabaseSync;
  readonly #rootId: PairingId;
  readonly #now: () => number;

  /** @param rootId By which clients know the hub. */
  constructor(database: DatabaseSync, rootId: PairingId, now: () => number) {
    this.#database = database;
    this.#rootId = rootId;
    this.#now = now;
  }

  look(peerId: PairingId): Promise<PairingState> {
    const tokens = guardDatabase("the hub's database", () => {
      const row = this.#database.prepare(
        "SELECT current, previous FROM pairs WHERE peer = ?",
      ).get(peerId);
      return row === undefined ? undefined : {
        current: row["current"] as PairingId,
        previous: row["previous"] as PairingId | null ?? undefined,
      };
    });
    return Promise.resolve({
      rootId: this.#rootId,
      isReplaced: false,
      tokens,
    });
  }

  commit(peerId: PairingId, { current, previous }: Tokens): Promise<void> {
    transact(this.#database, () => {
      this.#database.prepare(
        "INSERT OR REPLACE INTO pairs VALUES (?, ?, ?, ?)",
      ).run(peerId, current, previous ?? null, this.#now());
      this.#database.prepare(
        "DELETE FROM pairs WHERE peer IN (SELECT peer FROM pairs ORDER BY time DESC LIMIT -1 OFFSET ?)",
      ).run(MAX_PAIRS);
    });
    return Promise.resolve();
  }
}
