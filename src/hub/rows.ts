/** Records as rows of the table of changes, and parts of questions about them. */
import type { Digest } from "../core/entry.ts";
import type { RelPath } from "../core/path.ts";
import type { HubOperation, HubRecord, RecordKind } from "./record.ts";

/** A row as SQLite answers it. */
export type Row = Readonly<Record<string, unknown>>;

/** A part of a WHERE clause, and its values. */
export interface Condition {
  readonly sql: string;
  readonly values: readonly (string | number)[];
}

/** The record that `row` of the table of changes is. */
export function toRecord(row: Row): HubRecord {
  const digest = row["digest"] as Uint8Array | null;
  return {
    revision: row["revision"] as number,
    path: row["path"] as RelPath,
    kind: row["kind"] as RecordKind,
    size: row["size"] as number,
    mtime: row["mtime"] as number,
    mode: row["mode"] as number,
    digest: digest === null ? undefined : hexOf(digest),
    target: row["target"] as string | null ?? undefined,
    time: row["time"] as number,
    client: row["client"] as string,
    operation: row["operation"] as HubOperation,
    changeSet: row["change_set"] as number,
  };
}

/** That the column `path` is `path` or lies below it. */
export function within(path: RelPath, column = "path"): Condition {
  if (path === "") return { sql: "1", values: [] };
  // "0" comes directly after "/": what is between the two lies below.
  return {
    sql: `(${column} = ? OR (${column} > ? AND ${column} < ?))`,
    values: [path, `${path}/`, `${path}0`],
  };
}

/** That the column `path` lies below `path`. */
export function below(path: RelPath): Condition {
  if (path === "") return { sql: "path > ''", values: [] };
  return { sql: "path > ? AND path < ?", values: [`${path}/`, `${path}0`] };
}

/** All of `conditions`. */
export function every(...conditions: readonly Condition[]): Condition {
  return {
    sql: conditions.map(({ sql }) => sql).join(" AND ") || "1",
    values: conditions.flatMap(({ values }) => values),
  };
}

/** A digest as the database has it. */
export function digestBytes(digest: Digest): Uint8Array {
  return Uint8Array.fromHex(digest);
}

function hexOf(bytes: Uint8Array): Digest {
  return bytes.toHex();
}
