/**
 * Watches over what each side of a two-way run would lose: in all rounds of the
 * run, and in those just before it.
 */
import type { Change } from "../core/change.ts";
import { otherSide, SIDES, type TwoWaySide } from "../core/conflict.ts";
import { type DirectoryEntry, entriesIn } from "../core/entry.ts";
import { DeletionTally } from "../core/guard.ts";
import type { Reconciliation, SideChanges } from "../core/reconcile.ts";
import type { Snapshot } from "../core/snapshot.ts";
import {
  checkLossAtSide,
  type LossLimits,
  tallyLosses,
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
    for (const side of SIDES) this.#tallies[side].add(losses.changes[side]);
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
      tallyLosses(deletions, reconciled[side]);
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

  /** `done` of `changes` was carried out at `side`: runs to come count it, too. */
  carriedOut(
    side: TwoWaySide,
    done: Iterable<Change>,
    { absences }: SideChanges,
  ): void {
    const lost = this.#options.losses?.changes[side];
    if (lost === undefined) return;
    const absent = new Set(absences);
    for (const change of done) {
      if (change.new === undefined && absent.has(change.path)) {
        lost.push(change);
      }
    }
  }
}
