/**
 * Moves off the wire to moves of the model: what stands at each path is looked up
 * in the snapshot that the peer was shown, as the moves before it left it.
 */
import {
  type DirectoryEntry,
  type Entry,
  type FileEntry,
  isTracked,
  isWhollyTracked,
} from "../core/entry.ts";
import type { Move } from "../core/moves.ts";
import { MovingTree } from "../core/moving_tree.ts";
import { displayPath, parentOf, type RelPath } from "../core/path.ts";
import { ProtocolError } from "../errors.ts";
import type { WireMove } from "../protocol/move_codec.ts";

/** Rebuilds the moves of one list. */
export class MoveRebuilder {
  readonly moves: Move[] = [];
  /**
   * A directory that holds something that is left alone, and so must not move. A
   * peer may not know: it may have taken the directory to be like one of its own.
   */
  unmovable: RelPath | undefined;
  readonly #tree: MovingTree;
  /** Where things are now that were moved, and so hold nothing that is left alone. */
  readonly #moved = new Set<RelPath>();

  /** @param root Of the snapshot that the peer was shown. */
  constructor(root: DirectoryEntry) {
    this.#tree = new MovingTree(root);
  }

  /** @throws {ProtocolError} If the move fits neither the snapshot nor the others. */
  add({ from, to, parents }: WireMove): void {
    if (this.#moved.has(from)) throw unfit(from, "it has been moved already");
    const entry = this.#tree.at(from);
    if (!isMovable(entry)) throw unfit(from, "nothing is there that could be");
    if (!this.#cameAlong(from) && !isWhollyTracked(entry)) {
      this.unmovable ??= from;
    }
    const missing = this.#tree.missingFor(to);
    if (missing === undefined) {
      throw unfit(from, `there is no room for it at ${displayPath(to)}`);
    }
    if (missing.length !== parents.length) {
      throw unfit(from, `${displayPath(to)} lacks other directories`);
    }
    for (const [depth, path] of missing.entries()) {
      this.#tree.addDirectory(path, parents[depth]!);
    }
    this.#tree.move(from, to);
    this.#moved.add(to);
    this.moves.push({ from, to, entry, parents });
  }

  /** Whether `path` lies in something that was moved, and so was looked through. */
  #cameAlong(path: RelPath): boolean {
    if (this.#moved.size === 0) return false;
    let above = parentOf(path);
    while (above !== undefined) {
      if (this.#moved.has(above)) return true;
      above = parentOf(above);
    }
    return false;
  }
}

function isMovable(
  entry: Entry | undefined,
): entry is FileEntry | DirectoryEntry {
  return entry !== undefined && isTracked(entry) && entry.kind !== "symlink";
}

function unfit(path: RelPath, reason: string): ProtocolError {
  return new ProtocolError(`Cannot move ${displayPath(path)}: ${reason}`);
}
