/**
 * Chunks that were found damaged in the packs: they do not count as there, and are
 * written anew by whoever brings them next. That holds for all that is made of
 * them, once the index knows the new place.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { ChunkPlace } from "./chunk_space.ts";

/** What is damaged in one store, by ids in hexadecimal, as far as that is known. */
export class Repairs {
  readonly #move: StatementSync;
  readonly #damaged = new Set<string>();
  /** Where chunks were written anew that the index has at their old places. */
  readonly #places = new Map<string, ChunkPlace>();
  /** Those of them that are durable. */
  #flushed: readonly (readonly [string, ChunkPlace])[] = [];
  /** Chunks that were missing, and that the transaction under way enters. */
  #entered: string[] = [];

  constructor(database: DatabaseSync) {
    this.#move = database.prepare(
      "UPDATE chunks SET pack = ?, offset = ?, length = ? WHERE id = ?",
    );
  }

  /** A chunk is not what it is said to be. */
  note(id: string): void {
    if (!this.#places.has(id)) this.#damaged.add(id);
  }

  /** Whether anything is damaged. */
  get hasDamaged(): boolean {
    return this.#damaged.size > 0;
  }

  /** Whether a chunk does not count as there. */
  isDamaged(id: Uint8Array): boolean {
    return this.#damaged.size > 0 && this.#damaged.has(id.toHex());
  }

  /** Whether a chunk has to be written anew. */
  isWanted(id: string): boolean {
    return this.#damaged.has(id) && !this.#places.has(id);
  }

  /** A chunk was written anew, at `place`. */
  put(id: string, place: ChunkPlace): void {
    this.#places.set(id, place);
  }

  /** Where a chunk is that was written anew. */
  placeOf(id: Uint8Array): ChunkPlace | undefined {
    return this.#places.size === 0 ? undefined : this.#places.get(id.toHex());
  }

  /** Where anything was written anew. */
  places(): Iterable<ChunkPlace> {
    return this.#places.values();
  }

  /** What was written anew where `isLost` says so is gone, and damaged as before. */
  forget(isLost: (place: ChunkPlace) => boolean): void {
    for (const [id, place] of this.#places) {
      if (isLost(place)) this.#places.delete(id);
    }
  }

  /** Does `flush`; what was written before that can be saved then. */
  async flush(flush: () => Promise<void>): Promise<void> {
    const places = [...this.#places];
    await flush();
    this.#flushed = places;
  }

  /** Tells the index what was flushed; within a transaction. */
  save(): void {
    this.#entered = [];
    for (const [id, place] of this.#flushed) {
      // It may be known already, and have moved since.
      if (this.#places.get(id) !== place) continue;
      const { pack, offset, length } = place;
      this.#move.run(pack, offset, length, Uint8Array.fromHex(id));
    }
  }

  /** The index gets a chunk that came as a new one; within a transaction. */
  enter(id: string): void {
    if (this.isWanted(id)) this.#entered.push(id);
  }

  /** The transaction of {@link save} went well. */
  saved(): void {
    for (const [id, place] of this.#flushed) {
      if (this.#places.get(id) !== place) continue;
      this.#places.delete(id);
      this.#damaged.delete(id);
    }
    for (const id of this.#entered) this.#damaged.delete(id);
    this.#flushed = [];
    this.#entered = [];
  }
}
