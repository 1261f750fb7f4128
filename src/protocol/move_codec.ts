/**
 * Moves, as the asking side orders them. What is moved is not sent: the other side
 * knows it better, from the scan that it answered last.
 *
 * | field   | layout | allowed values                                           |
 * | ------- | ------ | -------------------------------------------------------- |
 * | from    | path   | not the root; shares with the `from` before it           |
 * | to      | path   | not the root, not `from` or in it; shares with the `to`  |
 * |         |        | before it                                                |
 * | parents | varint | how many directories are missing on the way to `to`      |
 * | each    | entry  | directory, as in a tree: what it shall be; the outermost |
 * |         |        | first                                                    |
 */
import type { DirectoryEntry, Entry } from "../core/entry.ts";
import type { Move } from "../core/moves.ts";
import { isWithin, type Name, namesOf, type RelPath } from "../core/path.ts";
import { ProtocolError } from "../errors.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { readEntry, refuseOwner, writeEntry } from "./entry_codec.ts";
import { PathReader, PathWriter } from "./fields.ts";
import { MAX_PATH_DEPTH, PAGE_BYTES } from "./limits.ts";
import { Quota } from "./quota.ts";

/** A move as it travels: without what is moved. */
export type WireMove = Omit<Move, "entry">;

/** Writes `moves` into `page`; yields whenever the page is full. */
export function* writeMoves(
  page: ByteWriter,
  moves: Iterable<WireMove>,
): Generator<void> {
  const origins = new PathWriter();
  const goals = new PathWriter();
  for (const { from, to, parents } of moves) {
    origins.write(page, from);
    goals.write(page, to);
    page.varint(parents.length);
    for (const parent of parents) writeEntry(page, parent, "tree");
    if (page.length >= PAGE_BYTES) yield;
  }
}

/** Reads the pages of one list of moves. */
export class MoveReader {
  readonly #origins = new PathReader();
  readonly #goals = new PathReader();
  readonly #quota: Quota;
  readonly #owners: boolean;

  /** @param options Whether entries may have owners; the limits, for tests. */
  constructor(
    options: { readonly quota?: Quota; readonly owners?: boolean } = {},
  ) {
    const { quota = new Quota("moves"), owners = true } = options;
    this.#quota = quota;
    this.#owners = owners;
  }

  /** The moves in this page, in order. */
  *read(reader: ByteReader): Generator<WireMove> {
    while (reader.left > 0) {
      const from = this.#origins.readUsable(reader);
      const to = this.#goals.readUsable(reader);
      if (from === "" || to === "") {
        throw new ProtocolError("The root can't be moved");
      }
      if (isWithin(to, from)) {
        throw new ProtocolError("Something is to be moved into itself");
      }
      this.#quota.take(from.length + to.length);
      const parents = this.#readParents(reader, to);
      yield { from, to, parents };
    }
  }

  #readParents(reader: ByteReader, to: RelPath): DirectoryEntry[] {
    const count = reader.varint(MAX_PATH_DEPTH, "the parents of a move");
    if (count >= namesOf(to).length) {
      throw new ProtocolError("A move has more parents than its path");
    }
    const parents: DirectoryEntry[] = [];
    for (let left = count; left > 0; left--) {
      const entry = readEntry(reader, "tree", new Map<Name, Entry>());
      if (entry.kind !== "directory") {
        throw new ProtocolError("Something is to be moved into no directory");
      }
      if (!this.#owners) refuseOwner(entry);
      this.#quota.take(0);
      parents.push(entry);
    }
    return parents;
  }
}
