/** An endpoint over a file system of this machine. */
import type { Change } from "../core/change.ts";
import type { Move } from "../core/moves.ts";
import type { Outcome } from "../core/outcome.ts";
import type { RelPath } from "../core/path.ts";
import type { ContentBatch, SupplyRequest } from "../core/piece.ts";
import type { Problem } from "../core/problem.ts";
import type { ScanOptions, Snapshot } from "../core/snapshot.ts";
import { confirmAbsent } from "../fs/confirm_absent.ts";
import type {
  Directory,
  FileSystem,
  FileSystemTraits,
} from "../fs/file_system.ts";
import { move } from "../fs/move.ts";
import type { RecipeStore } from "../fs/recipe_store.ts";
import type { DigestCache } from "../fs/digest_cache.ts";
import { scan } from "../fs/scan.ts";
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
import type {
  Endpoint,
  MoveResult,
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
  /** What is known of the content of its files; scans by checksum add to it. */
  readonly digests?: DigestCache;
  /**
   * What is known of the content of its files, from earlier runs; it stays with
   * its owner.
   */
  readonly recipes?: RecipeStore;
  /**
   * Hears of what is kept in `.lockstep/kept` where no answer to a transition
   * can say it: after a recovery, an interruption, a failure.
   */
  readonly onKept?: (problem: Problem) => void;
}

/** Changes that are staged, until they are carried out or replaced by others. */
interface Staged {
  readonly changes: readonly Change[];
  /** Undefined where they are of modes and times only: nothing is staged then. */
  readonly work:
    | { readonly area: StagingArea; readonly stage: Stage }
    | undefined;
}

/** One side of a sync that lies in a file system here. Its owner closes it. */
export class LocalEndpoint implements Endpoint {
  readonly name: string;
  readonly traits: FileSystemTraits;
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
  ): Promise<Snapshot> {
    // What it has left held belongs into the picture, and not behind it.
    if (this.#hasFailed) await this.recover();
    this.#follow = options.symlinks === "follow";
    const { digests } = this.#options;
    return await scan(this.#root, options, {
      ...context,
      ...(digests && { digests }),
    });
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

  get moves(): boolean {
    return true;
  }

  async move(
    moves: readonly Move[],
    signal?: AbortSignal,
  ): Promise<MoveResult> {
    await this.#unstage();
    const { durable = true, trash } = this.#options;
    const { mode, mtime } = await this.#root.stat();
    const area = await StagingArea.open(this.#root, trash);
    try {
      return await move(this.#root, area, moves, { durable, signal });
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
  ): Promise<Staging> {
    await this.#unstage();
    if (await areTouches(this.#root, changes)) {
      this.#staged = { changes, work: undefined };
      return { wants: [], writable: new WritableStream<ContentBatch>() };
    }
    const area = await StagingArea.open(this.#root, this.#options.trash);
    const stage = new Stage(area, changes);
    this.#staged = { changes, work: { area, stage } };
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
    const { durable = true, trash } = this.#options;
    if (staged.work === undefined) {
      this.#staged = undefined;
      return await touch(this.#root, changes, { durable, signal });
    }
    const { area, stage } = staged.work;
    try {
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
    staged.work?.stage.close();
    await staged.work?.area.close();
  }
}
