/**
 * Watches over what each side of a two-way run would lose: in all rounds of the
 * run, and in those just before it.
 */
import type { Change } from "../core/change.ts";
import { otherSide, SIDES, type TwoWaySide } from "../core/conflict.ts";
import { type DirectoryEntry, entriesIn } from "../core/entry.ts";
import { DeletionTally } from "../core/guard.ts";
import type { Loss } from "../core/losses.ts";
import type { RelPath } from "../core/path.ts";
import type { Reconciliation } from "../core/reconcile.ts";
import type { Snapshot } from "../core/snapshot.ts";
import {
  checkLossAtSide,
  lossesAtSide,
  type LossLimits,
} from "../core/two_way_guard.ts";
import type { RecentLosses } from "./recent_losses.ts";

/** What a {@link LossGuard} goes by. */
export interface LossGuardOptions {
  readonly limits: LossLimits;
  /** What each side has lost lately: it counts, and is added to. */
  readonly losses?: RecentLosses;
}

/** What a round is about to do. */
export interface GuardedRound {
  readonly snapshots: Readonly<Record<TwoWaySide, Snapshot>>;
  readonly reconciled: Reconciliation;
  /** What both sides agreed on last. */
  readonly ancestor: DirectoryEntry | undefined;
}

/** The guard of one run. */
export class LossGuard {
  /** What people call the sides. */
  readonly #names: Readonly<Record<TwoWaySide, string>>;
  readonly #options: LossGuardOptions;
  readonly #tallies = {
    alpha: new DeletionTally(),
    beta: new DeletionTally(),
  };
  /** What each side loses by the round that was looked at last, by path. */
  readonly #expected: Record<TwoWaySide, ReadonlyMap<RelPath, Loss>> = {
    alpha: new Map(),
    beta: new Map(),
  };
  /** Entries of both sides before the first round, or the first recent loss. */
  #entries: Readonly<Record<TwoWaySide, number>> | undefined;

  constructor(
    names: Readonly<Record<TwoWaySide, string>>,
    options: LossGuardOptions,
  ) {
    this.#names = names;
    this.#options = options;
    const { losses } = options;
    if (losses === undefined) return;
    this.#entries = losses.entries;
    for (const side of SIDES) this.#tallies[side].add(losses.lost[side]);
  }

  /** Both sides were scanned: the first time counts. */
  scanned({ alpha, beta }: Readonly<Record<TwoWaySide, Snapshot>>): void {
    this.#entries ??= {
      alpha: entriesIn(alpha.totals),
      beta: entriesIn(beta.totals),
    };
    const { losses } = this.#options;
    if (losses !== undefined) losses.entries ??= this.#entries;
  }

  /**
   * Looks at a round before anything of it is carried out.
   * @throws {GuardError} If a side would lose more than is usual or allowed.
   */
  check({ snapshots, reconciled, ancestor }: GuardedRound): void {
    const entries = this.#entries!;
    for (const side of SIDES) {
      const other = otherSide(side);
      const deletions = this.#tallies[side];
      const losses = lossesAtSide(reconciled[side]);
      deletions.add(losses);
      this.#expected[side] = new Map(losses.map((loss) => [loss.path, loss]));
      checkLossAtSide({
        place: this.#names[side],
        otherPlace: this.#names[other],
        deletions,
        entries: entries[side],
        otherEntries: entriesIn(snapshots[other].totals),
        agreedEntries: ancestor?.children.size ?? 0,
      }, this.#options.limits);
    }
  }

  /** This was carried out at `side`: runs to come count what it has lost by that, too. */
  carriedOut(side: TwoWaySide, done: Iterable<Change>): void {
    const lost = this.#options.losses?.lost[side];
    if (lost === undefined) return;
    for (const { path } of done) {
      const loss = this.#expected[side].get(path);
      if (loss !== undefined) lost.push(loss);
    }
  }
}
