/**
 * What remotes of a workspace got last, as a JSON file, so that it is known also
 * after the daemon was started anew. Nothing is decided by it.
 *
 * | field   | value                                                               |
 * | ------- | ------------------------------------------------------------------- |
 * | format  | "lockstep-synced"                                                   |
 * | version | 1                                                                   |
 * | path    | of the workspace                                                    |
 * | remotes | list of {name, to, digest, syncedAt, files, bytes}                  |
 */
import type { RemoteStatus } from "./worker_message.ts";

const FORMAT = "lockstep-synced";
const VERSION = 1;

/** A file with more is damaged, or none of ours. */
export const MAX_SYNCED_BYTES = 256 * 1024;

/** What a remote got last. */
export interface LastSynced {
  readonly name: string;
  readonly to: string;
  readonly digest: string;
  /** In ISO 8601. */
  readonly syncedAt: string;
  readonly files: number;
  readonly bytes: number;
}

/** Where that is kept, by the names of workspaces; no call throws. */
export interface SyncedStore {
  /** What is there; undefined: nothing that could be read. */
  read(workspace: string): string | undefined;
  /** Replaces it in one step. */
  write(workspace: string, text: string): void;
  remove(workspace: string): void;
}

/** What `status` says of the last time; undefined: there was none. */
export function lastSyncedOf(
  { name, digest, syncedAt, files, bytes }: RemoteStatus,
  to: string,
): LastSynced | undefined {
  if (digest === undefined || syncedAt === undefined) return undefined;
  return { name, to, digest, syncedAt, files, bytes };
}

/** The text of the file. */
export function formatSynced(
  path: string,
  remotes: readonly LastSynced[],
): string {
  return `${
    JSON.stringify({ format: FORMAT, version: VERSION, path, remotes })
  }\n`;
}

/** What the file says of the workspace at `path`: nothing, where it is damaged. */
export function parseSynced(
  text: string,
  path: string,
): readonly LastSynced[] {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    return [];
  }
  if (!isObject(file) || file.format !== FORMAT || file.version !== VERSION) {
    return [];
  }
  const { remotes } = file;
  if (file.path !== path || !Array.isArray(remotes)) return [];
  return remotes.every(isLastSynced) ? remotes : [];
}

function isLastSynced(value: unknown): value is LastSynced {
  if (!isObject(value)) return false;
  const { name, to, digest, syncedAt, files, bytes } = value;
  return [name, to].every((text) => typeof text === "string") &&
    typeof digest === "string" && /^[0-9a-f]{64}$/.test(digest) &&
    typeof syncedAt === "string" &&
    /^\d{4}-\d\d-\d\dT[\d:.]{8,12}Z$/.test(syncedAt) &&
    !Number.isNaN(Date.parse(syncedAt)) &&
    [files, bytes].every((count) =>
      Number.isSafeInteger(count) && count as number >= 0
    );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
