/** An endpoint over a file system of this machine. */
import type { Change } from "../core/change.ts";
import { applyMoves, type Move } from "../core/moves.ts";
import type { DirectoryEntry } from "../core/entry.ts";
import type { Outcome } from "../core/outcome.ts";
import { applyChanges } from "../core/apply_changes.ts";
import { nameOf, parentOf, type RelPath } from "../core/path.ts";
import type {
  ContentRequest,
  DescribeRequest,
  Description,
  Lacking,
} from "../content/description.ts";
import { isFileSystemError } from "../errors.ts";
import type { ContentBatch, Want } from "../core/piece.ts";
import type { Problem } from "../core/problem.ts";
import type { ScanOptions } from "../core/snapshot.ts";
import { confirmAbsent } from "../fs/confirm_absent.ts";
import type {
  Directory,
  FileSystem,
  FileSystemTraits,
} from "../fs/file_system.ts";
import { DirectoryCursor } from "../fs/directory_cursor.ts";
import type { DirtyPaths } from "../fs/dirty_paths.ts";
import { move } from "../fs/move.ts";
import type { KnownDigests } from "../fs/known_digests.ts";
import { findReusable } from "../fs/candidates.ts";
import { Describer } from "../fs/describe.ts";
import type { RacyReads } from "../fs/racy_reads.ts";
import { RecipeReader } from "../fs/recipe_reader.ts";
import type { RecipeStore } from "../fs/recipe_store.ts";
import type { SharedReadings } from "../fs/shared_readings.ts";
import { LocalCopies } from "../fs/local_copies.ts";
import { rememberMade } from "../fs/remember_made.ts";
import { type Rescan, rescan } from "../fs/rescan.ts";
import { type Distrust, Reuse } from "../fs/reuse.ts";
import { scan, type ScanControl, type ScannedSnapshot } from "../fs/scan.ts";
import { TreeWatch, type TreeWatchOptions } from "../fs/watch.ts";
import { withWritten } from "../fs/written.ts";
import { Stage } from "../fs/stage.ts";
import { removeStale } from "../fs/stale_staging.ts";
import {
  recoverRun,
  removeLeftovers,
  StagingArea,
} from "../fs/staging_area.ts";
import { areTouches, touch } from "../fs/touch.ts";
import type { Trash } from "../fs/trash.ts";
import { supply } from "../fs/supply.ts";
import { transition } from "../fs/transition.ts";
import type { SharedScan } from "./shared_source.ts";
import type {
  Endpoint,
  MoveResult,
  RecipeCalls,
  ScanContext,
  StageOptions,
  Staging,
  TransitionResult,
} from "./endpoint.ts";

/** How a {@link LocalEndpoint} is opened. */
export interface LocalEndpointOptions {
  /**
   * Whether it is a target: its root is made, with its parents, where it is
   * missing, and what a broken-off run left in it goes when one has ended well.
   */
  readonly create?: boolean;
  /**
   * Whether what a transition has done survives a loss of power; true unless said.
   */
  readonly durable?: boolean;
  /** Where what is replaced or deleted goes; without, it is given up. */
  readonly trash?: Trash;
  /** Whether owners may be set, where the file system can do that. */
  readonly owners?: boolean;
  /** What is known of the content of its files; scans by checksum add to it. */
  readonly digests?: KnownDigests;
  /**
   * What is known of the content of its files, so that no unchanged one is read
   * again to be described or compared. Its owner closes it.
   */
  readonly recipes?: RecipeStore;
  /** What endpoints of the same directory are reading at the same time. */
  readonly readings?: SharedReadings;
  /** Remembers what is read too early to be sure of; without, supplying waits. */
  readonly racy?: RacyReads;
  /** The scan with which endpoints of the same directory begin. */
  readonly firstScan?: SharedScan;
  /**
   * Hears of what is kept in `.lockstep/kept` where no answer to a transition
   * can say it: after a recovery, an interruption, a failure.
   */
  readonly onKept?: (problem: Problem) => void;
}

/** Where content is staged, and what it may be made of. */
interface StagedWork {
  readonly area: StagingArea;
  readonly stage: Stage;
  readonly reuse: Reuse | undefined;
}

