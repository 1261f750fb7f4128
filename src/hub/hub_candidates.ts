/**
 * Which of the files that are to come a hub wants described first: those that it may
 * have in part. Guesses, as those of `fs/candidates.ts`; but since chunks are looked
 * up in all that the hub has, small copies are found, too.
 */
import type { Change, PlannedFile } from "../core/change.ts";
import { findCopies } from "../core/copies.ts";
import type { DirectoryEntry, FileEntry } from "../core/entry.ts";
import type { RelPath } from "../core/path.ts";
import { findReusable } from "../fs/candidates.ts";
import type { HubStore } from "./store.ts";

/** A shorter file is described only if one with its mtime, too, is there. */
const MIN_DESCRIBED_BYTES = 1024;

/** What there is to look at. */
export interface DescribableOptions {
  readonly store: Pick<HubStore, "hasUnfinished">;
  /** Whose unfinished chunks count. */
  readonly client: string;
  /** The tree as the last scan saw it. */
  readonly tree: DirectoryEntry;
  readonly changes: readonly Change[];
  /** `filesOf` the changes. */
  readonly files: readonly PlannedFile[];
}

/** The files that are to be described, and what each is probably like. */
export function describable(
  { store, client, tree, changes, files }: DescribableOptions,
): Map<number, readonly RelPath[]> {
  const found = new Map<number, readonly RelPath[]>();
  for (const { index, candidates } of findReusable(changes, tree)) {
    found.set(index, candidates.map(({ path }) => path));
  }
  const copies = findCopies(changes, tree, likenessOf);
  for (const [index, { path }] of copies) {
    found.set(index, [path, ...found.get(index) ?? []]);
  }
  if (!store.hasUnfinished(client)) return found;
  for (const { index, entry } of files) {
    if (entry.size > 0 && !found.has(index)) found.set(index, []);
  }
  return found;
}

/** What small files have in common that may be equal. */
function likenessOf({ digest, size, mtime }: FileEntry): string | undefined {
  // With a digest, it would have been found.
  if (digest !== undefined) return undefined;
  return size < MIN_DESCRIBED_BYTES ? `${size} ${mtime}` : `${size}`;
}
