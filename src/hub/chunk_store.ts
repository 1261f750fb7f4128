/**
 * The chunks of one store, each kept once: those in the index, and those that were
 * written and are in no index yet. What is written for nothing stays in its pack
 * until the pack is written anew, unless the disk is full.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { ID_BYTES, type Recipe } from "../content/recipe.ts";
import { IntegrityError, isFileSystemError } from "../errors.ts";
import {
  type ChunkPlace,
  type ChunkSpace,
  lostInFlush,
  RECORD_HEADER_BYTES,
} from "./chunk_space.ts";
import { transact } from "./database.ts";
import { Pins } from "./pins.ts";
import { Repairs } from "./repairs.ts";
import { type PartNumber, UnfinishedTable } from "./unfinished.ts";

/** Where a chunk lies that no index knows of yet. */
interface PendingChunk extends ChunkPlace {
  /** Who has brought it; undefined: nobody who would go on with it later. */
  readonly client: string | undefined;
}

/** Where chunks are, and how they get there. */
export class ChunkStore {
  readonly space: ChunkSpace;
  /** Chunks of content that has not come to its end. */
  readonly unfinished: UnfinishedTable;
  /** Where the collector has written chunks anew: but for those that were lost. */
  readonly copies = new Set<ChunkPlace>();
  readonly #database: DatabaseSync;
  readonly #find: StatementSync;
  readonly #insert: StatementSync;
  readonly #notePack: StatementSync;
  readonly #sizeOfPack: StatementSync;
  /** Chunks, by id, that were written and are in no index yet. */
  readonly #pending = new Map<string, PendingChunk>();
  readonly #repairs: Repairs;
  /** Chunks that somebody counts on. */
  readonly #pins = new Pins();
  /** Sizes of packs that were flushed and are in no index yet. */
  readonly #flushed = new Map<number, number>();
  /** Packs that are gone: their numbers are not used again. */
  readonly #dropped = new Set<number>();
  /** One after the other: flushes, and giving back room. */
  #working: Promise<unknown> = Promise.resolve();
  /** Whether the disk was full, and something may still be given back. */
  #wasFull = false;
  #isGivingBack = false;

