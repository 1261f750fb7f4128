/** A target's own protection from whoever sends to it. */
import type { Change } from "../core/change.ts";
import type { Clock } from "../core/clock.ts";
import {
  checkMaxDelete,
  type DeleteLimit,
  DeletionTally,
} from "../core/guard.ts";
import { lossesOf } from "../core/losses.ts";
import type { ScanOptions, Snapshot } from "../core/snapshot.ts";
import type {
  Endpoint,
  ScanContext,
  StageOptions,
  Staging,
} from "./endpoint.ts";
import { PassingEndpoint } from "./passing_endpoint.ts";
import { RecentDeletions } from "./recent_deletions.ts";
import { systemClock } from "./system_clock.ts";

/**
 * The target `inner`, which lets go of no more than `maxDelete` in all the rounds
 * of one session that follow each other closely; whoever announces more is
 * refused before anything is staged.
 */
export class GuardedEndpoint extends PassingEndpoint {
  readonly #maxDelete: DeleteLimit;
  /** Of the rounds before, what was let through. */
  readonly #lately: RecentDeletions;
  /** Entries of the first scan. */
  #entries: number | undefined;

  constructor(
    inner: Endpoint,
    maxDelete: DeleteLimit,
    clock: Clock = systemClock,
  ) {
    super(inner);
    this.#maxDelete = maxDelete;
    this.#lately = new RecentDeletions(clock);
  }

  override async scan(
    options: ScanOptions,
    context?: ScanContext,
  ): Promise<Snapshot> {
    const snapshot = await super.scan(options, context);
    const { files, directories, symlinks } = snapshot.totals;
    this.#entries ??= files + directories + symlinks;
    return snapshot;
  }

  /** @throws {GuardError} If more would be deleted than is allowed. */
  override async stage(
    changes: readonly Change[],
    signal?: AbortSignal,
    options?: StageOptions,
  ): Promise<Staging> {
    const deletions = new DeletionTally();
    deletions.add(lossesOf(this.#lately.current()));
    deletions.add(lossesOf(changes));
    checkMaxDelete(deletions, this.#entries ?? 0, this.#maxDelete);
    this.#lately.add(changes);
    return await super.stage(changes, signal, options);
  }
}