/** Changes that are staged, until they are carried out or replaced by others. */
interface Staged {
  readonly changes: readonly Change[];
  /** Undefined where they are of modes and times only: nothing is staged then. */
  readonly work: StagedWork | undefined;
}

/** One side of a sync that lies in a file system here. Its owner closes it. */
export class LocalEndpoint implements Endpoint {
  readonly name: string;
  readonly traits: FileSystemTraits;
  readonly recipes: RecipeCalls;
  readonly follows = true;
  readonly #root: Directory;
  readonly #options: LocalEndpointOptions;
  #follow = false;
  #hasScanned = false;
  /** The endpoint of which this is another view; it owns the directory. */
  #original: LocalEndpoint | undefined;
  /** What the last scan saw. */
  #tree: DirectoryEntry | undefined;
  #describer: Describer | undefined;
  /** Paths that could not be made of other files, in this run. */
  readonly #distrusted = new Map<RelPath, Distrust>();
  #staged: Staged | undefined;
  /**
   * Whether large content may be there in part, from a run before or from what was
   * broken off just now, that is not among the changes which are staged: it stays
   * for those that come next, and no longer.
   */
  #hasParts = true;
  /** Whether a transition has broken off, and may have left something held. */
  #hasFailed = false;

  private constructor(
    traits: FileSystemTraits,
    root: Directory,
    options: LocalEndpointOptions,
  ) {
    this.name = root.path;
    this.traits = {
      ...traits,
      owners: traits.owners && options.owners === true,
    };
    this.#root = root;
    this.#options = options;
    this.recipes = {
      isRemote: false,
      describe: (requests, signal) => this.#describe(requests, signal),
      lacking: (descriptions, signal) => this.#lacking(descriptions, signal),
    };
  }

  /**
   * Opens the directory `path`.
   * @throws {FileSystemError} `not-found`, `not-a-directory`, `denied` …
   */
  static async open(
    fileSystem: FileSystem,
    path: string,
    options: LocalEndpointOptions = {},
  ): Promise<LocalEndpoint> {
    const root = await fileSystem.openRoot(path, options);
    return new LocalEndpoint(fileSystem.traits, root, options);
  }

