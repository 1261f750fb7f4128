/** A target that tells what was done to it. */
import { applyChanges, withDigests } from "../core/apply_changes.ts";
import type { Change } from "../core/change.ts";
import type { Digest, DirectoryEntry } from "../core/entry.ts";
import { applyMoves, madeBy, type Move } from "../core/moves.ts";
import type { Moved } from "../core/operation.ts";
import type { Outcome } from "../core/outcome.ts";
import type { RelPath } from "../core/path.ts";
import type { ContentRequest } from "../content/description.ts";
import type { ContentBatch } from "../core/piece.ts";
import type { Problem } from "../core/problem.ts";
import type { ScanOptions, Snapshot } from "../core/snapshot.ts";
import type { FileSystemTraits } from "../fs/file_system.ts";
import { achievedChanges } from "./achieved.ts";
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

/** What was carried out: one of the lists is never empty. */
export interface AppliedChanges {
  readonly moves: readonly Moved[];
  readonly achieved: readonly Change[];
  /** Whether mode bits count. */
  readonly modes: boolean;
  /** Of the tree that the last scan saw, with these changes. */
  readonly digest: Digest | undefined;
}

/** The target `inner`; `onApplied` hears of each call that changed it, and must not throw. */
export class ObservedEndpoint implements Endpoint {
  readonly #inner: Endpoint;
  readonly #onApplied: (applied: AppliedChanges) => void;
  #snapshot: Snapshot | undefined;
  #modes = true;

  constructor(inner: Endpoint, onApplied: (applied: AppliedChanges) => void) {
    this.#inner = inner;
    this.#onApplied = onApplied;
  }

  get name(): string {
    return this.#inner.name;
  }

  get traits(): FileSystemTraits {
    return this.#inner.traits;
  }

  async scan(options: ScanOptions, context?: ScanContext): Promise<Snapshot> {
    this.#modes = options.modes;
    const snapshot = await this.#inner.scan(options, context);
    this.#snapshot = snapshot;
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

  get recipes(): RecipeCalls | undefined {
    return this.#inner.recipes;
  }

  get notices(): Notices | undefined {
    return this.#inner.notices;
  }

  get follows(): boolean {
    return this.#inner.follows;
  }

  async advance(
    root: DirectoryEntry,
    changes: readonly Change[],
    modes: boolean,
  ): Promise<DirectoryEntry> {
    const advanced = await this.#inner.advance(root, changes, modes);
    if (this.#snapshot !== undefined) {
      this.#snapshot = { ...this.#snapshot, root: advanced };
    }
    return advanced;
  }

  synced(round: RoundNote, signal?: AbortSignal): Promise<void> {
    return this.#inner.synced(round, signal);
  }

  async move(
    moves: readonly Move[],
    signal?: AbortSignal,
  ): Promise<MoveResult> {
    const result = await this.#inner.move(moves, signal);
    const done = moves.filter((_, i) => result.done[i] === 1);
    if (done.length === 0) return result;
    // Where one failed, the tree is known again after the next scan.
    if (done.length < moves.length) this.#snapshot = undefined;
    if (this.#snapshot !== undefined) {
      const moved = applyMoves(this.#snapshot.root, done);
      const root = withDigests(moved, this.#modes);
      this.#snapshot = { ...this.#snapshot, root };
    }
    const modes = this.#modes;
    const digest = this.#snapshot?.root.digest;
    this.#onApplied({
      moves: done,
      achieved: [...madeBy(done)],
      modes,
      digest,
    });
    return result;
  }

  stage(
    changes: readonly Change[],
    signal?: AbortSignal,
    options?: StageOptions,
  ): Promise<Staging> {
    return this.#inner.stage(changes, signal, options);
  }

  supply(
    requests: Iterable<ContentRequest>,
    signal?: AbortSignal,
  ): ReadableStream<ContentBatch> {
    return this.#inner.supply(requests, signal);
  }

  async transition(
    changes: readonly Change[],
    signal?: AbortSignal,
  ): Promise<TransitionResult> {
    const result = await this.#inner.transition(changes, signal);
    const achieved = achievedChanges(changes, result);
    if (achieved.length > 0) {
      const modes = this.#modes;
      const before = this.#snapshot?.root;
      const digest = before && applyChanges(before, achieved, modes).digest;
      this.#onApplied({ moves: [], achieved, modes, digest });
    }
    return result;
  }

  close(outcome: Outcome): Promise<void> {
    return this.#inner.close(outcome);
  }
}
