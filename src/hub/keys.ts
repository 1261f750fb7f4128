/**
 * API keys: `lsk_<id>_<secret>`, 8 and 43 characters of base64url. Of a key only
 * its SHA-256 is kept; it is found by its id and compared in constant time.
 */
import { createHash } from "node:crypto";
import { Buffer } from "node:buffer";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { isWithin, type RelPath } from "../core/path.ts";
import { UsageError } from "../errors.ts";
import { guardDatabase, transact } from "./database.ts";

/** What a key allows; each includes the ones before it. */
export type Role = "read" | "write" | "admin";

/** All roles, the least first. */
const ROLES: readonly Role[] = ["read", "write", "admin"];

/** A key, without its secret. */
export interface KeyInfo {
  readonly id: string;
  /** Chosen by people, unique. */
  readonly name: string;
  readonly role: Role;
  /** It opens only what is at or below this path. */
  readonly path: RelPath;
  /** Times in milliseconds since 1970. */
  readonly created: number;
  readonly expires: number | undefined;
  readonly revoked: number | undefined;
}

/** A key that is to be made. */
export interface NewKey {
  readonly name: string;
  readonly role: Role;
  readonly path: RelPath;
  readonly expires?: number | undefined;
}

/** Longest name of a key or a client, in characters. */
export const MAX_LABEL_CHARACTERS = 100;

const FORM = /^lsk_([\w-]{8})_[\w-]{43}$/;
const NOBODY = createHash("sha256").update("nobody").digest();

/** Whether `text` can be the name of a key or a client. */
function isLabel(text: string): boolean {
  return text.length > 0 && text.length <= MAX_LABEL_CHARACTERS &&
    text.isWellFormed() && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text);
}

/** Whether a key may do what `role` may, at `path`. */
export function allows(key: KeyInfo, role: Role, path: RelPath): boolean {
  return ROLES.indexOf(key.role) >= ROLES.indexOf(role) &&
    isWithin(path, key.path);
}

/** The keys of one hub. */
export class KeyTable {
  readonly #database: DatabaseSync;
  readonly #now: () => number;
  readonly #byId: StatementSync;

  constructor(database: DatabaseSync, now: () => number) {
    this.#database = database;
    this.#now = now;
    this.#byId = database.prepare("SELECT * FROM keys WHERE id = ?");
  }

  /**
   * Makes a key: it is told this once.
   * @throws {UsageError} If the name is taken or none.
   */
  create({ name, role, path, expires }: NewKey): string {
    if (!isLabel(name)) {
      throw new UsageError(
        `A name has 1 to ${MAX_LABEL_CHARACTERS} printable characters`,
      );
    }
    const id = random(6);
    const key = `lsk_${id}_${random(32)}`;
    transact(this.#database, () => {
      const taken = this.#database.prepare("SELECT 1 FROM keys WHERE name = ?")
        .get(name);
      if (taken !== undefined) {
        throw new UsageError(`There is a key of that name already`);
      }
      this.#database.prepare(
        "INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
      ).run(id, name, digestOf(key), role, path, this.#now(), expires ?? null);
    });
    return key;
  }

  /** All keys, also those that open nothing any more, the oldest first. */
  list(): KeyInfo[] {
    return guardDatabase(
      "the hub's database",
      () =>
        this.#database.prepare("SELECT * FROM keys ORDER BY created, name")
          .all()
          .map(toKey),
    );
  }

  /** From now on the key opens nothing: whether there is one of this name. */
  revoke(name: string): boolean {
    const { changes } = transact(this.#database, () =>
      this.#database.prepare(
        "UPDATE keys SET revoked = coalesce(revoked, ?) WHERE name = ?",
      ).run(this.#now(), name));
    return Number(changes) > 0;
  }

  /** The key that `text` is; undefined if it is none that opens anything. */
  find(text: string): KeyInfo | undefined {
    return guardDatabase("the hub's database", () => {
      const id = FORM.exec(text)?.[1];
      const row = id === undefined ? undefined : this.#byId.get(id);
      const expected = row === undefined ? NOBODY : row["digest"] as Uint8Array;
      const isRight = timingSafeEqual(digestOf(text), expected);
      if (row === undefined || !isRight) return undefined;
      const key = toKey(row);
      return this.#isValid(key) ? key : undefined;
    });
  }

  /** Whether the key with this id still opens what it did. */
  isAlive(id: string): boolean {
    return guardDatabase("the hub's database", () => {
      const row = this.#byId.get(id);
      return row !== undefined && this.#isValid(toKey(row));
    });
  }

  #isValid({ revoked, expires }: KeyInfo): boolean {
    return revoked === undefined &&
      (expires === undefined || expires > this.#now());
  }
}

function digestOf(key: string): Uint8Array {
  return createHash("sha256").update(key).digest();
}

function random(bytes: number): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(bytes)))
    .toString("base64url");
}

function toKey(row: Record<string, unknown>): KeyInfo {
  return {
    id: row["id"] as string,
    name: row["name"] as string,
    role: row["role"] as Role,
    path: row["path"] as RelPath,
    created: row["created"] as number,
    expires: row["expires"] as number | null ?? undefined,
    revoked: row["revoked"] as number | null ?? undefined,
  };
}
