/**
 * The nodes of a {@link MemoryFileSystem}, and their plain form, in which tests
 * write a tree down:
 *
 *     { "a/b.txt": "text", "empty/": null, "link": { symlink: "target" } }
 */
import type { Owner } from "../core/entry.ts";
import { SparseBytes } from "./sparse_bytes.ts";

/** What an entry is in the plain form of a tree. */
export type PlainEntry =
  /** Content of a file; bytes where it is not UTF-8. */
  | string
  | Uint8Array
  /** An empty directory; its path ends in "/". */
  | null
  | { readonly symlink: string }
  /** A fifo, socket or device. */
  | { readonly special: true };

/** A tree by path; directories that hold something are not named themselves. */
export type PlainTree = Readonly<Record<string, PlainEntry>>;

interface NodeBase {
  readonly inode: number;
  readonly generation: number;
  /** How many entries lead to it. */
  links: number;
  mode: number;
  mtime: number;
  ctime: number;
  owner: Owner;
}

export interface DirectoryNode extends NodeBase {
  readonly kind: "directory";
  readonly children: Map<string, MemoryNode>;
  /** Undefined for the top, and for what was removed. */
  parent: DirectoryNode | undefined;
  removed: boolean;
}

export interface FileNode extends NodeBase {
  readonly kind: "file";
  readonly content: SparseBytes;
  locked: boolean;
}

export interface SymlinkNode extends NodeBase {
  readonly kind: "symlink";
  readonly target: string;
}

export interface SpecialNode extends NodeBase {
  readonly kind: "special";
}

export type MemoryNode = DirectoryNode | FileNode | SymlinkNode | SpecialNode;

/** Makes nodes: numbers them, and dates them by `now`. */
export class NodeMaker {
  readonly #now: () => number;
  #lastInode = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  directory(parent: DirectoryNode | undefined, mode: number): DirectoryNode {
    const children = new Map<string, MemoryNode>();
    return {
      kind: "directory",
      ...this.#base(mode),
      children,
      parent,
      removed: false,
    };
  }

  file(mode: number): FileNode {
    const content = new SparseBytes();
    return { kind: "file", ...this.#base(mode), content, locked: false };
  }

  symlink(target: string): SymlinkNode {
    return { kind: "symlink", ...this.#base(0o777), target };
  }

  special(): SpecialNode {
    return { kind: "special", ...this.#base(0o644) };
  }

  #base(mode: number): NodeBase {
    const now = this.#now();
    return {
      inode: ++this.#lastInode,
      generation: now & 0x7fffffff,
      links: 1,
      mode,
      mtime: now,
      ctime: now,
      owner: { uid: 0, gid: 0 },
    };
  }
}

/** Puts what `tree` tells of into `top`, with modes 0o755 and 0o644. */
export function plant(
  top: DirectoryNode,
  tree: PlainTree,
  make: NodeMaker,
): void {
  for (const [path, entry] of Object.entries(tree)) {
    const names = path.split("/").filter((name) => name !== "");
    const last = entry === null ? undefined : names.pop();
    let here = top;
    for (const name of names) here = enter(here, name, make);
    if (last !== undefined) here.children.set(last, nodeOf(entry, make));
  }
}

/** What {@link plant} would need to make the tree below `top` again. */
export function toPlain(top: DirectoryNode): Record<string, PlainEntry> {
  const tree: Record<string, PlainEntry> = {};
  collect(top, "", tree);
  return tree;
}

function enter(
  parent: DirectoryNode,
  name: string,
  make: NodeMaker,
): DirectoryNode {
  const node = parent.children.get(name) ?? make.directory(parent, 0o755);
  if (node.kind !== "directory") {
    throw new TypeError(`"${name}" can't be a ${node.kind} and hold entries`);
  }
  parent.children.set(name, node);
  return node;
}

function nodeOf(entry: PlainEntry, make: NodeMaker): MemoryNode {
  if (typeof entry === "string" || entry instanceof Uint8Array) {
    const file = make.file(0o644);
    file.content.write(
      typeof entry === "string" ? new TextEncoder().encode(entry) : entry,
      0,
    );
    return file;
  }
  return entry !== null && "symlink" in entry
    ? make.symlink(entry.symlink)
    : make.special();
}

function collect(
  directory: DirectoryNode,
  path: string,
  into: Record<string, PlainEntry>,
): void {
  const names = [...directory.children.keys()].sort();
  if (names.length === 0 && path !== "") into[path] = null;
  for (const name of names) {
    const node = directory.children.get(name)!;
    const at = path + name;
    if (node.kind === "directory") collect(node, `${at}/`, into);
    else into[at] = plainEntry(node);
  }
}

function plainEntry(
  node: Exclude<MemoryNode, DirectoryNode>,
): PlainEntry {
  switch (node.kind) {
    case "symlink":
      return { symlink: node.target };
    case "special":
      return { special: true };
    case "file":
      return textOrBytes(node.content.toBytes());
    default:
      return node satisfies never;
  }
}

function textOrBytes(bytes: Uint8Array): string | Uint8Array {
  try {
    const options = { fatal: true, ignoreBOM: true };
    return new TextDecoder("utf-8", options).decode(bytes);
  } catch {
    return bytes;
  }
}
