/** Where a tree has to be looked at again. */
import { type Name, namesOf, type RelPath, ROOT } from "../core/path.ts";

/** A path at which something may have changed, or on the way to one. */
export interface DirtyNode {
  /** Whether the entry itself is dirty, with all that it may hold. */
  self: boolean;
  /** Whether the mode and the times may have changed, of a directory as of a file. */
  own: boolean;
  /** Whether anything in this directory may be dirty, but not what is below that. */
  entries: boolean;
  readonly below: Map<Name, DirtyNode>;
}

/** So many are remembered one by one; beyond that, all is looked at. */
export const MAX_PATHS = 20_000;

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

  /** Whether all of the tree is dirty. */
  get everything(): boolean {
    return this.#everything;
  }

  get isEmpty(): boolean {
    return !this.#everything && this.#size === 0;
  }

  /** How many paths are dirty, or a few more; infinite where everything is. */
  get size(): number {
    return this.#everything ? Infinity : this.#size;
  }

  /** The dirty paths as a tree from the root; not to be changed. */
  get root(): DirtyNode {
    return this.#root;
  }

  add(path: RelPath): void {
    if (path === ROOT) return this.addEverything();
    const node = this.#nodeAt(path);
    if (node === undefined) return;
    node.self = true;
    node.own = false;
    node.entries = false;
    node.below.clear();
    this.#grow();
  }

  /**
   * The entry itself is dirty, but not what is in it: of a directory that still is
   * the same one only its mode and its times are looked at.
   */
  addOwn(path: RelPath): void {
    const node = this.#nodeAt(path);
    if (node === undefined || node.own) return;
    node.own = true;
    this.#grow();
  }

  addEverything(): void {
    this.#everything = true;
    this.#root = newNode();
    this.#size = 0;
  }

  /** Adds all that is in `other`. */
  addAll(other: DirtyPaths): void {
    if (other.everything) return this.addEverything();
    for (const [path, { self, own, entries }] of other.#nodes()) {
      if (self) this.add(path);
      if (own) this.addOwn(path);
      const node = entries ? this.#nodeAt(path) : undefined;
      if (node !== undefined) node.entries = true;
    }
  }

  /** Adds all entries of each directory of which one is dirty, or which is itself. */
  widen(): void {
    for (const [, node] of this.#nodes()) {
      if (node.own) node.entries = true;
      for (const child of node.below.values()) {
        if (child.self || child.own) node.entries = true;
      }
    }
  }

  /**
   * Adds all entries of each directory of which so many are dirty that
   * `isCrowded`: asking for all at once takes less time than for one by one, and
   * finds what will be told of only later.
   */
  widenCrowded(isCrowded: (path: RelPath, dirty: number) => boolean): void {
    for (const [path, node] of this.#nodes()) {
      if (!node.self && isCrowded(path, node.below.size)) node.entries = true;
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
    this.#root = newNode();
    this.#size = 0;
    this.#everything = false;
    return taken;
  }

  /** The node of `path`, made where it is missing; undefined in what is dirty already. */
  #nodeAt(path: RelPath): DirtyNode | undefined {
    if (this.#everything) return undefined;
    let node = this.#root;
    for (const name of namesOf(path)) {
      if (node.self) return undefined;
      let next = node.below.get(name);
      if (next === undefined) {
        next = newNode();
        node.below.set(name, next);
      }
      node = next;
    }
    return node.self ? undefined : node;
  }

  #grow(): void {
    if (++this.#size > MAX_PATHS) this.addEverything();
  }

  /** Each before what is below it, the root first. */
  *#nodes(): Generator<[RelPath, DirtyNode]> {
    const stack: [RelPath, DirtyNode][] = [[ROOT, this.#root]];
    while (stack.length > 0) {
      const [path, node] = stack.pop()!;
      yield [path, node];
      for (const [name, child] of node.below) {
        const at = path === ROOT ? name as string : `${path}/${name}`;
        stack.push([at as RelPath, child]);
      }
    }
  }
}

function newNode(): DirtyNode {
  return { self: false, own: false, entries: false, below: new Map() };
}
