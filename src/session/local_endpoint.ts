/** An endpoint over a file system of this machine. */
import type { Change } from "../core/change.ts";
import type { Outcome } from "../core/outcome.ts";
import { applyChanges } from "../core/apply_changes.ts";
import type { DirectoryEntry } from "../core/entry.ts";
import { nameOf, parentOf, type RelPath } from "../core/path.ts";
import { isFileSystemError } from "../errors.ts";
import type { ContentBatch, SupplyRequest } from "../core/piece.ts";
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
import { type Rescan, rescan } from "../fs/rescan.ts";
import { scan, type ScanControl, type ScannedSnapshot } from "../fs/scan.ts";
import { TreeWatch, type TreeWatchOptions } from "../fs/watch.ts";
import { withWritten } from "../fs/written.ts";
import { Stage } from "../fs/stage.ts";
import {
  recoverRun,
  removeLeftovers,
  StagingArea,
} from "../fs/staging_area.ts";
import type { Trash } from "../fs/trash.ts";
import { supply } from "../fs/supply.ts";
import { transition } from "../fs/transition.ts";
import type {
  Endpoint,
  ScanContext,
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
  /**
   * Hears of what is kept in `.lockstep/kept` where no answer to a transition
   * can say it: after a recovery, an interruption, a failure.
   */
  readonly onKept?: (problem: Problem) => void;
}

/** Changes that are staged, until they are carried out or replaced by others. */
interface Staged {
  readonly changes: readonly Change[];
  readonly area: StagingArea;
  readonly stage: Stage;
}

/** One side of a sync that lies in a file system here. Its owner closes it. */
export class LocalEndpoint implements Endpoint {
  readonly name: string;
  readonly traits: FileSystemTraits;
  readonly follows = true;
  readonly #root: Directory;
  readonly #options: LocalEndpointOptions;
  #follow = false;
  #staged: Staged | undefined;
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
   * Puts back what a run that was killed had taken out of its place, so that a
   * scan sees it. To be called before the first one, by whoever may change the
   * directory.
   */
  async recover(): Promise<void> {
    const { now, before } = await recoverRun(this.#root, this.#options.trash);
    this.#tellOf(before);
    this.#tellOf(now);
  }

  scan(
    options: ScanOptions,
    context: ScanContext = {},
  ): Promise<ScannedSnapshot> {
    this.#follow = options.symlinks === "follow";
    return scan(this.#root, options, context);
  }

  confirmAbsent(
    absent: readonly RelPath[],
    signal?: AbortSignal,
  ): Promise<readonly Problem[]> {
    return confirmAbsent(this.#root, absent, {
      follow: this.#follow,
      ...(signal && { signal }),
    });
  }

  async stage(
    changes: readonly Change[],
    signal?: AbortSignal,
  ): Promise<Staging> {
    await this.#unstage();
    const area = await StagingArea.open(this.#root, this.#options.trash);
    const stage = new Stage(area, changes);
    this.#staged = { changes, area, stage };
    const wants = await stage.prepare(signal);
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
    requests: Iterable<SupplyRequest>,
    signal?: AbortSignal,
  ): ReadableStream<ContentBatch> {
    return supply(this.#root, requests, {
      follow: this.#follow,
      ...(signal && { signal }),
    });
  }

  async transition(
    changes: readonly Change[],
    signal?: AbortSignal,
  ): Promise<TransitionResult> {
    const staged = this.#staged;
    if (staged?.changes !== changes) {
      throw new TypeError("These changes are not the ones that were staged");
    }
    const { area, stage } = staged;
    try {
      const { durable = true, trash } = this.#options;
      trash?.begin();
      return await transition(this.#root, area, stage, changes, {
        durable,
        trash,
        signal,
      });
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
    return await withWritten(this.#root, tree, changes, modes);
  }

  synced(): Promise<void> {
    return Promise.resolve();
  }

  /** As {@link scan}, where `previous` was scanned with the same options. */
  rescan(
    previous: ScannedSnapshot,
    dirty: DirtyPaths,
    options: ScanOptions,
    control?: ScanControl,
  ): Promise<Rescan> {
    return rescan(this.#root, previous, dirty, options, control);
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
      const endedWell = outcome.kind === "done" || outcome.kind === "partial";
      const { create, trash } = this.#options;
      if (this.#hasFailed) {
        this.#tellOf((await recoverRun(this.#root, trash)).now);
      }
      if (create && endedWell) await removeLeftovers(this.#root);
    } finally {
      this.#root.close();
    }
  }

  #tellOf(kept: readonly Problem[]): void {
    for (const problem of kept) this.#options.onKept?.(problem);
  }

  async #unstage(): Promise<void> {
    const staged = this.#staged;
    if (staged === undefined) return;
    this.#staged = undefined;
    staged.stage.close();
    await staged.area.close();
  }
}
