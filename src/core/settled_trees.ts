/** Directories of which an earlier reconciliation has found that nothing is to be done. */
import type { DirectoryEntry, Entry } from "./entry.ts";

/** The other two, as they were looked at together with a directory of alpha. */
interface Settled {
  readonly ancestor: DirectoryEntry;
  readonly beta: DirectoryEntry;
}

/**
 * Remembers by identity: trees that nobody may change are the same objects for as
 * long as nothing in them is new. To be used with one way of deciding only.
 */
export class SettledTrees {
  readonly #known = new WeakMap<DirectoryEntry, Settled>();

  /** Whether nothing is to be done in these three, which then agree on the ancestor. */
  has(
    ancestor: Entry | undefined,
    alpha: DirectoryEntry,
    beta: DirectoryEntry,
  ): ancestor is DirectoryEntry {
    const known = this.#known.get(alpha);
    return known !== undefined && known.ancestor === ancestor &&
      known.beta === beta;
  }

  add(
    ancestor: DirectoryEntry,
    alpha: DirectoryEntry,
    beta: DirectoryEntry,
  ): void {
    this.#known.set(alpha, { ancestor, beta });
  }
}
