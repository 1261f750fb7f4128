/** Turns what rounds have achieved into operations, one for each path. */
import type { Digest, FileEntry } from "../core/entry.ts";
import {
  type EarlierRound,
  type Operation,
  operationsOf,
} from "../core/operation.ts";
import type { RelPath } from "../core/path.ts";
import type { Change } from "../core/change.ts";
import type { ContentBatch } from "../core/piece.ts";
import { Pacer } from "../fs/pacer.ts";
import { ContentDigests } from "./content_digests.ts";
import type { Endpoint } from "./endpoint.ts";
import type { AppliedRound, RoundObserver } from "./round_observer.ts";

/** How operations are recorded. */
export interface RecorderOptions {
  /** Whether the content of files is to be hashed. */
  readonly digests: boolean;
  /** Hears of each operation; must not throw. */
  readonly onOperation: (operation: Operation) => void;
  /** Once it is aborted, no file is read any more to learn its digest. */
  readonly signal?: AbortSignal;
}

/** Follows one target through all rounds of a run: only so a restoration shows. */
export class OperationRecorder implements RoundObserver {
  readonly #options: RecorderOptions;
  #digests: ContentDigests | undefined;
  #earlier: EarlierRound | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  staging(changes: readonly Change[]): void {
    if (this.#options.digests) this.#digests = new ContentDigests(changes);
  }

  passing(batch: ContentBatch): void {
    this.#digests?.add(batch);
  }

  async applied(round: AppliedRound): Promise<void> {
    const { source, comparison, moves, achieved, problems } = round;
    const { modes } = comparison;
    const context = { modes, earlier: this.#earlier, moves };
    const passed = this.#digests?.lookup();
    this.#digests = undefined;
    this.#earlier = {
      root: comparison.source.root,
      leftOut: new Set(problems.map(({ problem }) => problem.path)),
    };
    const pacer = new Pacer();
    for (const operation of operationsOf(achieved, context)) {
      this.#options.onOperation(
        await this.#withDigest(operation, passed, source),
      );
      const pause = pacer.turn();
      if (pause !== undefined) await pause;
    }
  }

  async #withDigest(
    operation: Operation,
    passed: ((path: RelPath) => Digest | undefined) | undefined,
    source: Endpoint,
  ): Promise<Operation> {
    const { path, file, carried } = operation;
    if (!this.#options.digests || file === undefined) return operation;
    if (operation.digest !== undefined) return operation;
    const digest = (carried ? passed?.(path) : undefined) ??
      await this.#digestAt(source, path, file);
    return { ...operation, digest };
  }

  /** Reads the file once more; undefined where it is not what was mirrored any more. */
  async #digestAt(
    source: Endpoint,
    path: RelPath,
    entry: FileEntry,
  ): Promise<Digest | undefined> {
    if (this.#options.signal?.aborted) return undefined;
    const digests = new ContentDigests([{ path, old: undefined, new: entry }]);
    const request = { index: 0, path, entry, resume: undefined };
    try {
      for await (const batch of source.supply([request])) {
        digests.add(batch);
        batch.release?.();
      }
    } catch {
      // The log does without.
      return undefined;
    }
    return digests.lookup()(path);
  }
}
