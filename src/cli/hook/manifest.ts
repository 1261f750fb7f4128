/**
 * What a hook is told on its standard input: one JSON object. `totals` count all
 * that was changed; of very many changes, only the first are listed.
 */
import {
  addChanges,
  type ChangeTotals,
  NO_CHANGES,
} from "../../core/change.ts";
import type { Digest } from "../../core/entry.ts";
import type { Operation } from "../../core/operation.ts";

/** Version of the form of a manifest. */
const MANIFEST_VERSION = 1;

/** Most changes that are listed. */
export const MAX_LISTED_CHANGES = 100_000;

/** One change set. */
export interface ChangeSet {
  /** From 1; of several merged sets, that of the last one. */
  readonly round: number;
  /** The directory, absolute. */
  readonly root: string;
  /** Of the tree afterwards, where it is known. */
  readonly digest: Digest | undefined;
  readonly totals: ChangeTotals;
}

/** Change sets on their way to a hook, merged into one; bounded in memory. */
export class Manifest {
  readonly #changes: Operation[] = [];
  #isTruncated = false;
  #totals: ChangeTotals = NO_CHANGES;
  #last: ChangeSet | undefined;

  /** Takes a whole set; `operations` may end after one more than is listed. */
  add(set: ChangeSet, operations: Iterable<Operation>): void {
    for (const operation of operations) {
      if (this.#changes.length === MAX_LISTED_CHANGES) {
        this.#isTruncated = true;
        break;
      }
      this.#changes.push(operation);
    }
    this.#totals = addChanges(this.#totals, set.totals);
    this.#last = set;
  }

  /** The directory of the last set; there has to be one. */
  get root(): string {
    return this.#last!.root;
  }

  /** Its text, in parts; there has to be a set. */
  *parts(): Generator<string> {
    const { round, root, digest = null } = this.#last!;
    const head = { version: MANIFEST_VERSION, round, root, digest };
    yield `${JSON.stringify(head).slice(0, -1)},"changes":[`;
    let separator = "\n";
    for (const { name: op, path, from, kind, file } of this.#changes) {
      const change = { op, path, from, kind, size: file?.size };
      yield separator + JSON.stringify(change);
      separator = ",\n";
    }
    const tail = { totals: this.#totals, truncated: this.#isTruncated };
    yield `\n],${JSON.stringify(tail).slice(1)}\n`;
  }
}
