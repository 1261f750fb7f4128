/**
 * What a daemon and the process of a workspace say to each other: one JSON object in
 * each line, on the standard input and output of the process.
 */
import type { WorkspaceConfig } from "./workspace_config.ts";

/** The process says something at least this often. */
export const HEARTBEAT_MS = 1_000;

/** What the daemon says. */
export type ToWorker =
  /** What is to be; the first line, and again after each change. */
  | { readonly kind: "configure"; readonly workspace: WorkspaceConfig }
  /** Try at once what is waiting for its next try: `remote`, or all of them. */
  | { readonly kind: "retry"; readonly remote: string | undefined }
  | {
    readonly kind: "flush";
    readonly id: number;
    readonly remotes: readonly string[];
    readonly timeoutMs: number;
  };

/** What the process says. */
export type FromWorker =
  | { readonly kind: "status"; readonly status: WorkerStatus }
  /** Nothing is other than it was. */
  | { readonly kind: "alive" }
  | {
    readonly kind: "flushed";
    readonly id: number;
    readonly results: readonly FlushResult[];
  };

/** What becomes of a remote. */
export type RemoteState =
  /** It is not reached yet, or not any more. */
  | "connecting"
  | "syncing"
  /** It is equal to the workspace, and is kept so. */
  | "watching"
  /** A guard stands before what would have to be done. */
  | "halted"
  | "paused"
  /** It refuses; it is tried again now and then. */
  | "failed";

/** One remote at one moment. */
export interface RemoteStatus {
  readonly name: string;
  readonly state: RemoteState;
  /** What went wrong last, while it is not well again. */
  readonly error: string | undefined;
  /**
   * For how long there has been something that is not there yet, in milliseconds;
   * 0 also where nobody looks, as in a pause.
   */
  readonly lagMs: number;
  /** Digest of the tree that was carried out last. */
  readonly digest: string | undefined;
  /** When that was, in ISO 8601. */
  readonly syncedAt: string | undefined;
  /** What that tree holds. */
  readonly files: number;
  readonly bytes: number;
  /** What has gone there since the process began. */
  readonly sentFiles: number;
  readonly sentBytes: number;
  /** What has come from there; nothing, where that is one-way. */
  readonly receivedFiles: number;
  readonly receivedBytes: number;
  /** Paths that are left out at present. */
  readonly problems: number;
  /** Conflicts that are left to people at present. */
  readonly conflicts: number;
}

/** The directory itself, at one moment. */
export type SourceState = "starting" | "watching" | "lost";

/** What the process of a workspace does. */
export interface WorkerStatus {
  readonly source: SourceState;
  /** Why the directory can't be worked with, where that is so. */
  readonly error: string | undefined;
  readonly remotes: readonly RemoteStatus[];
}

/** What has become of a flush at one remote. */
export interface FlushResult {
  readonly remote: string;
  /** As of the program: 0 where all is in place. */
  readonly exit: number;
  /** Why it is not. */
  readonly error: string | undefined;
}
