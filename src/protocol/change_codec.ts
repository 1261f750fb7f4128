/**
 * Changes, as the asking side announces them. What stands at the path now is not
 * sent: the other side knows it better, from the scan that it answered last.
 *
 * | field | layout | in         | allowed values                            |
 * | ----- | ------ | ---------- | ----------------------------------------- |
 * | kind  | u8     | all        | 1 put, 2 touch, 3 remove                  |
 * | path  | path   | all        | the root only in touch; no path twice     |
 * | entry | entry  | put, touch | directory, file or symlink                |
 * | tree  | tree   | put of a   | its children                              |
 * |       |        | directory  |                                           |
 *
 * `touch` sets mode and mtime alone: of a directory, or of a file that holds
 * the right content already. `put` is all else that ends with something there.
 */
import { type Change, isTouch } from "../core/change.ts";
import { type Entry, isTracked, type TrackedEntry } from "../core/entry.ts";
import { type Name, namesOf, type RelPath } from "../core/path.ts";
import { ProtocolError } from "../errors.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { readEntry, refuseOwner, writeEntry } from "./entry_codec.ts";
import { PathReader, PathWriter } from "./fields.ts";
import { PAGE_BYTES } from "./limits.ts";
import { Quota } from "./quota.ts";
import { type TreeOptions, TreeReader, writeTree } from "./tree_codec.ts";

const Kind = { put: 1, touch: 2, remove: 3 } as const;

/** A change as it travels: without what is there now. */
export type WireChange =
  | {
    readonly kind: "put" | "touch";
    readonly path: RelPath;
    readonly entry: TrackedEntry;
  }
  | { readonly kind: "remove"; readonly path: RelPath };

/** Writes `changes` into `page`; yields whenever the page is full. */
export function* writeChanges(
  page: ByteWriter,
  changes: Iterable<Change>,
): Generator<void> {
  const paths = new PathWriter();
  for (const change of changes) {
    if (change.new === undefined) {
      page.u8(Kind.remove);
      paths.write(page, change.path);
    } else {
      const touch = isTouch(change);
      page.u8(touch ? Kind.touch : Kind.put);
      paths.write(page, change.path);
      writeEntry(page, change.new, "tree");
      if (change.new.kind === "directory" && !touch) {
        if (page.length >= PAGE_BYTES) yield;
        yield* writeTree(page, change.new);
      }
    }
    if (page.length >= PAGE_BYTES) yield;
  }
}

/** Puts changes together again: pages go in, whole changes come out. */
export class ChangeReader {
  readonly #paths = new PathReader();
  readonly #quota: Quota;
  readonly #owners: boolean;
  readonly #tree: TreeReader;
  /** The change whose tree is being read. */
  #open: WireChange | undefined;

  /** @param options Of the changes, and of all entries in their new trees. */
  constructor(options: TreeOptions = {}) {
    const { quota = new Quota("changes"), owners = true } = options;
    this.#quota = quota;
    this.#owners = owners;
    this.#tree = new TreeReader({ quota, owners });
  }

  /** Whether a change has begun and not ended. */
  get incomplete(): boolean {
    return this.#open !== undefined;
  }

  /** The changes that end in this page, in order. */
  *read(reader: ByteReader): Generator<WireChange> {
    for (;;) {
      if (this.#open !== undefined) {
        this.#tree.read(reader);
        if (this.#tree.incomplete) return;
        yield this.#open;
        this.#open = undefined;
      }
      if (reader.left === 0) return;
      const change = this.#readChange(reader);
      if (this.#tree.incomplete) this.#open = change;
      else yield change;
    }
  }

  #readChange(reader: ByteReader): WireChange {
    const kind = reader.u8("the kind of a change");
    if (kind < Kind.put || kind > Kind.remove) {
      throw new ProtocolError(`A change has the unknown kind ${kind}`);
    }
    const path = this.#paths.readUsable(reader);
    if (path === "" && kind !== Kind.touch) {
      throw new ProtocolError("The root can't be replaced or removed");
    }
    if (kind === Kind.remove) {
      this.#quota.take(path.length);
      return { kind: "remove", path };
    }
    const children = new Map<Name, Entry>();
    const entry = readEntry(reader, "tree", children);
    if (!isTracked(entry)) {
      throw new ProtocolError("A change puts an entry of no use");
    }
    this.#quota.takeEntry(path, entry);
    if (!this.#owners) refuseOwner(entry);
    if (kind === Kind.touch) {
      if (entry.kind === "symlink") {
        throw new ProtocolError("A symbolic link can't be touched");
      }
      return { kind: "touch", path, entry };
    }
    if (entry.kind === "directory") {
      this.#tree.begin(children, namesOf(path).length);
    }
    return { kind: "put", path, entry };
  }
}
