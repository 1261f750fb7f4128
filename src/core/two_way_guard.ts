/**
 * Safety stops of a two-way sync: what one side may lose because it is gone at the
 * other one. Pure: it counts, and throws a {@link GuardError} with the reason.
 */
import { GuardError } from "../errors.ts";
import {
  type DeleteLimit,
  type DeletionTally,
  isUnusualLoss,
  isWithinLimit,
} from "./guard.ts";
import { type Loss, lossesOf } from "./losses.ts";
import type { RelPath } from "./path.ts";
import type { SideChanges } from "./reconcile.ts";

/** What is known of one side that is about to lose something. */
export interface LossAtSide {
  /** What people call it, and the other side. */
  readonly place: string;
  readonly otherPlace: string;
  /** What it would lose in this run. */
  readonly deletions: DeletionTally;
  /** Entries that it had before the run. */
  readonly entries: number;
  /** Entries of the other side, and of what both agreed on last. */
  readonly otherEntries: number;
  readonly agreedEntries: number;
}

/** What people have said about deletions. */
export interface LossLimits {
  readonly maxDelete: DeleteLimit | undefined;
  /** What may be deleted although it looks like an accident. */
  readonly allowDelete: DeleteLimit | undefined;
}

/**
 * What a side would lose; neither what is renamed there is a loss, nor what a
 * conflict moves to its copies.
 */
export function lossesAtSide({ changes, absences }: SideChanges): Loss[] {
  const absent = new Set<RelPath>(absences);
  const leaving = changes.filter(({ path, new: wanted }) =>
    wanted !== undefined || absent.has(path)
  );
  return lossesOf(leaving, changes);
}

/** @throws {GuardError} If the loss is more than was allowed, or looks like an accident. */
export function checkLossAtSide(loss: LossAtSide, limits: LossLimits): void {
  const { deletions, entries } = loss;
  const { count } = deletions;
  if (count === 0) return;
  const { maxDelete, allowDelete } = limits;
  const what = describe(loss);
  if (
    maxDelete !== undefined && !isWithinLimit(count, entries, maxDelete)
  ) throw new GuardError(`${what}; that is more than --max-delete allows`);
  if (
    allowDelete !== undefined && isWithinLimit(count, entries, allowDelete)
  ) return;
  const isEmptied = loss.otherEntries === 0 && loss.agreedEntries > 0;
  if (!isEmptied && !isUnusualLoss(count, entries)) return;
  const why = isEmptied
    ? `${loss.otherPlace} has lost all of its entries; ${what}`
    : what;
  throw new GuardError(`${why} (to allow it: --allow-delete ${count})`);
}

function describe(
  { place, otherPlace, deletions, entries }: LossAtSide,
): string {
  const { count } = deletions;
  const percent = entries === 0 ? 100 : Math.floor(count * 100 / entries);
  return `${count} of ${entries} entries of ${place} would be deleted, as they ` +
    `are gone at ${otherPlace} (${percent}%: ${deletions.describe()})`;
}
