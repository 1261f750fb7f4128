/**
 * What can be asked of one side of a sync. A cycle (see `mirror.ts`) is a
 * conversation with two endpoints; whether one is a local directory or at the
 * other end of a socket makes no difference to it.
 */
import type { Change } from "../core/change.ts";
import type { Move } from "../core/moves.ts";
import type { Origins } from "../core/origins.ts";
import type { Digest, DirectoryEntry } from "../core/entry.ts";
import type { Outcome } from "../core/outcome.ts";
import type {
  ContentRequest,
  DescribeRequest,
  Description,
  Lacking,
} from "../content/description.ts";
import type { ContentBatch, Want } from "../core/piece.ts";
import type { Problem } from "../core/problem.ts";
import type { ScanOptions, Snapshot } from "../core/snapshot.ts";
import type { FileSystemTraits } from "../fs/file_system.ts";

/** One side of a sync. Calls are made one after the other, unless said. */
export interface Endpoint {
  /** For messages: a path or an address. */
  readonly name: string;
  readonly traits: FileSystemTraits;
  /** How it spares content; undefined where it sends and takes whole files alone. */
  readonly recipes?: RecipeCalls | undefined;
  /**
   * Whether changes can be staged after a transition without a scan in between,
   * against what {@link advance} answers.
   */
  readonly follows: boolean;
  /** How it tells of changes; undefined where it has to be looked at. */
  readonly notices?: Notices | undefined;

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
   * Whether {@link move} can be asked for; a listener of an earlier version does
   * not know what that is.
   */
  readonly moves: boolean;

  /**
   * Gives entries other paths, as `findMoves` found them in what the last scan
   * saw, one after the other. Nothing is moved over something else, and what is no
   * longer what the scan saw is left alone, and named. Where not all of them were
   * done, the side has to be scanned again before anything else is asked of it.
   */
  move(moves: readonly Move[], signal?: AbortSignal): Promise<MoveResult>;

  /**
   * Announces the changes that a later {@link transition} will carry out, and
   * answers which content it lacks: what an earlier, broken-off run left staged
   * is not asked for again. The tree does not change.
   */
  stage(
    changes: readonly Change[],
    signal?: AbortSignal,
    options?: StageOptions,
  ): Promise<Staging>;

  /**
   * Supplies the content of files as the last scan saw them, in the order asked
   * for. A file that has changed since, or can't be read, is answered with an
   * `unavailable` piece.
   */
  supply(
    requests: Iterable<ContentRequest>,
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

/**
 * What both sides are asked between {@link Endpoint.stage} and
 * {@link Endpoint.supply}, so that only what is lacking travels.
 */
export interface RecipeCalls {
  /**
   * Whether content passes a connection on its way to or from it: between two that
   * are here, whole files are faster.
   */
  readonly isRemote: boolean;

  /**
   * As a source: describes files as the last scan saw them, in the order asked
   * for. May be asked for chunks of pages while something else is being described.
   */
  describe(
    requests: readonly DescribeRequest[],
    signal?: AbortSignal,
  ): Promise<readonly Description[]>;

  /**
   * As a target: what is lacking of wanted files that were described, in the same
   * order. Of those, `supply` must then be asked for just that.
   */
  lacking(
    descriptions: readonly Description[],
    signal?: AbortSignal,
  ): Promise<readonly Lacking[]>;
}

/** How a side tells that somebody has changed it. */
export interface Notices {
  /**
   * From the next scan on, `onChange` is called when that side may have changed
   * since its last scan, otherwise than by what it was asked to do. A hint: it may
   * come once for many changes, late, or for none. Who calls this again replaces
   * the one before.
   */
  subscribe(onChange: () => void, signal?: AbortSignal): Promise<void>;
}

/** How to stage. */
export interface StageOptions {
  /** Whether files may be described before they are sent; not unless said. */
  readonly recipes?: boolean;
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
  /**
   * Evidence that goes with `known`: a directory that has none at its path there
   * is held against the one that came from it. See `Snapshot.presumed`.
   */
  readonly origins?: Promise<Origins>;
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

/** What {@link Endpoint.move} achieved. */
export interface MoveResult {
  /** Moves carried out, by their place in the list; 1 is done. */
  readonly done: Uint8Array;
  /** Why the others were not. */
  readonly problems: readonly Problem[];
  /**
   * The ctimes that files have since they were moved, by place in the list; empty
   * where that is of no use here, at a foreign side.
   */
  readonly ctimes: readonly (number | undefined)[];
}
