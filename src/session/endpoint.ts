/**
 * What can be asked of one side of a sync. A cycle (see `mirror.ts`) is a
 * conversation with two endpoints; whether one is a local directory or at the
 * other end of a socket makes no difference to it.
 */
import type { Change } from "../core/change.ts";
import type { Digest, DirectoryEntry } from "../core/entry.ts";
import type { Outcome } from "../core/outcome.ts";
import type { ContentBatch, SupplyRequest, Want } from "../core/piece.ts";
import type { Problem } from "../core/problem.ts";
import type { ScanOptions, Snapshot } from "../core/snapshot.ts";
import type { FileSystemTraits } from "../fs/file_system.ts";

/** One side of a sync. Calls are made one after the other, unless said. */
export interface Endpoint {
  /** For messages: a path or an address. */
  readonly name: string;
  readonly traits: FileSystemTraits;
  /**
   * Whether changes can be staged after a transition without a scan in between,
   * against what {@link advance} answers.
   */
  readonly follows: boolean;

  /**
   * Looks at the whole tree. Where `known` is given, a foreign side sends only
   * the directories whose digests differ from it; the rest of the snapshot is
   * taken over from `known`, as the same objects.
   * @throws {FileSystemError} If the root itself can't be read.
   */
  scan(options: ScanOptions, context?: ScanContext): Promise<Snapshot>;

  /**
   * Lists directories again in the thorough way (see `Directory.list`), before
   * what they do not hold is believed to be deleted.
   * @returns The paths among `absent` that could not be shown to be absent.
   */
  confirmAbsent(
    absent: readonly Change["path"][],
    signal?: AbortSignal,
  ): Promise<readonly Problem[]>;

  /**
   * Announces the changes that a later {@link transition} will carry out, and
   * answers which content it lacks: what an earlier, broken-off run left staged
   * is not asked for again. The tree does not change.
   */
  stage(changes: readonly Change[], signal?: AbortSignal): Promise<Staging>;

  /**
   * Supplies the content of files as the last scan saw them, in the order asked
   * for. A file that has changed since, or can't be read, is answered with an
   * `unavailable` piece.
   */
  supply(
    requests: Iterable<SupplyRequest>,
    signal?: AbortSignal,
  ): ReadableStream<ContentBatch>;

  /**
   * Carries out the staged `changes`: the tree changes within moments. A change
   * whose content is missing, or whose entry is no longer what the scan saw, is
   * left out and named.
   */
  transition(
    changes: readonly Change[],
    signal?: AbortSignal,
  ): Promise<TransitionResult>;

  /**
   * What a tree of this side is after `changes` were carried out on it in full:
   * what the next changes begin with. What somebody else has changed meanwhile
   * is not in it; a transition will find that stale.
   * @param root As a scan or the last call of this has answered.
   * @param modes Whether mode bits count in digests.
   */
  advance(
    root: DirectoryEntry,
    changes: readonly Change[],
    modes: boolean,
  ): Promise<DirectoryEntry>;

  /** Says that a round is over, after which this side has the source's `digest`. */
  synced(round: RoundNote, signal?: AbortSignal): Promise<void>;

  /** Ends the work with this side; what is staged but not carried out is kept. */
  close(outcome: Outcome): Promise<void>;
}

/** What a target hears of a round that is over. */
export interface RoundNote {
  /** From 1, over the whole time of a watch. */
  readonly round: number;
  /** Of the source; the target's own, where nothing was left out. */
  readonly digest: Digest;
}

/** What a scan may be told and tell. */
export interface ScanContext {
  /** Whether the rules of the other side, the source, decide what is ignored. */
  readonly isTarget?: boolean;
  /** The other side's snapshot, once it is there. */
  readonly known?: Promise<Snapshot>;
  readonly signal?: AbortSignal;
  /** Called now and then with the number of entries seen so far. */
  readonly onProgress?: (entries: number) => void;
}

/** What {@link Endpoint.stage} answers. */
export interface Staging {
  /** Runs of planned files whose content is lacking, in order, without overlap. */
  readonly wants: readonly Want[];
  /** Takes the content; closing it means that all has been said. */
  readonly writable: WritableStream<ContentBatch>;
}

/** What {@link Endpoint.transition} achieved. */
export interface TransitionResult {
  /** Changes carried out in full, by their place in the list; 1 is done. */
  readonly done: Uint8Array;
  /** What was not, or not wholly, and why. */
  readonly problems: readonly Problem[];
}
