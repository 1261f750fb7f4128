/**
 * New trees: all that is in a directory, depth first; see `entry_codec.ts` for
 * the layout.
 */
import type { DirectoryEntry, Entry } from "../core/entry.ts";
import { type Name, RESERVED_NAME } from "../core/path.ts";
import { ProtocolError } from "../errors.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import {
  checkOrder,
  readEntry,
  refuseOwner,
  writeEntry,
} from "./entry_codec.ts";
import { readName, reservedName } from "./fields.ts";
import { MAX_PATH_DEPTH, PAGE_BYTES } from "./limits.ts";
import { Quota } from "./quota.ts";

/**
 * Writes all that is in `directory`, depth first. Yields
 * whenever the page is full. Only tracked entries have a place in a tree.
 */
export function* writeTree(
  page: ByteWriter,
  directory: DirectoryEntry,
): Generator<void> {
  const stack = [directory.children.entries()];
  while (stack.length > 0) {
    const next = stack.at(-1)!.next();
    if (next.done) {
      stack.pop();
      page.text("");
    } else {
      const [name, entry] = next.value;
      page.text(name);
      writeEntry(page, entry, "tree");
      if (entry.kind === "directory") stack.push(entry.children.entries());
    }
    if (page.length >= PAGE_BYTES) yield;
  }
}

/** What new trees may hold. */
export interface TreeOptions {
  /** Of all that is read. */
  readonly quota?: Quota;
  /** Whether entries may have owners; yes unless said. */
  readonly owners?: boolean;
}

/** Puts trees together again, page by page. */
export class TreeReader {
  /** Directories that have begun and not ended, outermost first. */
  readonly #open: { children: Map<Name, Entry>; last: string }[] = [];
  readonly #quota: Quota;
  readonly #owners: boolean;
  #depth = 0;

  constructor(options: TreeOptions = {}) {
    this.#quota = options.quota ?? new Quota("entries of a tree");
    this.#owners = options.owners ?? true;
  }

  /** Whether a tree has begun and not ended. */
  get incomplete(): boolean {
    return this.#open.length > 0;
  }

  /** Begins the tree whose top stands `depth` components below the root. */
  begin(children: Map<Name, Entry>, depth: number): void {
    this.#open.push({ children, last: "" });
    this.#depth = depth;
  }

  /** Reads on until the tree or the page ends; the maps are filled. */
  read(reader: ByteReader): void {
    for (;;) {
      const top = this.#open.at(-1);
      if (top === undefined || reader.left === 0) return;
      const name = readName(reader);
      if (name === undefined) {
        this.#open.pop();
        continue;
      }
      checkOrder(top.last, name);
      top.last = name;
      // The root's own children stand at depth 1, where the name is reserved.
      const depth = this.#depth + this.#open.length;
      if (name === RESERVED_NAME && depth === 1) throw reservedName();
      if (depth > MAX_PATH_DEPTH) {
        throw new ProtocolError(
          `A tree is deeper than ${MAX_PATH_DEPTH} components`,
        );
      }
      const children = new Map<Name, Entry>();
      const entry = readEntry(reader, "tree", children);
      if (entry.kind === "untracked" || entry.kind === "problem") {
        throw new ProtocolError("A new tree holds an entry of no use");
      }
      this.#quota.takeEntry(name, entry);
      if (!this.#owners) refuseOwner(entry);
      top.children.set(name, entry);
      if (entry.kind === "directory") {
        this.#open.push({ children, last: "" });
      }
    }
  }
}
