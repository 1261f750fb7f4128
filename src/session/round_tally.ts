/** What was changed in one round or several, over all their tries. */
import {
  addChanges,
  type ChangeTotals,
  NO_CHANGES,
  totalsOfChanges,
} from "../core/change.ts";
import type { AppliedRound, RoundObserver } from "./round_observer.ts";

/**
 * Counts what a target has confirmed. A try that ends with an error may have
 * carried out a part of its round, of which no summary tells.
 */
export class RoundTally implements RoundObserver {
  #totals = NO_CHANGES;

  get totals(): ChangeTotals {
    return this.#totals;
  }

  staging(): void {}

  passing(): void {}

  applied({ achieved, comparison, moves }: AppliedRound): Promise<void> {
    const { modes } = comparison;
    const totals = totalsOfChanges(achieved, modes, moves.length);
    this.#totals = addChanges(this.#totals, totals);
    return Promise.resolve();
  }
}
