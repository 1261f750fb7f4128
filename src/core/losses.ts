/**
 * What changes take away from a side. What leaves a path and arrives at another
 * one is no loss: it was renamed. Pure.
 */
import { type Change, needsContent } from "./change.ts";
import { type Entry, isTracked } from "./entry.ts";
import type { RelPath } from "./path.ts";

/** What goes at one path, less what arrives elsewhere; never nothing. */
export interface Loss {
  readonly path: RelPath;
  readonly isDirectory: boolean;
  /** Entries that are lost, the one at the path and those below it. */
  readonly entries: number;
  /** Those of them that are files. */
  readonly files: number;
}

/**
 * What of `leaving` is lost: what is deleted, with all below it, or makes room for
 * another kind of entry. What of it is in `arriving`, too, is no loss, once for
 * each time that it is there: a file counts by its content, a link by where it
 * points, a directory by what it holds, whatever it is called.
 * @param arriving What is carried out together with `leaving`; its deletions do not count.
 */
export function lossesOf(
  leaving: Iterable<Change>,
  arriving: Iterable<Change> = [],
): Loss[] {
  const gone = [...leaving].filter(isLeaving);
  if (gone.length === 0) return [];
  const found = new Arrivals();
  for (const change of arriving) {
    if (needsContent(change)) found.add(change.new);
  }
  const losses: Loss[] = [];
  for (const { path, old } of gone) {
    const lost = found.without(old!);
    const isDirectory = old!.kind === "directory";
    if (lost.entries > 0) losses.push({ path, isDirectory, ...lost });
  }
  return losses;
}

/** Whether `change` deletes something, or replaces it by another kind of entry. */
export function isLeaving({ old, new: wanted }: Change): boolean {
  return old !== undefined && old.kind !== wanted?.kind;
}

/** How much there is. */
interface Count {
  entries: number;
  files: number;
}

/** What comes, each until something is found to be it. */
class Arrivals {
  /** How often it comes, by its mark. */
  readonly #left = new Map<string, number>();

  add(entry: Entry): void {
    const mark = markOf(entry);
    if (mark !== undefined) {
      this.#left.set(mark, (this.#left.get(mark) ?? 0) + 1);
    } else if (entry.kind === "directory") {
      for (const child of entry.children.values()) this.add(child);
    }
  }

  /** Counts what of `entry` does not come, and takes away what does. */
  without(entry: Entry): Count {
    const lost = { entries: 0, files: 0 };
    this.#count(entry, lost);
    return lost;
  }

  #count(entry: Entry, lost: Count): void {
    const before = lost.entries;
    const mark = markOf(entry);
    if (mark !== undefined) {
      const left = this.#left.get(mark) ?? 0;
      if (left > 0) {
        this.#left.set(mark, left - 1);
        return;
      }
    } else if (entry.kind === "directory") {
      for (const child of entry.children.values()) this.#count(child, lost);
      // Of a directory whose content is elsewhere there is nothing left to lose.
      if (lost.entries === before) return;
    }
    lost.entries++;
    if (entry.kind === "file") lost.files++;
  }
}

/**
 * What an entry is known again by at another path: its content, or size and time
 * where nobody has read it. Undefined: by what is in it, or not at all.
 */
function markOf(entry: Entry): string | undefined {
  if (!isTracked(entry)) return undefined;
  switch (entry.kind) {
    case "file":
      return entry.digest ?? `${entry.size} ${entry.mtime}`;
    case "symlink":
      return `-> ${entry.target}`;
    case "directory":
      return entry.children.size === 0 ? "empty" : undefined;
    default:
      return entry satisfies never;
  }
}
