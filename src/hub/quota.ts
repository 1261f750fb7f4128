/** How much a hub takes at the most; what is there stays, and can be deleted. */
import type { DatabaseSync } from "node:sqlite";
import { FileSystemError } from "../errors.ts";
import type { HubRecord } from "./record.ts";

/** Limits; without one there is none. */
export interface Quota {
  /** Files, directories and links that are there at a time. */
  readonly maxFiles?: number | undefined;
  /** What the packs take on the disk, in bytes; a change may go over it once. */
  readonly maxBytes?: number | undefined;
}

/** @throws {FileSystemError} `no-space`, if the packs are full. */
export function checkRoom(
  database: DatabaseSync,
  { maxBytes }: Quota = {},
): void {
  if (maxBytes === undefined) return;
  const row = database.prepare("SELECT sum(size) AS n FROM packs").get();
  const bytes = Number(row?.["n"] ?? 0);
  if (bytes < maxBytes) return;
  throw new FileSystemError(
    "no-space",
    `The hub is full: its content has ${bytes} bytes, ${maxBytes} are allowed`,
  );
}

/**
 * To be called within the transaction that has made `accepted`.
 * @throws {FileSystemError} `no-space`, if these are too many.
 */
export function checkFiles(
  database: DatabaseSync,
  { maxFiles }: Quota = {},
  accepted: readonly HubRecord[],
): void {
  if (maxFiles === undefined) return;
  // Whoever only deletes has to be able to, also where there are too many.
  if (accepted.every(({ kind }) => kind === "deleted")) return;
  const row = database.prepare("SELECT count(*) AS n FROM files").get();
  const files = Number(row?.["n"]);
  if (files <= maxFiles) return;
  throw new FileSystemError(
    "no-space",
    `The hub is full: it would have ${files} entries, ${maxFiles} are allowed`,
  );
}
