/**
 * Listings: what is in each of the directories that were asked for, in that
 * order; see `entry_codec.ts` for the layout.
 */
import type { DirectoryEntry, Entry } from "../core/entry.ts";
import { type Name, RESERVED_NAME } from "../core/path.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { checkOrder, readEntry, writeEntry } from "./entry_codec.ts";
import { readName, reservedName } from "./fields.ts";
import { PAGE_BYTES } from "./limits.ts";
import { Quota } from "./quota.ts";

/**
 * Writes the listings of `directories`, one after the other, into `page`. Yields
 * whenever the page is full; the caller sends it and makes room.
 */
export function* writeListings(
  page: ByteWriter,
  directories: Iterable<DirectoryEntry>,
): Generator<void> {
  for (const directory of directories) {
    for (const [name, entry] of directory.children) {
      page.text(name);
      writeEntry(page, entry, "listing");
      if (page.length >= PAGE_BYTES) yield;
    }
    page.text("");
    if (page.length >= PAGE_BYTES) yield;
  }
}

/** What a {@link ListingReader} is to know. */
export interface ListingOptions {
  /** Of the whole tree, where that comes in several listings. */
  readonly quota?: Quota;
  /** Whether the first directory is the root, where one name is reserved. */
  readonly isRoot: boolean;
  /** The map for what is in directory number `place`, from 0. */
  childrenOf(place: number): Map<Name, Entry>;
  /** Directory number `place` is complete. */
  onEnd(place: number): void;
}

/** Puts listings together again, page by page. */
export class ListingReader {
  readonly #options: ListingOptions;
  #place = 0;
  #children: Map<Name, Entry> | undefined;
  #last = "";
  readonly #quota: Quota;

  constructor(options: ListingOptions) {
    this.#options = options;
    this.#quota = options.quota ?? new Quota("entries of a tree");
  }

  /** Whether a directory has begun and not ended. */
  get incomplete(): boolean {
    return this.#children !== undefined;
  }

  read(reader: ByteReader): void {
    while (reader.left > 0) {
      this.#children ??= this.#options.childrenOf(this.#place);
      const name = readName(reader);
      if (name === undefined) {
        this.#children = undefined;
        this.#last = "";
        this.#options.onEnd(this.#place++);
        continue;
      }
      checkOrder(this.#last, name);
      if (
        name === RESERVED_NAME && this.#place === 0 && this.#options.isRoot
      ) {
        throw reservedName();
      }
      this.#last = name;
      const entry = readEntry(reader, "listing");
      this.#quota.takeEntry(name, entry);
      this.#children.set(name, entry);
    }
  }
}
