/** A target's own protection from whoever sends to it. */
import type { Change } from "../core/change.ts";
import {
  checkMaxDelete,
  type DeleteLimit,
  DeletionTally,
} from "../core/guard.ts";
import type { Move } from "../core/moves.ts";
import type { Outcome } from "../core/outcome.ts";
import type { RelPath } from "../core/path.ts";
import type { ContentRequest } from "../content/description.ts";
import type { ContentBatch } from "../core/piece.ts";
import type { Problem } from "../core/problem.ts";
import type { ScanOptions, Snapshot } from "../core/snapshot.ts";
import type { FileSystemTraits } from "../fs/file_system.ts";
import type {
  Endpoint,
  MoveResult,
  RecipeCalls,
  ScanContext,
  StageOptions,
  Staging,
  TransitionResult,
} from "./endpoint.ts";

/**
 * The target `inner`, which lets go of no more than `maxDelete` in all the rounds
 * of one session; whoever announces more is refused before anything is staged.
 */
export class GuardedEndpoint implements Endpoint {
  readonly #inner: Endpoint;
  readonly #maxDelete: DeleteLimit;
  readonly #deletions = new DeletionTally();
  /** Entries of the first scan. */
  #entries: number | undefined;

  constructor(inner: Endpoint, maxDelete: DeleteLimit) {
    this.#inner = inner;
    this.#maxDelete = maxDelete;
  }

  get name(): string {
    return this.#inner.name;
  }

  get traits(): FileSystemTraits {
    return this.#inner.traits;
  }

  get recipes(): RecipeCalls | undefined {
    return this.#inner.recipes;
  }

  async scan(options: ScanOptions, context?: ScanContext): Promise<Snapshot> {
    const snapshot = await this.#inner.scan(options, context);
    const { files, directories, symlinks } = snapshot.totals;
    this.#entries ??= files + directories + symlinks;
    return snapshot;
  }

  confirmAbsent(
    absent: readonly RelPath[],
    signal?: AbortSignal,
  ): Promise<readonly Problem[]> {
    return this.#inner.confirmAbsent(absent, signal);
  }

  get moves(): boolean {
    return this.#inner.moves;
  }

  move(moves: readonly Move[], signal?: AbortSignal): Promise<MoveResult> {
    return this.#inner.move(moves, signal);
  }

  /** @throws {GuardError} If more would be deleted than is allowed. */
  async stage(
    changes: readonly Change[],
    signal?: AbortSignal,
    options?: StageOptions,
  ): Promise<Staging> {
    this.#deletions.add(changes);
    checkMaxDelete(this.#deletions, this.#entries ?? 0, this.#maxDelete);
    return await this.#inner.stage(changes, signal, options);
  }

  supply(
    requests: Iterable<ContentRequest>,
    signal?: AbortSignal,
  ): ReadableStream<ContentBatch> {
    return this.#inner.supply(requests, signal);
  }

  transition(
    changes: readonly Change[],
    signal?: AbortSignal,
  ): Promise<TransitionResult> {
    return this.#inner.transition(changes, signal);
  }

  close(outcome: Outcome): Promise<void> {
    return this.#inner.close(outcome);
  }
}
