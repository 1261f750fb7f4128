/** A target that tells what was done to it. */
import { applyChanges, withDigests } from "../core/apply_changes.ts";
import type { Change } from "../core/change.ts";
import type { Digest, DirectoryEntry } from "../core/entry.ts";
import { applyMoves, madeBy, type Move } from "../core/moves.ts";
import type { Moved } from "../core/operation.ts";
import type { ScanOptions, Snapshot } from "../core/snapshot.ts";
import { achievedChanges } from "./achieved.ts";
import type {
  Endpoint,
  MoveResult,
  ScanContext,
  TransitionResult,
} from "./endpoint.ts";
import { PassingEndpoint } from "./passing_endpoint.ts";

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
export class ObservedEndpoint extends PassingEndpoint {
  readonly #onApplied: (applied: AppliedChanges) => void;
  #snapshot: Snapshot | undefined;
  #modes = true;

  constructor(inner: Endpoint, onApplied: (applied: AppliedChanges) => void) {
    super(inner);
    this.#onApplied = onApplied;
  }

  override async scan(
    options: ScanOptions,
    context?: ScanContext,
  ): Promise<Snapshot> {
    this.#modes = options.modes;
    const snapshot = await super.scan(options, context);
    this.#snapshot = snapshot;
    return snapshot;
  }

  override async advance(
    root: DirectoryEntry,
    changes: readonly Change[],
    modes: boolean,
  ): Promise<DirectoryEntry> {
    const advanced = await super.advance(root, changes, modes);
    if (this.#snapshot !== undefined) {
      this.#snapshot = { ...this.#snapshot, root: advanced };
    }
    return advanced;
  }

  override async move(
    moves: readonly Move[],
    signal?: AbortSignal,
  ): Promise<MoveResult> {
    const result = await super.move(moves, signal);
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

  override async transition(
    changes: readonly Change[],
    signal?: AbortSignal,
  ): Promise<TransitionResult> {
    const result = await super.transition(changes, signal);
    const achieved = achievedChanges(changes, result);
    if (achieved.length > 0) {
      const modes = this.#modes;
      const before = this.#snapshot?.root;
      const digest = before && applyChanges(before, achieved, modes).digest;
      this.#onApplied({ moves: [], achieved, modes, digest });
    }
    return result;
  }
}
