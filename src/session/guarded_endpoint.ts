/** A target's own protection from whoever sends to it. */
import type { Change } from "../core/change.ts";
import {
  checkMaxDelete,
  type DeleteLimit,
  DeletionTally,
} from "../core/guard.ts";
import type { Move } from "../core/moves.ts";
import type { DirectoryEntry } from "../core/entry.ts";
import type { Clock } from "../core/clock.ts";
import type { Outcome } from "../core/outcome.ts";
import type { RelPath } from "../core/path.ts";
import type { ContentRequest } from "../content/description.ts";
import type { ContentBatch } from "../core/piece.ts";
import type { Problem } from "../core/problem.ts";
import type { ScanOptions, Snapshot } from "../core/snapshot.ts";
import type { FileSystemTraits } from "../fs/file_system.ts";
import { systemClock } from "./system_clock.ts";
import type {
  Endpoint,
  MoveResult,
  Notices,
  RecipeCalls,
  RoundNote,
  ScanContext,
  StageOptions,
  Staging,
  TransitionResult,
} from "./endpoint.ts";

/** Deletions that follow each other more closely than this are one. */
const BURST_MS = 10_000;

/**
 * The target `inner`, which lets go of no more than `maxDelete` in all the rounds
 * of one session that follow each other closely; whoever announces more is
 * refused before anything is staged.
 */
export class GuardedEndpoint implements Endpoint {
  readonly #inner: Endpoint;
  readonly #maxDelete: DeleteLimit;
  readonly #clock: Clock;
  /** Changes of the rounds before that were let through lately. */
  #lately: Change[] = [];
  #last = -Infinity;
  /** Entries of the first scan. */
  #entries: number | undefined;

  constructor(
    inner: Endpoint,
    maxDelete: DeleteLimit,
    clock: Clock = systemClock,
  ) {
    this.#inner = inner;
    this.#maxDelete = maxDelete;
    this.#clock = clock;
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

  get notices(): Notices | undefined {
    return this.#inner.notices;
  }

  get follows(): boolean {
    return this.#inner.follows;
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
    const now = this.#clock.now();
    if (now - this.#last > BURST_MS) this.#lately = [];
    const deletions = new DeletionTally();
    deletions.add(this.#lately);
    deletions.add(changes);
    checkMaxDelete(deletions, this.#entries ?? 0, this.#maxDelete);
    for (const change of changes) {
      const { old, new: wanted } = change;
      if (old === undefined || old.kind === wanted?.kind) continue;
      this.#lately.push(change);
      this.#last = now;
    }
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

  advance(
    root: DirectoryEntry,
    changes: readonly Change[],
    modes: boolean,
  ): Promise<DirectoryEntry> {
    return this.#inner.advance(root, changes, modes);
  }

  synced(round: RoundNote, signal?: AbortSignal): Promise<void> {
    return this.#inner.synced(round, signal);
  }

  close(outcome: Outcome): Promise<void> {
    return this.#inner.close(outcome);
  }
}
