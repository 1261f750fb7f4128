/**
 * A directory of this machine, as one side of a two-way sync that goes on: it is
 * watched from the first scan after somebody has asked for notices, and from then
 * on a scan costs what has changed.
 *
 * What it was asked to carry out makes events, too. So after each transition it
 * looks at all that this has touched, and no scan is answered before it has: else
 * the state of before would be taken for an edit that undoes it.
 */
import { applyChanges } from "../core/apply_changes.ts";
import { type Change, isTouch } from "../core/change.ts";
import type { Clock } from "../core/clock.ts";
import type { DirectoryEntry } from "../core/entry.ts";
import type { Move } from "../core/moves.ts";
import type { Outcome } from "../core/outcome.ts";
import { displayPath, type RelPath } from "../core/path.ts";
import type { ContentBatch } from "../core/piece.ts";
import type { Problem } from "../core/problem.ts";
import type { ScanOptions, Snapshot } from "../core/snapshot.ts";
import type { ContentRequest } from "../content/description.ts";
import { FileSystemError } from "../errors.ts";
import { DirtyPaths } from "../fs/dirty_paths.ts";
import type { FileSystemTraits } from "../fs/file_system.ts";
import type {
  Endpoint,
  MoveResult,
  Notices,
  RecipeCalls,
  ScanContext,
  StageOptions,
  Staging,
  TransitionResult,
} from "./endpoint.ts";
import { Feed } from "./feed.ts";
import type { LocalEndpoint } from "./local_endpoint.ts";
import type { SourceEvent, SourcePlace } from "./watched_root.ts";

/** How a {@link WatchedEndpoint} watches. */
export interface WatchedEndpointOptions {
  readonly place: SourcePlace;
  readonly clock: Clock;
  /** Milliseconds between whole scans; 0: none. */
  readonly rescanMs: number;
  readonly onEvent: (event: SourceEvent) => void;
}

/** A feed, and how it was begun. */
interface Running {
  readonly feed: Feed;
  readonly options: ScanOptions;
  readonly stop: AbortController;
  /** Resolves when nothing of it is under way any more. */
  readonly ended: Promise<unknown>;
}

/** One side of a sync that lies in a file system here, and is watched. Its owner closes it. */
export class WatchedEndpoint implements Endpoint {
  readonly name: string;
  readonly traits: FileSystemTraits;
  readonly follows = true;
  readonly moves = true;
  readonly notices: Notices;
  readonly #options: WatchedEndpointOptions;
  /** While it is not watched. */
  #local: LocalEndpoint;
  #running: Running | undefined;
  #onChange: (() => void) | undefined;
  /** The number of the version that a scan has answered last, and its tree. */
  #given = 0;
  #tree: DirectoryEntry | undefined;
  /** The tree as it is if a transition was all that has happened since. */
  #expected: DirectoryEntry | undefined;
  /** Where the changes are staged. */
  #stagedAt: LocalEndpoint | undefined;
  /** What is under way that changes the tree, or tells all there is. */
  #busy = 0;
  /** Resolves when all was looked at that a transition may have touched. */
  #settling: Promise<void> | undefined;
  /** Whether a transition has broken off, and may have left something held. */
  #hasFailed = false;

  /** @param local Closed with this one. */
  constructor(local: LocalEndpoint, options: WatchedEndpointOptions) {
    this.name = local.name;
    this.traits = local.traits;
    this.#local = local;
    this.#options = options;
    this.notices = {
      subscribe: (onChange) => {
        this.#onChange = onChange;
        return Promise.resolve();
      },
    };
  }

  /** The directory as it is open now: where it was lost and found, another one. */
  get local(): LocalEndpoint {
    return this.#running?.feed.source ?? this.#local;
  }

  /** Whether the directory is gone, or another one is at its path. */
  get isLost(): boolean {
    return this.#running?.feed.isLost ?? false;
  }

  /**
   * Looks at everything once more. When it resolves, the next scan has all that was
   * there before the call; or the directory is gone, which that scan will say.
   */
  async settled(signal: AbortSignal): Promise<void> {
    // Before it is watched, each scan looks at everything.
    await this.#running?.feed.settled(signal);
  }

  get recipes(): RecipeCalls {
    return this.local.recipes;
  }

