/** Where a tree has to be looked at again. */
import { type Name, namesOf, type RelPath, ROOT } from "../core/path.ts";

/** A path at which something may have changed, and what of it is below. */
export interface DirtyNode {
  /** Whether the entry itself is dirty, with all that it may hold. */
  self: boolean;
  /** Whether anything in this directory may be dirty, but not what is below that. */
  entries: boolean;
  readonly below: Map<Name, DirtyNode>;
}

/** More distinct paths than this are no faster to look at one by one. */
const MAX_PATHS = 20_000;

/** A set of dirty paths, which can grow to "everything". */
export class DirtyPaths {
  #root: DirtyNode = newNode();
  #size = 0;
  #everything = false;

  /** All that is in `paths`. */
  static of(paths: Iterable<RelPath>): DirtyPaths {
    const dirty = new DirtyPaths();
    for (const path of paths) dirty.add(path);
    return dirty;
  }

  /** Whether the whole tree has to be looked at. */
  get everything(): boolean {
    return this.#everything;
  }

  get isEmpty(): boolean {
    return !this.#everything && this.#size === 0;
  }

  /** The dirty paths as a tree from the root; not to be changed. */
  get root(): DirtyNode {
    return this.#root;
  }

  add(path: RelPath): void {
    if (this.#everything) return;
    if (path === ROOT) return this.addEverything();
    let node = this.#root;
    for (const name of namesOf(path)) {
      // What is below a dirty entry is dirty as well.
      if (node.self) return;
      let next = node.below.get(name);
      if (next === undefined) {
        next = newNode();
        node.below.set(name, next);
      }
      node = next;
    }
    if (node.self) return;
    node.self = true;
    node.entries = false;
    node.below.clear();
    if (++this.#size > MAX_PATHS) this.addEverything();
  }

  addEverything(): void {
    this.#everything = true;
    this.#root = newNode();
  }

  /** Adds all that is in `other`. */
  addAll(other: DirtyPaths): void {
    if (other.everything) return this.addEverything();
    for (const path of other.paths()) this.add(path);
    if (!this.#everything) copyEntries(other.#root, this.#root);
  }

  /** Adds all entries of each directory of which one is dirty. */
  widen(): void {
    const stack = [this.#root];
    while (stack.length > 0) {
      const node = stack.pop()!;
      for (const child of node.below.values()) {
        if (child.self) node.entries = true;
        else stack.push(child);
      }
    }
  }

  /** The dirty paths, without those below others; none if everything is. */
  *paths(): Generator<RelPath> {
    const stack: [string, DirtyNode][] = [["", this.#root]];
    while (stack.length > 0) {
      const [path, node] = stack.pop()!;
      if (node.self) yield path as RelPath;
      for (const [name, child] of node.below) {
        stack.push([path === "" ? name : `${path}/${name}`, child]);
      }
    }
  }

  /** Takes all out: what was dirty, and nothing is now. */
  take(): DirtyPaths {
    const taken = new DirtyPaths();
    taken.#root = this.#root;
    taken.#size = this.#size;
    taken.#everything = this.#everything;
    this.#root = newNode();
    this.#size = 0;
    this.#everything = false;
    return taken;
  }
}

function newNode(): DirtyNode {
  return { self: false, entries: false, below: new Map() };
}

/** What is dirty `from` on is dirty `to` on as well: of both, the paths are the same. */
function copyEntries(from: DirtyNode, to: DirtyNode): void {
  if (to.self) return;
  if (from.entries) to.entries = true;
  for (const [name, child] of from.below) {
    const other = to.below.get(name);
    if (other !== undefined) copyEntries(child, other);
  }
}
