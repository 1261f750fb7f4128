/**
 * A tree in which entries are moved one after the other, each at the cost of the
 * directories on its way: what is not touched stays the same objects.
 */
import { shallow } from "./change.ts";
import type { DirectoryEntry, Entry, TrackedEntry } from "./entry.ts";
import {
  compareNames,
  join,
  type Name,
  nameOf,
  namesOf,
  parentOf,
  type RelPath,
  ROOT,
} from "./path.ts";
import { entryAt } from "./snapshot.ts";

/** Begins as the tree it is given, which never changes. */
export class MovingTree {
  #root: DirectoryEntry;
  /** Directories that were made here, and what is in them. */
  readonly #own = new Map<DirectoryEntry, Map<Name, Entry>>();
  /** Of these, the ones that have gained a child, which is out of order. */
  readonly #unsorted = new Set<DirectoryEntry>();

  constructor(root: DirectoryEntry) {
    this.#root = root;
  }

  /** What is at `path` now. */
  at(path: RelPath): Entry | undefined {
    return entryAt(this.#root, path);
  }

  /**
   * Which directories are missing on the way to `path`, outermost first; undefined
   * where something there is no directory, or stands at `path` itself.
   */
  missingFor(path: RelPath): readonly RelPath[] | undefined {
    const names = namesOf(path);
    let here: Entry = this.#root;
    let way = ROOT;
    for (const [depth, name] of names.entries()) {
      if (here.kind !== "directory") return undefined;
      const next = here.children.get(name);
      way = join(way, name);
      if (next === undefined) {
        const missing: RelPath[] = [];
        for (const below of names.slice(depth + 1)) {
          missing.push(way);
          way = join(way, below);
        }
        return missing;
      }
      here = next;
    }
    return undefined;
  }

  /** Adds the directory `path`, with nothing in it; its parent is there. */
  addDirectory(path: RelPath, entry: DirectoryEntry): void {
    this.#put(path, shallow(entry));
  }

  /**
   * Moves what is at `from` to `to`, where nothing is, as `entry`, if that is
   * given: the same with other facts.
   */
  move(from: RelPath, to: RelPath, entry?: TrackedEntry): void {
    const there = this.at(from);
    if (there === undefined) throw new RangeError(`Nothing is at ${from}`);
    this.#childrenOf(this.#thaw(parentOf(from)!)).delete(nameOf(from));
    this.#put(to, entry ?? there);
  }

  /** The tree as it is now; this one is not to be used any more. */
  finish(): DirectoryEntry {
    for (const directory of this.#unsorted) {
      const children = this.#childrenOf(directory);
      const sorted = [...children].sort(([a], [b]) => compareNames(a, b));
      children.clear();
      for (const [name, child] of sorted) children.set(name, child);
    }
    return this.#root;
  }

  #put(path: RelPath, entry: Entry): void {
    const parent = this.#thaw(parentOf(path)!);
    this.#childrenOf(parent).set(nameOf(path), entry);
    this.#unsorted.add(parent);
  }

  #childrenOf(own: DirectoryEntry): Map<Name, Entry> {
    return this.#own.get(own)!;
  }

  /** The directory `path`, made our own with all on its way. */
  #thaw(path: RelPath): DirectoryEntry {
    let here = this.#thawed(this.#root);
    this.#root = here;
    for (const name of namesOf(path)) {
      const children = this.#childrenOf(here);
      const next = children.get(name);
      if (next?.kind !== "directory") {
        throw new RangeError(`There is no directory at ${path}`);
      }
      here = this.#thawed(next);
      if (here !== next) children.set(name, here);
    }
    return here;
  }

  #thawed(directory: DirectoryEntry): DirectoryEntry {
    if (this.#own.has(directory)) return directory;
    const children = new Map(directory.children);
    // Without its digest: that was of what was in it before.
    const own = { ...directory, children, digest: undefined };
    this.#own.set(own, children);
    return own;
  }
}