  constructor(database: DatabaseSync, space: ChunkSpace, now: () => number) {
    this.space = space;
    this.#database = database;
    this.unfinished = new UnfinishedTable(database, now);
    this.#repairs = new Repairs(database);
    this.#find = database.prepare(
      "SELECT pack, offset, length, part FROM chunks WHERE id = ?",
    );
    this.#insert = database.prepare(
      "INSERT OR IGNORE INTO chunks VALUES (?, ?, ?, ?, ?)",
    );
    this.#sizeOfPack = database.prepare(
      "SELECT size FROM packs WHERE number = ?",
    );
    this.#notePack = database.prepare(
      "INSERT INTO packs VALUES (?, ?) ON CONFLICT DO UPDATE SET size = max(size, excluded.size)",
    );
  }

  /** A chunk is not what it is said to be: whoever brings it next repairs that. */
  noteDamaged(id: string): void {
    this.#repairs.note(id);
  }

  /** Whether any chunk is known to be damaged. */
  get hasDamaged(): boolean {
    return this.#repairs.hasDamaged;
  }

  /** Whether a chunk is known to be damaged, and was not written anew. */
  isDamaged(id: Uint8Array): boolean {
    return this.#repairs.isWanted(id.toHex());
  }

  /** Whether `client` may count on chunk number `i` of `recipe`. */
  isHere({ ids, lengths }: Recipe, i: number, client: string): boolean {
    const id = ids.subarray(i * ID_BYTES, (i + 1) * ID_BYTES);
    const row = this.#find.get(id);
    if (row === undefined || row["length"] !== lengths[i]) return false;
    if (this.#repairs.isDamaged(id)) return false;
    const part = row["part"] as PartNumber | null;
    return part === null || this.unfinished.isOf(part, client);
  }

  /** For writers: makes sure that a chunk is there, and stays. */
  put(id: string, bytes: Uint8Array, client: string | undefined): () => void {
    const release = this.pin(id);
    try {
      if (this.#pending.has(id) && !this.#repairs.isWanted(id)) return release;
      const key = Uint8Array.fromHex(id);
      if (this.#find.get(key) === undefined) {
        this.#pending.set(id, { ...this.space.append(key, bytes), client });
      } else if (this.#repairs.isWanted(id)) {
        this.#repairs.put(id, this.space.append(key, bytes));
      }
    } catch (error) {
      release();
      this.noteFull(error);
      throw error;
    }
    return release;
  }

  /** Reads a chunk. @throws {IntegrityError} If it is missing, or damaged. */
  read(id: Uint8Array): Uint8Array {
    try {
      return this.space.read(id, this.#placeOf(id));
    } catch (error) {
      if (error instanceof IntegrityError) this.noteDamaged(id.toHex());
      throw error;
    }
  }

  /** Keeps a chunk until the answer is called. */
  pin(id: string): () => void {
    const unpin = this.#pins.pin(id);
    return () => {
      unpin();
      if (this.#pins.has(id)) return;
      this.#pending.delete(id);
      if (this.#wasFull) this.#giveBackSoon();
    };
  }

  /** Ids of all chunks that somebody counts on. */
  *pinned(): Generator<Uint8Array> {
    for (const id of this.#pins.names()) yield Uint8Array.fromHex(id);
  }

  /** Keeps what `client` has brought so far, see `HubStore.keepUnfinished`. */
  async keepUnfinished(client: string): Promise<void> {
    const chunks = [...this.#pending].filter(([, it]) => it.client === client);
    if (chunks.length === 0) return;
    // What is written from here on may not be flushed.
    await this.flush();
    try {
      transact(this.#database, () => {
        this.save();
        const part = this.unfinished.begin(client);
        for (const [id, place] of chunks) {
          // It may have been given up meanwhile, and with it what it lay in.
          if (this.#pending.get(id) !== place) continue;
          this.#enter(Uint8Array.fromHex(id), place, part);
        }
      });
    } catch (error) {
      this.noteFull(error);
      throw error;
    }
    this.saved();
    for (const [id, place] of chunks) {
      if (this.#pending.get(id) === place) this.#pending.delete(id);
    }
  }

  /**
   * Makes all that was written so far durable; before {@link save}.
   * @throws {FileSystemError} Then what was written and not flushed is gone, and
   *   content of which that is a part can't be saved.
   */
  flush(): Promise<void> {
    return this.#inTurn(() => this.#repairs.flush(() => this.#flush()));
  }

  async #flush(): Promise<void> {
    try {
      for (const [pack, size] of await this.space.flush()) {
        this.#flushed.set(pack, Math.max(size, this.#flushed.get(pack) ?? 0));
      }
    } catch (error) {
      const isLost = (place: ChunkPlace): boolean => !this.space.holds(place);
      for (const [id, place] of this.#pending) {
        if (isLost(place)) this.#pending.delete(id);
      }
      for (const place of this.copies) {
        if (isLost(place)) this.copies.delete(place);
      }
      this.#repairs.forget(isLost);
      this.noteFull(error);
      throw error;
    }
  }

  /**
   * If `error` says that the disk is full: from now on what was written for
   * nothing is given back as soon as nobody needs it, since the room it takes
   * may be all that others lack.
   */
  noteFull(error: unknown): void {
    if (isFileSystemError(error, "no-space")) this.#wasFull = true;
  }

  /**
   * Puts what was flushed into the index; within a transaction. What is answered
   * does the same for a chunk that belongs to content from now on.
   * @throws {FileSystemError} The answer does, if the chunk was lost with a flush
   *   that failed.
   */
  save(): (id: Uint8Array) => void {
    for (const [pack, size] of this.#flushed) {
      // A row for a pack that is gone would be taken for damage.
      if (!this.#dropped.has(pack)) this.#notePack.run(pack, size);
    }
    this.#repairs.save();
    const hasUnfinished = this.unfinished.hasAny();
    return (id) => {
      if (hasUnfinished) this.unfinished.adopt(id);
      const place = this.#pending.get(id.toHex());
      if (place !== undefined) {
        this.#enter(id, place, null);
      } else if (this.#find.get(id) === undefined) throw lostInFlush();
    };
  }

  /** Puts a chunk into the index that is not there yet; within a transaction. */
  #enter(id: Uint8Array, place: ChunkPlace, part: PartNumber | null): void {
    const { pack, offset, length } = place;
    const { changes } = this.#insert.run(id, pack, offset, length, part);
    if (changes > 0 && this.#repairs.hasDamaged) {
      this.#repairs.enter(id.toHex());
    }
  }

  /** The transaction of {@link save} went well. */
  saved(): void {
    this.#flushed.clear();
    this.#repairs.saved();
  }

  /** Removes a pack that no row names any more. */
  drop(pack: number): void {
    this.#dropped.add(pack);
    this.space.remove(pack);
  }

  /** Whether chunks are in this pack that no index knows of. */
  hasPending(pack: number): boolean {
    for (const places of [this.#pending.values(), this.#repairs.places()]) {
      for (const place of places) if (place.pack === pack) return true;
    }
    return false;
  }

  /** For the collector: writes a chunk anew, which counts among the {@link copies}. */
  copy(id: Uint8Array, from: ChunkPlace): ChunkPlace {
    try {
      const to = this.space.append(id, this.space.read(id, from));
      this.copies.add(to);
      return to;
    } catch (error) {
      this.noteFull(error);
      throw error;
    }
  }

  /** The collector has put its copies into the index, or has given them up. */
  endCopies(): void {
    this.copies.clear();
    if (this.#wasFull) this.#giveBackSoon();
  }

  /** Does one thing after the other. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#working.then(work);
    this.#working = done.catch(() => {});
    return done;
  }

  /** All that is released in one go is given back together. */
  #giveBackSoon(): void {
    if (this.#isGivingBack) return;
    this.#isGivingBack = true;
    this.#inTurn(() => {
      this.#isGivingBack = false;
      this.#giveBack();
      return Promise.resolve();
    }).catch(() => {
      // What is not given back now is cut off at the next start.
    });
  }

  /** Shortens packs to what the index knows of, or somebody counts on. */
  #giveBack(): void {
    const ends = new Map<number, number>();
    const all = [this.#pending.values(), this.copies, this.#repairs.places()];
    for (const places of all) {
      for (const { pack, offset, length } of places) {
        const end = offset + RECORD_HEADER_BYTES + length;
        ends.set(pack, Math.max(end, ends.get(pack) ?? 0));
      }
    }
    const shortened = this.space.shorten((pack) => {
      const noted = this.#sizeOfPack.get(pack)?.["size"] as number | undefined;
      return Math.max(noted ?? 0, ends.get(pack) ?? 0);
    });
    // What is noted of a pack must never be more than it has.
    for (const [pack, size] of shortened) {
      const flushed = this.#flushed.get(pack);
      if (flushed !== undefined) {
        this.#flushed.set(pack, Math.min(flushed, size));
      }
    }
    this.#wasFull = ends.size > 0;
  }

  #placeOf(id: Uint8Array): ChunkPlace {
    const row = this.#find.get(id) as ChunkPlace | undefined;
    const place = this.#repairs.placeOf(id) ?? row ??
      this.#pending.get(id.toHex());
    if (place !== undefined) return place;
    throw new IntegrityError("The hub's data is damaged: a chunk is missing");
  }
}
