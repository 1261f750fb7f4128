/** Where the bytes of chunks lie: an interface, and one in memory. */
import { FileSystemError, IntegrityError } from "../errors.ts";

/** Where a chunk lies. */
export interface ChunkPlace {
  readonly pack: number;
  /** Of its record, in bytes from the start of the pack. */
  readonly offset: number;
  /** Of the chunk itself, in bytes. */
  readonly length: number;
}

/** Append-only packs of chunks. What was written is durable after a flush only. */
export interface ChunkSpace {
  /** Writes a chunk. @throws {FileSystemError} `no-space` … Then nothing is there. */
  append(id: Uint8Array, bytes: Uint8Array): ChunkPlace;
  /** Reads a chunk. @throws {IntegrityError} If it is not what was written. */
  read(id: Uint8Array, place: ChunkPlace): Uint8Array;
  /**
   * Makes all that was written so far durable: the sizes of the packs it changed.
   * If it fails, all that was written since the last flush that went well is
   * gone (see {@link holds}); what is written afterwards is not concerned.
   */
  flush(): Promise<ReadonlyMap<number, number>>;
  /** Whether what was written there is still there. */
  holds(place: ChunkPlace): boolean;
  /**
   * Gives back the ends of packs that nobody needs; not while a flush is under
   * way. `neededOf` says up to where a pack is needed, in bytes; the answer is
   * how long the packs are that were shortened.
   */
  shorten(neededOf: (pack: number) => number): ReadonlyMap<number, number>;
  /** The pack that is written to now; undefined: the next chunk begins one. */
  readonly current: number | undefined;
  /** From now on another pack is written to. */
  startNewPack(): void;
  /** Removes a pack that nothing needs. */
  remove(pack: number): void;
  close(): void;
}

/** Bytes of a record before the chunk: length, id, CRC-32. */
export const RECORD_HEADER_BYTES = 40;

/** Bytes at the start of a pack. */
export const PACK_HEADER_BYTES = 16;

/** A pack is not begun anew before it has this size, in bytes. */
export const MAX_PACK_BYTES = 64 * 1024 * 1024;

/** What was written is gone with a flush that failed; another try brings it again. */
export function lostInFlush(): FileSystemError {
  return new FileSystemError(
    "io",
    "Cannot save content: a part of it was lost when the disk could not be written to",
  );
}

/** Chunks in memory, for tests and short lives. */
export class MemoryChunks implements ChunkSpace {
  readonly #packs = new Map<number, Map<number, Uint8Array>>();
  readonly #sizes = new Map<number, number>();
  #number = 0;
  #current: number | undefined;

  get current(): number | undefined {
    return this.#current;
  }

  append(_id: Uint8Array, bytes: Uint8Array): ChunkPlace {
    if (this.#current === undefined) {
      this.#current = ++this.#number;
      this.#packs.set(this.#current, new Map());
      this.#sizes.set(this.#current, PACK_HEADER_BYTES);
    }
    const pack = this.#current;
    const offset = this.#sizes.get(pack)!;
    this.#packs.get(pack)!.set(offset, bytes.slice());
    const end = offset + RECORD_HEADER_BYTES + bytes.length;
    this.#sizes.set(pack, end);
    if (end >= MAX_PACK_BYTES) this.startNewPack();
    return { pack, offset, length: bytes.length };
  }

  read(_id: Uint8Array, { pack, offset, length }: ChunkPlace): Uint8Array {
    const bytes = this.#packs.get(pack)?.get(offset);
    if (bytes?.length === length) return bytes;
    throw new IntegrityError(`There is no chunk at ${offset} of pack ${pack}`);
  }

  flush(): Promise<ReadonlyMap<number, number>> {
    return Promise.resolve(new Map(this.#sizes));
  }

  holds({ pack, offset }: ChunkPlace): boolean {
    return this.#packs.get(pack)?.has(offset) ?? false;
  }

  /** Memory that is not there ends the process: there is nothing to give back. */
  shorten(): ReadonlyMap<number, number> {
    return new Map();
  }

  startNewPack(): void {
    this.#current = undefined;
  }

  remove(pack: number): void {
    this.#packs.delete(pack);
    this.#sizes.delete(pack);
  }

  close(): void {
    this.#packs.clear();
  }
}
