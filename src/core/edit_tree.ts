/** Editing a tree that nobody may change: what is not touched stays the same object. */
import { digestOfChildren } from "./digest.ts";
import {
  type DirectoryEntry,
  type Entry,
  NO_CHILDREN,
  sortChildren,
} from "./entry.ts";
import { type Name, nameOf, namesOf, parentOf, type RelPath } from "./path.ts";

/** What of a directory is its own, and not of what is in it. */
export type OwnMetadata = Pick<DirectoryEntry, "mode" | "mtime" | "owner">;

/** A directory that is being changed. */
interface Draft {
  readonly before: DirectoryEntry;
  own: OwnMetadata;
  /** Undefined as long as they are those of `before`. */
  children: Map<Name, Entry> | undefined;
  readonly below: Map<Name, Draft>;
  /** Whether a new name stands at the end. */
  unsorted: boolean;
}

/**
 * Edits to one tree, in any order. In the end only the directories above an edit
 * are new objects; each of them is digested once, if it was digested before.
 */
export class TreeEdit {
  readonly #modes: boolean;
  readonly #root: Draft;

  /** @param modes Whether mode bits count in digests. */
  constructor(root: DirectoryEntry, modes: boolean) {
    this.#modes = modes;
    this.#root = draftOf(root);
  }

  /** Puts `entry` at `path`; false if there is no directory that could hold it. */
  put(path: RelPath, entry: Entry): boolean {
    const parent = this.#draftAt(parentOf(path)!);
    if (parent === undefined) return false;
    const name = nameOf(path);
    const children = parent.children ??= new Map(parent.before.children);
    if (!children.has(name)) parent.unsorted = true;
    children.set(name, entry);
    parent.below.delete(name);
    return true;
  }

  /** Removes what is at `path`, if there is anything. */
  remove(path: RelPath): void {
    const parent = this.#draftAt(parentOf(path)!);
    if (parent === undefined) return;
    const name = nameOf(path);
    if (!(parent.children ?? parent.before.children).has(name)) return;
    parent.children ??= new Map(parent.before.children);
    parent.children.delete(name);
    parent.below.delete(name);
  }

  /** Gives the directory at `path` other metadata; false if there is none. */
  adjust(path: RelPath, { mode, mtime, owner }: OwnMetadata): boolean {
    const draft = this.#draftAt(path);
    if (draft === undefined) return false;
    draft.own = owner === undefined ? { mode, mtime } : { mode, mtime, owner };
    return true;
  }

  /** The tree with all edits; the same object if there were none. */
  finish(): DirectoryEntry {
    return this.#finish(this.#root);
  }

  #draftAt(path: RelPath): Draft | undefined {
    let draft = this.#root;
    for (const name of namesOf(path)) {
      let next = draft.below.get(name);
      if (next === undefined) {
        const entry = (draft.children ?? draft.before.children).get(name);
        if (entry?.kind !== "directory") return undefined;
        next = draftOf(entry);
        draft.below.set(name, next);
      }
      draft = next;
    }
    return draft;
  }

  #finish(draft: Draft): DirectoryEntry {
    const { before, own } = draft;
    for (const [name, below] of draft.below) {
      const entry = this.#finish(below);
      if (entry === below.before) continue;
      draft.children ??= new Map(before.children);
      draft.children.set(name, entry);
    }
    const { children } = draft;
    if (children === undefined && isSame(before, own)) return before;
    const ordered: ReadonlyMap<Name, Entry> = children === undefined
      ? before.children
      : children.size === 0
      ? NO_CHILDREN
      : draft.unsorted
      ? sortChildren(children)
      : children;
    const digest = children === undefined || before.digest === undefined
      ? before.digest
      : digestOfChildren(ordered, this.#modes);
    const { inode, generation } = before;
    const identity = inode === undefined ? undefined : { inode, generation };
    return {
      kind: "directory",
      ...own,
      children: ordered,
      digest,
      ...identity,
    };
  }
}

function draftOf(before: DirectoryEntry): Draft {
  const { mode, mtime, owner } = before;
  const own = owner === undefined ? { mode, mtime } : { mode, mtime, owner };
  return {
    before,
    own,
    children: undefined,
    below: new Map(),
    unsorted: false,
  };
}

function isSame(a: OwnMetadata, b: OwnMetadata): boolean {
  return a.mode === b.mode && a.mtime === b.mtime &&
    a.owner?.uid === b.owner?.uid && a.owner?.gid === b.owner?.gid;
}
