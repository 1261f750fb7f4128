/**
 * What a hub keeps: the files, all their versions, and the order of changes.
 * Acknowledged means durable: when a call that changes something has resolved,
 * a loss of power takes nothing of it back.
 */
import type { Recipe } from "../content/recipe.ts";
import type { Digest } from "../core/entry.ts";
import type { RelPath } from "../core/path.ts";
import type { HubOperation, HubRecord } from "./record.ts";
import type { Approvals } from "./approvals.ts";
import type { ClientTable } from "./clients.ts";
import type { Conflict, ConflictTable, NewConflict } from "./conflicts.ts";
import type { KeyTable } from "./keys.ts";
import type { PairedSide } from "../session/pairing.ts";
import type { Policy } from "./policy.ts";
import type { Retention } from "./retention.ts";

/** Content that is stored, but belongs to no file yet. */
export interface StoredContent {
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
  /** Where nothing refers to it, it may go; to be called once, in any case. */
  release(): void;
}

/** Takes the content of one file, in order. */
export interface ContentWriter {
  /** @throws {FileSystemError} `no-space` … */
  append(bytes: Uint8Array): void;
  /** No more comes. @throws {FileSystemError} */
  finish(): StoredContent;
  /** Gives up what has come, unless {@link finish} was called. */
  abort(): void;
}

/**
 * Takes the content of one file whose recipe is known, chunk after chunk. Those
 * that are here are read and proven like those that come.
 */
export interface RecipeWriter {
  /** For each chunk whether it is here, 1 for yes; it stays until the end. */
  readonly here: Uint8Array;
  /** Number of the chunk whose turn it is. */
  readonly next: number;
  /** The next chunk is here. @throws {IntegrityError} If it is damaged. */
  copy(): void;
  /**
   * The next chunk is `bytes`.
   * @throws {IntegrityError} If that is another one.
   * @throws {FileSystemError} `no-space` …
   */
  put(bytes: Uint8Array): void;
  /** All chunks are there. */
  finish(): StoredContent;
  /** Gives up what has come, unless {@link finish} was called. */
  abort(): void;
}

/** Content to be read anywhere; it stays until this is closed. */
export interface ContentReader {
  /**
   * Fills `into` with what stands at `offset`: how many bytes, fewer at the end.
   * @throws {IntegrityError} If the store is damaged.
   */
  read(into: Uint8Array, offset: number): number;
  close(): void;
}

/** What shall stand at a path. Content has to be in the store. */
export type NewState =
  | {
    readonly kind: "file";
    readonly digest: Digest;
    readonly size: number;
    readonly mtime: number;
    readonly mode: number;
  }
  | {
    readonly kind: "directory";
    readonly mtime: number;
    readonly mode: number;
  }
  | {
    readonly kind: "symlink";
    readonly target: string;
    readonly mtime: number;
  }
  | { readonly kind: "deleted" };

/**
 * What has to be so for a change to be accepted:
 * - `any`: nothing;
 * - `revision`: the last change at the path has this revision (0: nothing is
 *   there, and it does not matter what was);
 * - `seen`: nothing has changed at the path, nor below it where that goes, since
 *   this revision of the hub.
 */
export type Expectation =
  | { readonly kind: "any" }
  | { readonly kind: "revision"; readonly revision: number }
  | { readonly kind: "seen"; readonly revision: number };

/** A change that somebody wants. */
export interface ProposedChange {
  readonly path: RelPath;
  readonly state: NewState;
  readonly expected: Expectation;
  /** Whether a directory may go with all that is in it. */
  readonly subtree?: boolean;
}

/** Why a change was not accepted. */
export type RefusalReason =
  /** The path is not what the proposer expected. */
  | "stale"
  /** What is above it is no directory. */
  | "blocked"
  /** A directory that holds something would go. */
  | "not-empty"
  /** The content is not in the store. */
  | "content-missing";

/** A change that was not accepted. */
export interface RefusedChange {
  /** Its place in the list of proposed changes. */
  readonly index: number;
  readonly reason: RefusalReason;
  /** The last change at its path, if there was one. */
  readonly current: HubRecord | undefined;
}

/** Who proposes changes, and why. */
export interface CommitOptions {
  readonly client: string;
  readonly operation: HubOperation;
  /** Whether all are refused where one is; else the others are accepted. */
  readonly atomic?: boolean;
  /** Ids of approvals that it counts on, see `Approvals.use`. */
  readonly approvals?: readonly number[];
}

/** What became of a list of proposed changes. */
export interface CommitResult {
  /** All that changed, in order; also what went or came by implication. */
  readonly accepted: readonly HubRecord[];
  readonly refused: readonly RefusedChange[];
}

/** A page of a list. */
export interface PageOptions {
  /** At the most. */
  readonly limit: number;
}

/** Which current files to list: those at or below `within`, in path order. */
export interface FileQuery extends PageOptions {
  readonly within?: RelPath;
  /** Only what comes after this path. */
  readonly after?: RelPath;
}

/** Which changes to list. */
export interface ChangeQuery extends PageOptions {
  readonly within?: RelPath;
  /** Of this path only. */
  readonly path?: RelPath;
  readonly client?: string;
  readonly changeSet?: number;
  /** Only later ones, the oldest first. */
  readonly after?: number;
  /** Only earlier ones, the newest first; without this and `after` from the newest. */
  readonly before?: number;
}

/** Sums over a store. */
export interface StoreTotals {
  /** Revision of the last change; 0 before the first. */
  readonly head: number;
  /** Changes up to this revision may be missing from the list of changes. */
  readonly horizon: number;
  readonly files: number;
  /** Sizes of the current files. */
  readonly bytes: number;
  /** Old versions of which the content is kept. */
  readonly oldVersions: number;
  readonly chunks: number;
  /** What chunks take, in bytes. */
  readonly chunkBytes: number;
  /** What the packs take on the disk, in bytes. */
  readonly packBytes: number;
}

