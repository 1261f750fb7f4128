/**
 * Changes off the wire to changes of the model: what stands at each path is
 * looked up in the snapshot that the peer was shown. A change that does not fit
 * that snapshot comes from a peer that is confused or hostile.
 */
import { type Change, isTouch, shallow } from "../core/change.ts";
import {
  type DirectoryEntry,
  type Entry,
  isTracked,
  isWhollyTracked,
  type TrackedEntry,
} from "../core/entry.ts";
import {
  displayPath,
  nameOf,
  parentOf,
  type RelPath,
  ROOT,
} from "../core/path.ts";
import { entryAt } from "../core/snapshot.ts";
import { doubted } from "../core/suspects.ts";
import { ProtocolError } from "../errors.ts";
import type { WireChange } from "../protocol/change_codec.ts";

/** Rebuilds the changes of one list. */
export class ChangeRebuilder {
  readonly #root: DirectoryEntry;
  readonly changes: Change[] = [];
  /** Paths of all changes; true for those that also settle what is below. */
  readonly #paths = new Map<RelPath, boolean>();
  /** All directories above these paths; no change settles one of them. */
  readonly #above = new Set<RelPath>();
  /** Neighbours share their parent: the one looked up last. */
  #parentPath = ROOT;
  #parent: Entry | undefined;

  /** @param root Of the snapshot that the peer was shown. */
  constructor(root: DirectoryEntry) {
    this.#root = root;
    this.#parent = root;
  }

  /** @throws {ProtocolError} If the change fits neither the snapshot nor the others. */
  add(wire: WireChange): void {
    const { kind, path } = wire;
    const there = this.#lookUp(path);
    const settles = kind !== "touch";
    if (this.#paths.has(path)) throw unfit(path, "it comes twice");
    if (settles && this.#above.has(path)) {
      throw unfit(path, "something in it is changed as well");
    }
    this.#paths.set(path, settles);
    if (kind === "remove") {
      if (there === undefined || !isTracked(there) || !isWhollyTracked(there)) {
        throw unfit(path, "there is nothing that could be removed");
      }
      this.changes.push({ path, old: there, new: undefined });
      return;
    }
    if (there !== undefined && !isTracked(there)) {
      throw unfit(path, "what is there must not be touched");
    }
    const change = kind === "touch"
      ? touched(path, there, wire.entry)
      : resent({ path, old: there, new: wire.entry });
    // Both sides number the files by this, so they have to agree on it.
    if (isTouch(change) !== (kind === "touch")) {
      throw unfit(path, "there is something else than the sender thinks");
    }
    if (
      kind === "put" && there?.kind === "directory" && !isWhollyTracked(there)
    ) {
      throw unfit(path, "the directory there holds what must not be touched");
    }
    this.changes.push(change);
  }

  #lookUp(path: RelPath): Entry | undefined {
    const parentPath = parentOf(path);
    if (parentPath === undefined) return this.#root;
    if (parentPath !== this.#parentPath) {
      this.#parentPath = parentPath;
      this.#parent = entryAt(this.#root, parentPath);
      this.#climb(path, parentPath);
    }
    if (this.#parent?.kind !== "directory") {
      throw unfit(path, "there is no directory that could hold it");
    }
    return this.#parent.children.get(nameOf(path));
  }

  /** Makes sure that nothing above `path` is settled; each directory once. */
  #climb(path: RelPath, parent: RelPath): void {
    let above: RelPath | undefined = parent;
    while (above !== undefined && !this.#above.has(above)) {
      if (this.#paths.get(above) === true) {
        throw unfit(path, `${displayPath(above)} is replaced as a whole`);
      }
      this.#above.add(above);
      above = parentOf(above);
    }
  }
}

/**
 * `change`, told from a touch where the sender has content for a file that looks
 * the same: then what is there counts as other content.
 */
function resent(change: Change): Change {
  const { old, new: wanted } = change;
  const isDoubted = old?.kind === "file" && wanted?.kind === "file" &&
    wanted.digest !== undefined && isTouch(change);
  return isDoubted ? { ...change, old: doubted(old) } : change;
}

function touched(
  path: RelPath,
  there: TrackedEntry | undefined,
  entry: TrackedEntry,
): Change {
  if (there?.kind === "directory" && entry.kind === "directory") {
    return {
      path,
      old: shallow(there),
      new: shallow(entry),
    };
  }
  return { path, old: there, new: entry };
}

function unfit(path: RelPath, reason: string): ProtocolError {
  return new ProtocolError(`Cannot change ${displayPath(path)}: ${reason}`);
}
