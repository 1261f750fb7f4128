import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { diff } from "../../src/core/diff.ts";
import {
  type DirectoryEntry,
  entriesBelow,
  type Entry,
  sortChildren,
} from "../../src/core/entry.ts";
import { applyMoves, findMoves } from "../../src/core/moves.ts";
import { originsOf } from "../../src/core/origins.ts";
import { isWithin, type Name, ROOT } from "../../src/core/path.ts";
import { entryAt } from "../../src/core/snapshot.ts";
import { RUNS } from "../support/arbitraries.ts";
import { Random } from "../support/random.ts";
import {
  applyChanges,
  assertSameTrees,
  file,
  untracked,
} from "../support/trees.ts";

const OPTIONS = { deletes: true, modes: true };
const NAMES = ["a", "b", "c", "d", "e"] as Name[];

/** Something on the disk of the source. */
type Node = FileNode | DirectoryNode;

interface FileNode {
  readonly kind: "file";
  inode: number;
  generation: number;
  size: number;
  mtime: number;
  mode: number;
  /** Never the same for two. */
  content: number;
}

interface DirectoryNode {
  readonly kind: "directory";
  inode: number;
  generation: number;
  mtime: number;
  mode: number;
  readonly children: Map<Name, Node>;
}

/** The disk of a source, which changes by chance; numbers are given away again. */
class Disk {
  readonly root: DirectoryNode;
  readonly #random: Random;
  readonly #free: number[] = [];
  #last = 0;
  #moment = 0;

  constructor(random: Random) {
    this.#random = random;
    this.root = this.#directory();
    for (let i = random.between(3, 14); i > 0; i--) this.#create();
  }

  /** Does something. */
  step(): void {
    const random = this.#random;
    const [parent, name] = this.#somewhere();
    const node = parent.children.get(name);
    switch (random.below(9)) {
      case 0:
        return this.#create();
      case 1:
        if (node !== undefined) this.#remove(parent, name, node);
        return;
      case 2:
        if (node !== undefined) node.mode = random.pick([0o600, 0o700]);
        return;
      case 3:
        if (node?.kind === "file") {
          node.content = ++this.#moment;
          node.mtime = this.#moment;
        }
        return;
      case 4: {
        // A twin takes the place of a file, or another one.
        if (node?.kind !== "file") return;
        const { size, mtime } = node;
        this.#remove(parent, name, node);
        const [where, what] = this.#somewhere();
        if (where.children.has(what)) return;
        where.children.set(what, { ...this.#file(), size, mtime });
        return;
      }
      case 5: {
        const [there, other] = this.#somewhere();
        const swapped = there.children.get(other);
        if (node === undefined || swapped === undefined) return;
        if (holds(node, there) || holds(swapped, parent)) return;
        parent.children.set(name, swapped);
        there.children.set(other, node);
        return;
      }
      default: {
        const [to, newName] = this.#somewhere();
        if (node === undefined || holds(node, to)) return;
        if (to.children.has(newName)) return;
        parent.children.delete(name);
        to.children.set(newName, node);
        parent.mtime = to.mtime = ++this.#moment;
      }
    }
  }

  #create(): void {
    const [parent, name] = this.#somewhere();
    if (parent.children.has(name)) return;
    const isFile = this.#random.below(2) === 0;
    parent.children.set(name, isFile ? this.#file() : this.#directory());
    parent.mtime = ++this.#moment;
  }

  #remove(parent: DirectoryNode, name: Name, node: Node): void {
    parent.children.delete(name);
    this.#release(node);
  }

  #release(node: Node): void {
    this.#free.push(node.inode);
    if (node.kind === "file") return;
    for (const child of node.children.values()) this.#release(child);
  }

  #file(): FileNode {
    const content = ++this.#moment;
    const size = this.#random.below(2);
    const own = { size, mtime: content, mode: 0o644, content };
    return { kind: "file", ...this.#number(), ...own };
  }

  #directory(): DirectoryNode {
    const own = { mtime: ++this.#moment, mode: 0o755, children: new Map() };
    return { kind: "directory", ...this.#number(), ...own };
  }

  #number(): { inode: number; generation: number } {
    return {
      inode: this.#free.pop() ?? ++this.#last,
      generation: ++this.#moment,
    };
  }

  /** A directory, and a name in it that may be taken. */
  #somewhere(): [DirectoryNode, Name] {
    let here = this.root;
    for (;;) {
      const inner = [...here.children.values()].filter((node) =>
        node.kind === "directory"
      );
      if (inner.length === 0 || this.#random.below(3) === 0) {
        return [here, this.#random.pick(NAMES)];
      }
      here = this.#random.pick(inner);
    }
  }
}

function holds(node: Node, other: Node): boolean {
  if (node === other) return true;
  return node.kind === "directory" &&
    [...node.children.values()].some((child) => holds(child, other));
}

/** What a scan of the source sees. */
function seen(node: DirectoryNode): DirectoryEntry {
  const { kind, mode, mtime, inode, generation } = node;
  const children = sortChildren(
    [...node.children].map(([name, child]): [Name, Entry] => [
      name,
      child.kind === "directory" ? seen(child) : file(ownOf(child)),
    ]),
  );
  return { kind, mode, mtime, children, digest: undefined, inode, generation };
}

function ownOf(
  { inode, generation, size, mtime, mode }: FileNode,
): Parameters<typeof file>[0] {
  return { inode, generation, size, mtime, mode };
}