/** A change set that replaced most files: as a person, or as an extortioner does. */
export interface Rewrite {
  readonly client: string;
  readonly changeSet: number;
  /** Files that have other content now, and files of the hub. */
  readonly files: number;
  readonly total: number;
}

/** What {@link HubStore.collect} has done. */
export interface Collected {
  /** Versions that were removed. */
  readonly versions: number;
  readonly chunks: number;
  /** By how much the packs became smaller. */
  readonly bytes: number;
  /** Packs that are damaged, and were left as they are, each with the reason. */
  readonly problems: readonly string[];
}

/** The store of one hub. Its owner closes it. */
export interface HubStore {
  /** Drawn when the store was made: 32 hexadecimal digits. */
  readonly id: string;
  /** Drawn at this start: revisions that were heard in another one may not hold. */
  readonly epoch: string;
  readonly clients: ClientTable;
  readonly conflicts: ConflictTable;
  readonly keys: KeyTable;
  /** What takes no part at its clients. */
  readonly policy: Policy;
  /** Deletions that wait for a person, and what was decided. */
  readonly approvals: Approvals;
  /** What it remembers of two-way syncs. */
  readonly pairings: PairedSide;

  totals(): Promise<StoreTotals>;
  /** Revision of the last change. */
  head(): Promise<number>;
  /** Changes up to this revision may be missing from the list of changes. */
  horizon(): Promise<number>;

  /** Up to which revision it holds what was heard in `epoch`; -1: of nothing. */
  knownUpTo(epoch: string): number;

  /** The last change at `path`, also if it deleted what was there. */
  latest(path: RelPath): Promise<HubRecord | undefined>;
  /** The change that has this revision. */
  record(revision: number): Promise<HubRecord | undefined>;
  /** What stood at `path` when `revision` was the last one. */
  at(path: RelPath, revision: number): Promise<HubRecord | undefined>;
  /** The last revision that was accepted at `time` or before; 0 if none was. */
  revisionAt(time: number): Promise<number>;
  /** What is there now. */
  files(query: FileQuery): Promise<readonly HubRecord[]>;
  /** How many files there are at or below `path`. */
  countFiles(path: RelPath): Promise<number>;
  /** What was accepted. */
  changes(query: ChangeQuery): Promise<readonly HubRecord[]>;
  /** The last change at each path that has changed after `revision`. */
  changedSince(
    revision: number,
    query: FileQuery,
  ): Promise<readonly HubRecord[]>;

  /**
   * Begins to store the content of a file.
   * @param client Who may go on with it later, see {@link keepUnfinished}.
   */
  write(client?: string): ContentWriter;
  /**
   * Begins to store content of which `recipe` tells the chunks. Those count as here
   * that belong to some content, or that `client` itself has brought.
   */
  writeRecipe(recipe: Recipe, client: string): Promise<RecipeWriter>;
  /** What content is made of; undefined: it is not there. */
  recipe(digest: Digest): Recipe | undefined;
  /**
   * Keeps the chunks that `client` has brought so far, durably, for content which
   * has not come to its end. They stay for some days.
   */
  keepUnfinished(client: string): Promise<void>;
  /** Gives up what is kept for `client`, and takes room that others may need. */
  forgetUnfinished(client: string): void;
  /** Whether anything of that kind is kept for `client`. */
  hasUnfinished(client: string): boolean;
  /**
   * Keeps content that is there from being removed; undefined: it is not there, or
   * known to be damaged, and whoever brings it repairs it.
   */
  hold(digest: Digest): StoredContent | undefined;
  /**
   * Content from `start` up to, not including, `end`. It stays there until the
   * stream has ended or was cancelled.
   * @throws {FileSystemError} `not-found`: there is no such content.
   * The stream errors with {@link IntegrityError} where the store is damaged.
   */
  read(
    digest: Digest,
    range?: { readonly start: number; readonly end: number },
  ): ReadableStream<Uint8Array>;
  /**
   * The same for whoever goes through it now: each part is read when it is asked
   * for, without a promise. It stays there from the first part to the last one.
   */
  chunks(
    digest: Digest,
    range?: { readonly start: number; readonly end: number },
  ): Iterable<Uint8Array>;

  /** The same for whoever reads here and there; undefined: it is not there. */
  open(digest: Digest): ContentReader | undefined;

  /**
   * Accepts those of `changes` that are as expected, in order and all at once,
   * durably. What is that way already is no change. Missing directories above are
   * made. `accepted` tells listeners, see {@link onAccepted}.
   * @throws {FileSystemError} `no-space`, also of a quota … Then nothing is accepted.
   * @throws {GuardError} If an approval was used up before. The same holds.
   */
  commit(
    changes: readonly ProposedChange[],
    options: CommitOptions,
  ): Promise<CommitResult>;

  /**
   * Keeps a change that came too late; its content is in the store.
   * @throws {FileSystemError} `no-space` …
   */
  addConflict(conflict: NewConflict): Promise<Conflict>;

  /** Calls `listener` with each accepted change, in order, once it is durable. */
  onAccepted(listener: (records: readonly HubRecord[]) => void): () => void;
  /** Calls the listeners without a change: something else has a reason to look. */
  wake(): void;

  /** Calls `listener` with each change set that replaced most files. */
  onRewritten(listener: (rewrite: Rewrite) => void): () => void;

  /** Removes what nothing needs any more. */
  collect(retention: Retention, signal?: AbortSignal): Promise<Collected>;

  close(): Promise<void>;
}
