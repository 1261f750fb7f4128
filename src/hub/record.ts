/** What a hub knows of its files: one record for each change that it accepted. */
import type { Digest, TrackedEntry } from "../core/entry.ts";
import type { RelPath } from "../core/path.ts";

/** What brought a change about. */
export type HubOperation =
  | "upload"
  | "delete"
  | "sync"
  | "restore"
  | "undo"
  | "resolve";

/** What stands at a path after a change; "deleted": nothing. */
export type RecordKind = "file" | "directory" | "symlink" | "deleted";

/** One accepted change. */
export interface HubRecord {
  /** Counts all changes of a hub, from 1; a later change has a higher one. */
  readonly revision: number;
  readonly path: RelPath;
  readonly kind: RecordKind;
  /** Of a file, in bytes; else 0. */
  readonly size: number;
  /** In milliseconds since 1970; of what is deleted 0. */
  readonly mtime: number;
  /** Permission bits; of a link, and of what is deleted, 0. */
  readonly mode: number;
  /** SHA-256 of a file's content. */
  readonly digest: Digest | undefined;
  /** Where a link points. */
  readonly target: string | undefined;
  /** When the hub accepted it, in milliseconds since 1970, by its own clock. */
  readonly time: number;
  /** The id of a registered client, or the name of a key. */
  readonly client: string;
  readonly operation: HubOperation;
  /** Revision of the first change that was accepted together with this one. */
  readonly changeSet: number;
}

/** The entry that a record describes; undefined where nothing is left. */
export function entryOf(
  record: HubRecord,
): TrackedEntry | undefined {
  const { kind, mtime, mode } = record;
  switch (kind) {
    case "file":
      return {
        kind,
        size: record.size,
        mtime,
        mode,
        digest: record.digest,
        ctime: undefined,
        inode: undefined,
      };
    case "directory":
      return { kind, mtime, mode, children: new Map(), digest: undefined };
    case "symlink":
      return { kind, mtime, target: record.target ?? "" };
    case "deleted":
      return undefined;
    default:
      return kind satisfies never;
  }
}