  async scan(
    options: ScanOptions,
    context: ScanContext = {},
  ): Promise<Snapshot> {
    if (this.#onChange === undefined) {
      return await this.local.scan(options, context);
    }
    return await this.#busily(async () => {
      const { feed, stop } = await this.#watchFor(options);
      const signal = context.signal === undefined
        ? stop.signal
        : AbortSignal.any([stop.signal, context.signal]);
      if (this.#hasFailed) {
        // What it has left held belongs into the picture.
        await this.local.recover();
        this.#hasFailed = false;
        this.#look("everything");
      }
      await this.#settling;
      if (feed.version === undefined) await feed.refresh(signal);
      signal.throwIfAborted();
      if (feed.isLost) throw lost(this.name);
      const { number, snapshot } = feed.version!;
      await this.local.begin(snapshot.root);
      this.#given = number;
      this.#tree = snapshot.root;
      this.#expected = undefined;
      return snapshot;
    });
  }

  async confirmAbsent(
    absent: readonly RelPath[],
    signal?: AbortSignal,
  ): Promise<readonly Problem[]> {
    const doubts = await this.local.confirmAbsent(absent, signal);
    // What was seen of them is not true any more.
    if (doubts.length > 0) this.#look(DirtyPaths.of(doubts.map(pathOf)));
    return doubts;
  }

  async move(
    moves: readonly Move[],
    signal?: AbortSignal,
  ): Promise<MoveResult> {
    const touched = DirtyPaths.of(moves.flatMap(({ from, to }) => [from, to]));
    return await this.#change(
      touched,
      (local) => local.move(moves, signal),
    );
  }

  async stage(
    changes: readonly Change[],
    signal?: AbortSignal,
    options?: StageOptions,
  ): Promise<Staging> {
    const { local } = this;
    this.#stagedAt = local;
    return await local.stage(changes, signal, options);
  }

  supply(
    requests: Iterable<ContentRequest>,
    signal?: AbortSignal,
  ): ReadableStream<ContentBatch> {
    return this.local.supply(requests, signal);
  }

  async transition(
    changes: readonly Change[],
    signal?: AbortSignal,
  ): Promise<TransitionResult> {
    if (this.#stagedAt !== this.local) throw lost(this.name);
    return await this.#change(touchedBy(changes), async (local) => {
      const before = this.#expected ?? this.#tree;
      this.#expected = undefined;
      const result = await local.transition(changes, signal);
      const { modes = true } = this.#running?.options ?? {};
      if (before !== undefined && result.done.every((isDone) => isDone === 1)) {
        this.#expected = applyChanges(before, changes, modes);
      }
      return result;
    });
  }

  advance(
    root: DirectoryEntry,
    changes: readonly Change[],
    modes: boolean,
  ): Promise<DirectoryEntry> {
    return this.local.advance(root, changes, modes);
  }

  synced(): Promise<void> {
    return Promise.resolve();
  }

  async close(outcome: Outcome): Promise<void> {
    this.#onChange = undefined;
    await this.#stopWatching();
    await this.local.close(outcome);
  }

  /** Does what changes the tree at `touched`, and sees to it that this is looked at. */
  async #change<T>(
    touched: DirtyPaths,
    work: (local: LocalEndpoint) => Promise<T>,
  ): Promise<T> {
    return await this.#busily(async () => {
      let looked: DirtyPaths | "everything" = "everything";
      try {
        const result = await work(this.local);
        looked = touched;
        return result;
      } catch (error) {
        this.#hasFailed = true;
        throw error;
      } finally {
        this.#look(looked);
      }
    });
  }

  #look(paths: DirtyPaths | "everything"): void {
    const running = this.#running;
    if (running === undefined) return;
    const { feed, stop } = running;
    feed.relook(paths);
    const settling = feed.refresh(stop.signal).catch(() => {
      // Whoever asks for a scan hears that the directory is gone.
    }).then(() => {
      if (this.#settling === settling) this.#settling = undefined;
      this.#tell();
    });
    this.#settling = settling;
  }

  async #busily<T>(work: () => Promise<T>): Promise<T> {
    this.#busy++;
    try {
      return await work();
    } finally {
      this.#busy--;
      this.#tell();
    }
  }

  /** Tells of what came otherwise than by a transition, if anything did. */
  #tell(): void {
    const { version, isLost } = this.#running?.feed ?? {};
    if (version === undefined || isLost || this.#busy > 0) return;
    if (this.#settling !== undefined || version.number <= this.#given) return;
    if (!isEqual(version.snapshot.root, this.#expected)) this.#onChange?.();
  }

  /** The feed of a tree that is looked at so. */
  async #watchFor(options: ScanOptions): Promise<Running> {
    const before = this.#running;
    if (before !== undefined && !before.stop.signal.aborted) {
      if (isSameLook(before.options, options)) return before;
    }
    await this.#stopWatching();
    const { place, clock, rescanMs, onEvent } = this.#options;
    const stop = new AbortController();
    const { signal } = stop;
    const feed = await Feed.open(this.#local, {
      scan: options,
      place,
      clock,
      rescanMs,
      signal,
      onEvent,
    });
    this.#given = 0;
    const running: Running = {
      feed,
      options,
      stop,
      ended: Promise.all([
        feed.run().catch((error) => stop.abort(error)),
        this.#follow(feed, signal),
      ]),
    };
    this.#running = running;
    return running;
  }

  async #follow(feed: Feed, signal: AbortSignal): Promise<void> {
    for (let seen = 0; !signal.aborted;) {
      await feed.newer(seen, signal);
      seen = feed.version?.number ?? 0;
      this.#tell();
    }
  }

  async #stopWatching(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    running.stop.abort(new DOMException("It is not watched", "AbortError"));
    running.feed.close();
    await running.ended;
    this.#local = running.feed.source;
    this.#running = undefined;
  }
}

/** What was asked for was about a directory that is gone, or was for a while. */
function lost(path: string): FileSystemError {
  const message = `${displayPath(path)} is not there any more`;
  return new FileSystemError("not-found", message);
}

/** Where a tree has to be looked at again after `changes`. */
function touchedBy(changes: readonly Change[]): DirtyPaths {
  const touched = new DirtyPaths();
  for (const change of changes) {
    const isOwn = change.new?.kind === "directory" && isTouch(change);
    if (isOwn) touched.addOwn(change.path);
    else touched.add(change.path);
  }
  return touched;
}

function pathOf({ path }: Problem): RelPath {
  return path;
}

function isEqual(a: DirectoryEntry, b: DirectoryEntry | undefined): boolean {
  return b !== undefined && a.digest === b.digest && a.mode === b.mode &&
    a.mtime === b.mtime;
}

function isSameLook(a: ScanOptions, b: ScanOptions): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