/** The same tree at the target, where the number of a file is its content. */
function mirrored(node: DirectoryNode): DirectoryEntry {
  const { kind, mode, mtime } = node;
  const children = sortChildren(
    [...node.children].map(([name, child]): [Name, Entry] => {
      if (child.kind === "directory") return [name, mirrored(child)];
      const { size, mtime, mode, content } = child;
      return [name, file({ size, mtime, mode, inode: content })];
    }),
  );
  return { kind, mode, mtime, children, digest: undefined };
}

/** What counts of a tree, without what only its own machine knows. */
function plain(entry: Entry): Entry {
  if (entry.kind === "file") {
    const { size, mtime, mode } = entry;
    return file({ size, mtime, mode });
  }
  if (entry.kind !== "directory") return entry;
  const { kind, mode, mtime } = entry;
  const children = new Map(
    [...entry.children].map(([name, child]) => [name, plain(child)]),
  );
  return { kind, mode, mtime, children, digest: undefined };
}

/** A source before and after some steps, and the target that was equal before. */
interface Case {
  readonly before: DirectoryEntry;
  readonly here: DirectoryEntry;
  readonly there: DirectoryEntry;
  readonly disk: Disk;
  readonly random: Random;
}

function check(name: string, law: (it: Case) => void): void {
  Deno.test(`Moves: ${name}`, () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const random = new Random(seed);
        const disk = new Disk(random);
        const before = seen(disk.root);
        const there = mirrored(disk.root);
        for (let i = random.between(1, 9); i > 0; i--) disk.step();
        law({ before, here: seen(disk.root), there, disk, random });
      }),
      { numRuns: RUNS },
    );
  });
}

let moved = 0;

check("what remains after them makes the target equal to the source", (it) => {
  const { before, here, there } = it;
  const { moves } = findMoves(there, here, originsOf(before, here));
  moved += moves.length;
  const after = applyMoves(there, moves);
  const { changes, problems } = diff(after, here, OPTIONS);
  assertEquals(problems, []);
  assertSameTrees(plain(applyChanges(after, changes)), plain(here));
  // Else a path that stays would be empty for a while.
  for (const { from } of moves) assertEquals(entryAt(here, from), undefined);
  const again = findMoves(here, here, originsOf(before, here));
  assertEquals(again.moves, []);
});

Deno.test("Moves: there were some", () =>
  assert(moved > RUNS / 10, `${moved}`));

check(
  "a file that is moved has the content that it has at the source",
  (it) => {
    const { before, here, there, disk } = it;
    const { moves } = findMoves(there, here, originsOf(before, here));
    for (const { from, to, entry } of moves) {
      if (entry.kind !== "file") continue;
      let node: Node | undefined = disk.root;
      for (const name of to.split("/") as Name[]) {
        node = node?.kind === "directory" ? node.children.get(name) : undefined;
      }
      assert(node?.kind === "file", to);
      assertEquals(entry.inode, node.content, `${from} -> ${to}`);
    }
  },
);

check("what is left alone at the target stays where it is", (it) => {
  const { before, here, random } = it;
  const there = strewn(it.there, random);
  const left = [...entriesBelow(ROOT, there)]
    .filter(([, entry]) => entry.kind === "untracked");
  const { moves } = findMoves(there, here, originsOf(before, here));
  for (const { from, to } of moves) {
    for (const [path] of left) {
      assert(!isWithin(path, from), `${from} -> ${to} takes ${path} along`);
    }
  }
  const after = applyMoves(there, moves);
  const result = applyChanges(after, diff(after, here, OPTIONS).changes);
  for (const [path] of left) {
    assertEquals(entryAt(result, path)?.kind, "untracked", path);
  }
});

check("the trees that they are found in stay as they were", (it) => {
  const { before, here, there } = it;
  const copy = structuredClone(there);
  const { moves } = findMoves(there, here, originsOf(before, here));
  applyMoves(there, moves);
  assertEquals(there, copy);
  for (const [path, entry] of entriesBelow(ROOT, applyMoves(there, moves))) {
    if (entry.kind !== "directory") continue;
    const names = [...entry.children.keys()];
    assertEquals(names, names.toSorted(), path);
  }
});

/** `tree` with things in it that take no part. */
function strewn(tree: DirectoryEntry, random: Random): DirectoryEntry {
  const children = new Map(tree.children);
  for (const [name, child] of children) {
    if (child.kind === "directory") children.set(name, strewn(child, random));
  }
  if (random.below(3) === 0) {
    children.set(random.pick(["a", "x", "y"] as Name[]), untracked());
  }
  return { ...tree, children: sortChildren(children) };
}

Deno.test("Moves: 20,000 files of one directory get other names, each by itself", () => {
  const count = 20_000;
  const names = Array.from({ length: count }, (_, i) => `f${i}` as Name);
  const tree = (prefix: string): DirectoryEntry => ({
    ...seen({
      kind: "directory",
      inode: 1,
      generation: 1,
      mtime: 0,
      mode: 0o755,
      children: new Map(),
    }),
    children: sortChildren(names.map((name, i) => [
      `${prefix}${name}` as Name,
      file({ inode: i + 2, generation: 5, size: 1, mtime: i }),
    ])),
  });
  const before = tree("old-");
  const here = tree("new-");
  const { moves } = findMoves(before, here, originsOf(before, here));
  assertEquals(moves.length, count);
  const after = applyMoves(before, moves);
  assertEquals(diff(after, here, OPTIONS).changes, []);
});
