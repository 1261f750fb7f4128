/** The clients that have registered at a hub. */
import type { DatabaseSync } from "node:sqlite";
import { guardDatabase, transact } from "./database.ts";

/** A registered client. */
export interface ClientInfo {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  /** Id of the key that it has registered with. */
  readonly key: string;
  /** Times in milliseconds since 1970. */
  readonly registered: number;
  readonly seen: number;
  /** It has said that it knows all changes up to this one. */
  readonly revision: number;
}

/** So many clients can be registered. */
const MAX_CLIENTS = 10_000;

/** The clients of one hub. */
export class ClientTable {
  readonly #database: DatabaseSync;
  readonly #now: () => number;

  constructor(database: DatabaseSync, now: () => number) {
    this.#database = database;
    this.#now = now;
  }

  /**
   * Registers a client, or one that is registered anew: it goes by its key from
   * now on. Where too many have, the one that was seen least lately is forgotten.
   * @param id Which it has; a new one unless said.
   */
  register(
    name: string,
    key: string,
    id = crypto.getRandomValues(new Uint8Array(16)).toHex(),
  ): ClientInfo {
    const now = this.#now();
    if (this.get(id) !== undefined) {
      transact(this.#database, () => {
        this.#database.prepare(
          "UPDATE clients SET name = ?, key = ?, seen = ? WHERE id = ?",
        ).run(name, key, now, id);
      });
      return this.get(id)!;
    }
    transact(this.#database, () => {
      this.#database.prepare(
        "DELETE FROM clients WHERE id IN (SELECT id FROM clients ORDER BY seen DESC LIMIT -1 OFFSET ?)",
      ).run(MAX_CLIENTS - 1);
      this.#database.prepare("INSERT INTO clients VALUES (?, ?, ?, ?, ?, 0)")
        .run(id, name, key, now, now);
    });
    return { id, name, key, registered: now, seen: now, revision: 0 };
  }

  get(id: string): ClientInfo | undefined {
    return guardDatabase("the hub's database", () => {
      const row = this.#database.prepare("SELECT * FROM clients WHERE id = ?")
        .get(id);
      return row === undefined ? undefined : toClient(row);
    });
  }

  /** Those that are called `name`: their ids. */
  called(name: string): string[] {
    return guardDatabase(
      "the hub's database",
      () =>
        this.#database.prepare("SELECT id FROM clients WHERE name = ?").all(
          name,
        )
          .map((row) => row["id"] as string),
    );
  }

  /** All clients, the one that was seen last first. */
  list(): ClientInfo[] {
    return guardDatabase(
      "the hub's database",
      () =>
        this.#database.prepare("SELECT * FROM clients ORDER BY seen DESC, id")
          .all().map(toClient),
    );
  }

  /** A client was heard of; it may have said up to which change it knows all. */
  heardOf(id: string, revision?: number): void {
    transact(this.#database, () => {
      this.#database.prepare(
        "UPDATE clients SET seen = ?, revision = coalesce(?, revision) WHERE id = ?",
      ).run(this.#now(), revision ?? null, id);
    });
  }
}

function toClient(row: Record<string, unknown>): ClientInfo {
  return {
    id: row["id"] as string,
    name: row["name"] as string,
    key: row["key"] as string,
    registered: row["registered"] as number,
    seen: row["seen"] as number,
    revision: row["revision"] as number,
  };
}
