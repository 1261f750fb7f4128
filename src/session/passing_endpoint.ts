/** An endpoint in front of another one, for those that change few of its calls. */
import type { Change } from "../core/change.ts";
import type { DirectoryEntry } from "../core/entry.ts";
import type { Move } from "../core/moves.ts";
import type { Outcome } from "../core/outcome.ts";
import type { RelPath } from "../core/path.ts";
import type { ContentBatch } from "../core/piece.ts";
import type { Problem } from "../core/problem.ts";
import type { ScanOptions, Snapshot } from "../core/snapshot.ts";
import type { ContentRequest } from "../content/description.ts";
import type { FileSystemTraits } from "../fs/file_system.ts";
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

/** Passes every call on to `inner`; whoever extends it overrides what differs. */
export abstract class PassingEndpoint implements Endpoint {
  protected readonly inner: Endpoint;

  constructor(inner: Endpoint) {
    this.inner = inner;
  }

  get name(): string {
    return this.inner.name;
  }

  get traits(): FileSystemTraits {
    return this.inner.traits;
  }

  get recipes(): RecipeCalls | undefined {
    return this.inner.recipes;
  }

  get notices(): Notices | undefined {
    return this.inner.notices;
  }

  get follows(): boolean {
    return this.inner.follows;
  }

  get moves(): boolean {
    return this.inner.moves;
  }

  scan(options: ScanOptions, context?: ScanContext): Promise<Snapshot> {
    return this.inner.scan(options, context);
  }

  confirmAbsent(
    absent: readonly RelPath[],
    signal?: AbortSignal,
  ): Promise<readonly Problem[]> {
    return this.inner.confirmAbsent(absent, signal);
  }

  move(moves: readonly Move[], signal?: AbortSignal): Promise<MoveResult> {
    return this.inner.move(moves, signal);
  }

  stage(
    changes: readonly Change[],
    signal?: AbortSignal,
    options?: StageOptions,
  ): Promise<Staging> {
    return this.inner.stage(changes, signal, options);
  }

  supply(
    requests: Iterable<ContentRequest>,
    signal?: AbortSignal,
  ): ReadableStream<ContentBatch> {
    return this.inner.supply(requests, signal);
  }

  transition(
    changes: readonly Change[],
    signal?: AbortSignal,
  ): Promise<TransitionResult> {
    return this.inner.transition(changes, signal);
  }

  advance(
    root: DirectoryEntry,
    changes: readonly Change[],
    modes: boolean,
  ): Promise<DirectoryEntry> {
    return this.inner.advance(root, changes, modes);
  }

  synced(round: RoundNote, signal?: AbortSignal): Promise<void> {
    return this.inner.synced(round, signal);
  }

  close(outcome: Outcome): Promise<void> {
    return this.inner.close(outcome);
  }
}