  /**
   * Another source over the same open directory, for one more target at the same
   * time: what is described and supplied is numbered anew. To be closed before
   * this one, which owns the directory.
   * @param racy What small files may be read at once for, to be read again by
   *   {@link reread}.
   */
  view(racy?: RacyReads): LocalEndpoint {
    const { recipes, readings } = this.#options;
    const view = new LocalEndpoint(this.traits, this.#root, {
      owners: this.traits.owners,
      ...(recipes && { recipes }),
      ...(readings && { readings }),
      ...(racy && { racy }),
    });
    view.#original = this;
    return view;
  }

  /**
   * Puts back what a run that was killed had taken out of its place, so that a
   * scan sees it. To be called before the first one, by whoever may change the
   * directory. With the `time`, in milliseconds since 1970, what was staged long
   * before goes, too.
   */
  async recover(time?: number): Promise<void> {
    const { trash } = this.#options;
    const { now, before } = await recoverRun(this.#root, trash);
    this.#tellOf(before);
    this.#tellOf(now);
    if (time !== undefined) await removeStale(this.#root, time, trash);
  }

  async scan(
    options: ScanOptions,
    context: ScanContext = {},
  ): Promise<ScannedSnapshot> {
    // What it has left held belongs into the picture, and not behind it.
    if (this.#hasFailed) await this.recover();
    this.#follow = options.symlinks === "follow";
    await this.#describer?.close();
    this.#describer = undefined;
    const { digests, firstScan } = this.#options;
    const look = (): Promise<ScannedSnapshot> =>
      scan(this.#root, options, { ...context, ...(digests && { digests }) });
    const shared = this.#hasScanned ? undefined : firstScan;
    this.#hasScanned = true;
    const snapshot = await (shared?.begin(options, look) ?? look());
    this.#tree = snapshot.root;
    return snapshot;
  }

  confirmAbsent(
    absent: readonly RelPath[],
    signal?: AbortSignal,
  ): Promise<readonly Problem[]> {
    return confirmAbsent(this.#root, absent, {
      follow: this.#follows,
      ...(signal && { signal }),
    });
  }

  get moves(): boolean {
    return true;
  }

  async move(
    moves: readonly Move[],
    signal?: AbortSignal,
  ): Promise<MoveResult> {
    await this.#breakOff();
    const { durable = true, trash } = this.#options;
    const { mode, mtime } = await this.#root.stat();
    const area = await StagingArea.open(this.#root, trash);
    try {
      const result = await move(this.#root, area, moves, { durable, signal });
      const { done, ctimes } = result;
      // Where one failed, a scan has to follow anyway.
      if (this.#tree !== undefined && done.every((isDone) => isDone === 1)) {
        this.#tree = applyMoves(this.#tree, moves, ctimes);
      }
      return result;
    } catch (error) {
      this.#hasFailed = true;
      this.#tellOf(area.kept.problems);
      throw error;
    } finally {
      await area.close();
      await this.#root.setOwnMetadata({ mode, mtime });
    }
  }

  async stage(
    changes: readonly Change[],
    signal?: AbortSignal,
    options: StageOptions = {},
  ): Promise<Staging> {
    await this.#breakOff();
    if (await areTouches(this.#root, changes)) {
      this.#staged = { changes, work: undefined };
      return { wants: [], writable: new WritableStream<ContentBatch>() };
    }
    const area = await StagingArea.open(this.#root, this.#options.trash);
    const reuse = options.recipes ? this.#reuse(changes) : undefined;
    const root = this.#root;
    const stage = new Stage(area, changes, reuse && { root, reuse });
    this.#staged = { changes, work: { area, stage, reuse } };
    const wants = await this.#prepare(stage, changes, signal, options);
    const writable = new WritableStream<ContentBatch>({
      async write(batch): Promise<void> {
        signal?.throwIfAborted();
        await stage.accept(batch);
        batch.release?.();
      },
    });
    return { wants, writable };
  }

  supply(
    requests: Iterable<ContentRequest>,
    signal?: AbortSignal,
  ): ReadableStream<ContentBatch> {
    return supply(this.#root, requests, {
      follow: this.#follows,
      racy: this.#options.racy,
      ...(signal && { signal }),
    });
  }

  /** The files that were supplied too early, and hold something else; see `RacyReads`. */
  async reread(): Promise<readonly RelPath[]> {
    return await this.#options.racy?.check(this.#root) ?? [];
  }

  async transition(
    changes: readonly Change[],
    signal?: AbortSignal,
  ): Promise<TransitionResult> {
    const staged = this.#staged;
    if (staged?.changes !== changes) {
      throw new TypeError("These changes are not the ones that were staged");
    }
    const { durable = true, trash, recipes } = this.#options;
    if (staged.work === undefined) {
      this.#staged = undefined;
      return await touch(this.#root, changes, { durable, signal });
    }
    const { area, stage, reuse } = staged.work;
    const keepsParts = this.#hasParts;
    this.#hasParts = false;
    try {
      trash?.begin();
      await reuse?.settle();
      const outcome = await transition(this.#root, area, stage, changes, {
        durable,
        trash,
        keepsParts,
        signal,
      });
      if (recipes !== undefined && reuse !== undefined) {
        await rememberMade(recipes, this.#root, reuse.allMade());
      }
      return outcome;
    } catch (error) {
      this.#hasFailed = true;
      this.#tellOf(area.kept.problems);
      throw error;
    } finally {
      // Where it went well, the area is gone already.
      await this.#unstage();
    }
  }

  async advance(
    root: DirectoryEntry,
    changes: readonly Change[],
    modes: boolean,
  ): Promise<DirectoryEntry> {
    const tree = applyChanges(root, changes, modes);
    this.#tree = await withWritten(this.#root, tree, changes, modes);
    return this.#tree;
  }

  synced(): Promise<void> {
    return Promise.resolve();
  }

  /** As {@link scan}, where `previous` was scanned with the same options. */
  async rescan(
    previous: ScannedSnapshot,
    dirty: DirtyPaths,
    options: ScanOptions,
    control?: ScanControl,
  ): Promise<Rescan> {
    const { digests } = this.#options;
    try {
      const look = { ...control, ...(digests && { digests }) };
      return await rescan(this.#root, previous, dirty, options, look);
    } finally {
      digests?.pause();
    }
  }

  /**
   * Takes `tree`, which whoever watches has seen, for what the last scan saw: what
   * is asked next is about that.
   */
  async begin(tree: DirectoryEntry): Promise<void> {
    await this.#describer?.close();
    this.#describer = undefined;
    this.#tree = tree;
  }

  /** Begins to watch the tree; see `TreeWatch`, which the caller closes. */
  watch(options: TreeWatchOptions): TreeWatch {
    return new TreeWatch(this.#root, this.traits.watches ?? "none", options);
  }

  /** Whether there is anything at `path`; what can't be looked at is there. */
  async holds(path: RelPath): Promise<boolean> {
    const parent = parentOf(path);
    if (parent === undefined) return true;
    const cursor = new DirectoryCursor(this.#root);
    try {
      const directory = await cursor.at(parent);
      return await directory.lookup(nameOf(path)) !== undefined;
    } catch (error) {
      if (!isFileSystemError(error)) throw error;
      return error.code !== "not-found" && error.code !== "not-a-directory";
    } finally {
      cursor.close();
    }
  }

  async close(outcome: Outcome): Promise<void> {
    try {
      await this.#unstage();
      await this.#describer?.close();
      const endedWell = outcome.kind === "done" || outcome.kind === "partial";
      const { create, trash } = this.#options;
      if (this.#hasFailed) await this.#recoverAtLast(trash);
      if (create && endedWell) await removeLeftovers(this.#root);
    } finally {
      if (this.#original === undefined) this.#root.close();
    }
  }

  /** Whether the scan that this goes by has followed links. */
  get #follows(): boolean {
    return (this.#original ?? this).#follow;
  }

  #describe(
    requests: readonly DescribeRequest[],
    signal?: AbortSignal,
  ): Promise<readonly Description[]> {
    this.#describer ??= new Describer(
      new RecipeReader(this.#root, {
        follow: this.#follows,
        store: this.#options.recipes,
        readings: this.#options.readings,
      }),
    );
    return this.#describer.describe(requests, signal);
  }

  #lacking(
    descriptions: readonly Description[],
    signal?: AbortSignal,
  ): Promise<readonly Lacking[]> {
    const reuse = this.#staged?.work?.reuse;
    if (reuse === undefined) {
      throw new TypeError("Nothing is staged that recipes could be for");
    }
    return reuse.lacking(descriptions, signal);
  }

  /** Copies what is here at other paths: what is lacking then. */
  async #prepare(
    stage: Stage,
    changes: readonly Change[],
    signal: AbortSignal | undefined,
    { recipes = false }: StageOptions,
  ): Promise<readonly Want[]> {
    const copies = recipes && this.#tree !== undefined
      ? LocalCopies.find(this.#root, changes, this.#tree)
      : undefined;
    try {
      return await stage.prepare(signal, copies);
    } finally {
      copies?.close();
    }
  }

  /** What `changes` may be made of, if there is anything. */
  #reuse(changes: readonly Change[]): Reuse | undefined {
    const tree = this.#tree;
    const reusables = tree && findReusable(changes, tree);
    if (reusables === undefined || reusables.length === 0) return undefined;
    return new Reuse({
      root: this.#root,
      tree: tree!,
      reusables,
      store: this.#options.recipes,
      distrusted: this.#distrusted,
    });
  }

  /** What can't be put back now is left to whoever comes next. */
  async #recoverAtLast(trash: Trash | undefined): Promise<void> {
    try {
      this.#tellOf((await recoverRun(this.#root, trash)).now);
    } catch (error) {
      if (!isFileSystemError(error)) throw error;
    }
  }

  #tellOf(kept: readonly Problem[]): void {
    for (const problem of kept) this.#options.onKept?.(problem);
  }

  /** Gives up what is staged for something else; parts of it are worth keeping. */
  async #breakOff(): Promise<void> {
    if (this.#staged?.work !== undefined) this.#hasParts = true;
    await this.#unstage();
  }

  async #unstage(): Promise<void> {
    const staged = this.#staged;
    if (staged === undefined) return;
    this.#staged = undefined;
    await staged.work?.reuse?.settle();
    staged.work?.stage.close();
    await staged.work?.area.close();
  }
}
