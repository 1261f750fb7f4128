/** Where a tree has to be looked at again. */
import { type Name, namesOf, type RelPath, ROOT } from "../core/path.ts";

/**
 * A path at which something may have changed, and what of it is below. Where
 * neither is said, only the mode and the times of the entry may have.
 */
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
  /** Whether the root's own metadata may have changed. */
  #rootOnly = false;

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
    return !this.#everything && !this.#rootOnly && this.#size === 0;
  }

  /** The dirty paths as a tree from the root; not to be changed. */
  get root(): DirtyNode {
    return this.#root;
  }

  add(path: RelPath): void {
    if (this.#everything) return;
    if (path === ROOT) return this.addEverything();
    const node = this.#nodeAt(path);
    if (node === undefined || node.self) return;
    node.self = true;
    node.below.clear();
    this.#grow();
  }

  /**
   * The entry itself is dirty, but not what is in it: of a directory that still is
   * the same one only its mode and its times are looked at.
   */
  addOwn(path: RelPath): void {
    if (this.#everything) return;
    if (path === ROOT) {
      this.#rootOnly = true;
      return;
    }
    const node = this.#nodeAt(path);
    if (node !== undefined && !node.self) this.#grow();
  }

  addEverything(): void {
    this.#everything = true;
    this.#root = { self: false, below: new Map() };
  }

  /** Adds all that is in `other`. */
  addAll(other: DirtyPaths): void {
    if (other.everything) return this.addEverything();
    if (other.#rootOnly) this.addOwn(ROOT);
    for (const [path, node] of other.#nodes()) {
      if (node.self) this.add(path);
      else if (node.below.size === 0) this.addOwn(path);
    }
  }

  /** The dirty paths, without those below others; none if everything is. */
  *paths(): Generator<RelPath> {
    for (const [path, node] of this.#nodes()) if (node.self) yield path;
  }

  /** Takes all out: what was dirty, and nothing is now. */
  take(): DirtyPaths {
    const taken = new DirtyPaths();
    taken.#root = this.#root;
    taken.#size = this.#size;
    taken.#everything = this.#everything;
    taken.#rootOnly = this.#rootOnly;
    this.#root = { self: false, below: new Map() };
    this.#size = 0;
    this.#everything = false;
    this.#rootOnly = false;
    return taken;
  }

  /** The node of `path`, made where it is missing; undefined below a dirty entry. */
  #nodeAt(path: RelPath): DirtyNode | undefined {
    let node = this.#root;
    for (const name of namesOf(path)) {
      // What is below a dirty entry is dirty as well.
      if (node.self) return undefined;
      let next = node.below.get(name);
      if (next === undefined) {
        next = { self: false, below: new Map() };
        node.below.set(name, next);
      }
      node = next;
    }
    return node;
  }

  #grow(): void {
    if (++this.#size > MAX_PATHS) this.addEverything();
  }

  *#nodes(): Generator<[RelPath, DirtyNode]> {
    const stack: [string, DirtyNode][] = [["", this.#root]];
    while (stack.length > 0) {
      const [path, node] = stack.pop()!;
      if (path !== "") yield [path as RelPath, node];
      for (const [name, child] of node.below) {
        stack.push([path === "" ? name : `${path}/${name}`, child]);
      }
    }
  }
}
