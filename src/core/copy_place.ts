/** Where the version that loses a conflict is kept. */
import { copyName } from "./conflict.ts";
import { isSameVersion } from "./edits.ts";
import type { DirectoryEntry, TrackedEntry } from "./entry.ts";
import type { Name } from "./path.ts";

/** So many names are tried for a copy. */
const MAX_ATTEMPTS = 1_000;

/** So many names behind the first free one are looked at. */
const MORE_ATTEMPTS = 3;

/** The directory of a conflict, on both sides. */
export interface CopySurroundings {
  readonly ancestor: DirectoryEntry | undefined;
  readonly alpha: DirectoryEntry;
  readonly beta: DirectoryEntry;
  /** Names that other copies will take in this round. */
  readonly taken: ReadonlySet<Name>;
}

/** The name of a copy. */
export interface CopyPlace {
  readonly name: Name;
  /** Whether it is kept there already. */
  readonly isThere: boolean;
}

/**
 * Where `version` of `name`, which loses, is kept or shall be; undefined where no
 * name is free. It is kept where a copy is there that nobody is about to delete.
 * @param label Of the side that the version is from.
 */
export function placeOfCopy(
  name: Name,
  label: string,
  version: TrackedEntry,
  { ancestor, alpha, beta, taken }: CopySurroundings,
): CopyPlace | undefined {
  let free: Name | undefined;
  // A name may have become free since a copy was made under the one after it.
  for (let last = MAX_ATTEMPTS, attempt = 1; attempt <= last; attempt++) {
    const copy = copyName(name, label, version, attempt);
    const here = alpha.children.get(copy);
    const there = beta.children.get(copy);
    const isKnown = ancestor?.children.has(copy) === true;
    if (here === undefined && there === undefined) {
      if (isKnown || taken.has(copy) || free !== undefined) continue;
      free = copy;
      last = attempt + MORE_ATTEMPTS;
      continue;
    }
    // One that only one side has is new there, or the other has deleted it.
    if ((here === undefined || there === undefined) && isKnown) continue;
    const isKept = [here, there].every((entry) =>
      entry === undefined || isSameVersion(entry, version)
    );
    if (isKept) return { name: copy, isThere: true };
  }
  return free && { name: free, isThere: false };
}
