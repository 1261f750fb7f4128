/** Where a tree has to be looked at again. */
import { type Name, namesOf, type RelPath, ROOT } from "../core/path.ts";

/** A path at which something may have changed, and what of it is below. */
export interface DirtyNode {
  /** Whether the entry itself is dirty, with all that it may hold. */
  self: boolean;
  readonly below: Map<Name, DirtyNode>;
}

/** More distinct paths than this are no faster to look at one by one. */
const MAX_PATHS = 20_000;

/** A set of dirty paths, which can grow to "everything". */
export class DirtyPaths {
  #root: DirtyNode = { self: false, below: new Map() };
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
        next = { self: false, below: new Map() };
        node.below.set(name, next);
      }
      node = next;
    }
    if (node.self) return;
    node.self = true;
    node.below.clear();
    if (++this.#size > MAX_PATHS) this.addEverything();
  }

  addEverything(): void {
    this.#everything = true;
    this.#root = { self: false, below: new Map() };
  }

  /** Adds all that is in `other`. */
  addAll(other: DirtyPaths): void {
    if (other.everything) return this.addEverything();
    for (const path of other.paths()) this.add(path);
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
    this.#root = { self: false, below: new Map() };
    this.#size = 0;
    this.#everything = false;
    return taken;
  }
}
