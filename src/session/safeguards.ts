/** The safety stops of one run: its own limits, and what the last run tells. */
import { entriesIn } from "../core/entry.ts";
import { totalsOfChanges } from "../core/change.ts";
import {
  checkMaxDelete,
  checkSameRoot,
  checkUsualLoss,
  type DeleteLimit,
  DeletionTally,
  isSameRoot,
  type RootIdentity,
} from "../core/guard.ts";
import { lossesOf } from "../core/losses.ts";
import type { Comparison } from "./events.ts";
import type { Review, RoundGuard } from "./round_guard.ts";
import type { RoundRecord, RoundRecords } from "./round_record.ts";

/** What a person has said about a run. */
export interface SafetyLimits {
  /** How much may be deleted in all; undefined is "as much as it takes". */
  readonly maxDelete: DeleteLimit | undefined;
  /** What may be deleted although it looks like an accident. */
  readonly allowDelete: DeleteLimit | undefined;
  /** Whether the source may be another directory than in the last run. */
  readonly allowNewRoot: boolean;
}

/** Guards one run; without a record it is a first run, which does as it is told. */
export class Safeguards implements RoundGuard {
  readonly #root: RootIdentity;
  readonly #limits: SafetyLimits;
  readonly #records: RoundRecords | undefined;
  readonly #before: RoundRecord | undefined;
  readonly #deletions = new DeletionTally();
  /** Of the target, before the first round. */
  #targetEntries: number | undefined;

  private constructor(
    root: RootIdentity,
    limits: SafetyLimits,
    records: RoundRecords | undefined,
    before: RoundRecord | undefined,
  ) {
    this.#root = root;
    this.#limits = limits;
    this.#records = records;
    this.#before = before;
  }

  /**
   * Reads what is known of the last run.
   * @param root Of the source, as it is now.
   */
  static async open(
    root: RootIdentity,
    limits: SafetyLimits,
    records?: RoundRecords,
  ): Promise<Safeguards> {
    return new Safeguards(root, limits, records, await records?.read());
  }

  review({ source, target, changes, modes }: Comparison): Review {
    const { maxDelete, allowDelete, allowNewRoot } = this.#limits;
    const deletions = this.#deletions;
    deletions.add(lossesOf(changes));
    const targetEntries = this.#targetEntries ??= target === undefined
      ? 0
      : entriesIn(target.totals);
    const before = this.#before;
    if (before !== undefined && !allowNewRoot) {
      const { replaced } = totalsOfChanges(changes, modes);
      const losses = { deleted: deletions.count, replaced };
      checkSameRoot(before.root, this.#root, losses);
    }
    if (maxDelete !== undefined) {
      checkMaxDelete(deletions, targetEntries, maxDelete);
    }
    if (before !== undefined) {
      checkUsualLoss(deletions, {
        targetEntries,
        sourceEntries: entriesIn(source.totals),
        sourceEntriesBefore: before.entries,
        allowed: allowDelete,
      });
    }
    return { changes, problems: [] };
  }

  async completed({ source }: Comparison): Promise<void> {
    const { digest } = source.root;
    if (this.#records === undefined || digest === undefined) return;
    const record = {
      root: this.#root,
      entries: entriesIn(source.totals),
      digest,
    };
    if (this.#mayReplace(record)) await this.#records.write(record);
  }

  /**
   * Whether `record` takes the place of the one before. One of an empty or
   * another directory that did no harm yet must not disarm the guards.
   */
  #mayReplace({ root, entries, digest }: RoundRecord): boolean {
    const before = this.#before;
    if (before === undefined) return true;
    const isSame = isSameRoot(before.root, root);
    if (!isSame && !this.#limits.allowNewRoot) return false;
    const isEmptied = entries === 0 && before.entries > 0;
    if (isEmptied && this.#limits.allowDelete === undefined) return false;
    return !isSame || entries !== before.entries || digest !== before.digest;
  }
}
