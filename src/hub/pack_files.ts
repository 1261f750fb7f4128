/**
 * Packs: append-only files of chunks, `N.pack` in one directory. Big-endian:
 *
 * | offset | bytes | field                                              |
 * | ------ | ----- | -------------------------------------------------- |
 * | 0      | 8     | "LOCKPACK"                                         |
 * | 8      | 4     | version of the format, 1                           |
 * | 12     | 4     | number of the pack, 1 to 2^32 - 1                  |
 * | 16     |       | records, one after the other                       |
 *
 * A record:
 *
 * | offset | bytes | field                                              |
 * | ------ | ----- | -------------------------------------------------- |
 * | 0      | 4     | length of the chunk, 1 to 262,144                  |
 * | 4      | 32    | id of the chunk                                    |
 * | 36     | 4     | CRC-32 of the 36 bytes before and of the chunk     |
 * | 40     |       | the chunk                                          |
 *
 * How much of a pack belongs to it is said elsewhere (the table of packs), and
 * only after it was flushed: what is behind that is the rest of a write that
 * nobody was told of, and is cut off when the packs are opened.
 */
import {
  closeSync,
  constants,
  fstatSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { promisify } from "node:util";
import { crc32 } from "node:zlib";
import { MAX_CHUNK_BYTES } from "../content/limits.ts";
import { ID_BYTES } from "../content/recipe.ts";
import { displayPath } from "../core/path.ts";
import { IntegrityError, SyncError } from "../errors.ts";
import { fileSystemError } from "../fs/deno_errors.ts";
import { faultPoint } from "../fs/fault_point.ts";
import { syncDirectory } from "../fs/sync_directory.ts";
import {
  type ChunkPlace,
  type ChunkSpace,
  MAX_PACK_BYTES,
  PACK_HEADER_BYTES,
  RECORD_HEADER_BYTES,
} from "./chunk_space.ts";

const MAGIC = new TextEncoder().encode("LOCKPACK");
const FORMAT = 1;
const CRC_AT = 4 + ID_BYTES;

/** So many packs that are read from are open at a time. */
const MAX_OPEN = 32;

/** How packs are written. */
export interface PackOptions {
  /** A pack is not begun anew before it has this size. */
  readonly maxBytes?: number;
  /** Makes what was written to an open file durable; `fsync` unless said. */
  readonly flushFile?: (fd: number) => Promise<void>;
}

/** The pack that is written to. */
interface CurrentPack {
  readonly number: number;
  readonly fd: number;
  /** Where the next record belongs. */
  end: number;
  /** Up to here it was flushed; 0: it has not even its first bytes for sure. */
  durable: number;
}

/** The packs in one directory. Its owner closes it. */
export class PackFiles implements ChunkSpace {
  readonly #directory: string;
  readonly #maxBytes: number;
  readonly #flushFile: (fd: number) => Promise<void>;
  readonly #open = new Map<number, number>();
  /** Packs that were written to since the last flush, and are no longer current. */
  readonly #dirty = new Map<number, CurrentPack>();
  #current: CurrentPack | undefined;
  #isCurrentDirty = false;
  #last: number;
  #flushing: Promise<unknown> = Promise.resolve();
  /** Packs that a flush has failed for, and from where on nothing is there. */
  readonly #cut = new Map<number, number>();
  readonly #scratch = new Uint8Array(RECORD_HEADER_BYTES + MAX_CHUNK_BYTES);

  private constructor(
    directory: string,
    last: number,
    maxBytes: number,
    flushFile: NonNullable<PackOptions["flushFile"]> = promisify(fsync),
  ) {
    this.#directory = directory;
    this.#last = last;
    this.#maxBytes = maxBytes;
    this.#flushFile = flushFile;
  }

  /**
   * Opens the packs in `directory`, which exists. Of each of `sizes`, in bytes,
   * there has to be as much; what is more was never acknowledged, and goes.
   * @throws {SyncError} If a pack is missing, too short, or is none. Then nothing
   *   was changed.
   */
  static open(
    directory: string,
    sizes: ReadonlyMap<number, number>,
    options: PackOptions = {},
  ): PackFiles {
    const strays: string[] = [];
    const found = new Map<number, string>();
    for (const name of readdirSync(directory)) {
      const number = Number(/^(\d{1,10})\.pack$/.exec(name)?.[1] ?? NaN);
      if (!Number.isInteger(number)) continue;
      if (sizes.has(number)) found.set(number, name);
      else strays.push(name);
    }
    // All is looked at before anything is cut or removed.
    const tails: [path: string, size: number][] = [];
    for (const [number, size] of sizes) {
      const path = `${directory}/${number}.pack`;
      if (!found.has(number)) throw damaged(path, "it is missing");
      const actual = checkPack(path, number, size);
      if (actual > size) tails.push([path, size]);
    }
    for (const [path, size] of tails) truncate(path, size);
    for (const name of strays) remove(`${directory}/${name}`);
    if (strays.length > 0) flushDirectory(directory);
    const last = Math.max(0, ...sizes.keys());
    const maxBytes = options.maxBytes ?? MAX_PACK_BYTES;
    const packs = new PackFiles(directory, last, maxBytes, options.flushFile);
    packs.#goOn(sizes.get(last) ?? maxBytes);
    return packs;
  }

  /** The packs in `directory`, to be read only: nothing is looked at before. */
  static view(directory: string): Pick<PackFiles, "read" | "close"> {
    return new PackFiles(directory, 0, 0);
  }

  get current(): number | undefined {
    return this.#current?.number;
  }

  append(id: Uint8Array, bytes: Uint8Array): ChunkPlace {
    const length = bytes.length;
    if (length === 0 || length > MAX_CHUNK_BYTES || id.length !== ID_BYTES) {
      throw new RangeError(`Cannot store a chunk of ${length} bytes`);
    }
    this.#current ??= this.#begin();
    const current = this.#current;
    const record = this.#scratch.subarray(0, RECORD_HEADER_BYTES + length);
    const view = new DataView(record.buffer);
    view.setUint32(0, length);
    record.set(id, 4);
    record.set(bytes, RECORD_HEADER_BYTES);
    view.setUint32(CRC_AT, crcOf(record));
    const offset = current.end;
    this.#isCurrentDirty = true;
    try {
      writeAll(current.fd, record, offset, this.#pathOf(current.number));
    } catch (error) {
      cutOff(current.fd, offset);
      throw error;
    }
    current.end += record.length;
    if (current.end >= this.#maxBytes) this.startNewPack();
    return { pack: current.number, offset, length };
  }

  read(id: Uint8Array, { pack, offset, length }: ChunkPlace): Uint8Array {
    const record = new Uint8Array(RECORD_HEADER_BYTES + length);
    const path = this.#pathOf(pack);
    let got = 0;
    try {
      faultPoint("read");
      const fd = this.#openToRead(pack);
      while (got < record.length) {
        const count = readSync(
          fd,
          record,
          got,
          record.length - got,
          offset + got,
        );
        if (count === 0) break;
        got += count;
      }
    } catch (error) {
      throw fileSystemError(error, "read", path);
    }
    const view = new DataView(record.buffer);
    const isWhole = got === record.length && view.getUint32(0) === length &&
      view.getUint32(CRC_AT) === crcOf(record);
    const isIt = id.every((byte, i) => byte === record[4 + i]);
    if (isWhole && isIt) return record.subarray(RECORD_HEADER_BYTES);
    throw new IntegrityError(
      `The hub's data is damaged: ${displayPath(path)}, at byte ${offset}`,
    );
  }

  /**
   * One after the other: what a flush that is under way may not have seen is
   * waited for. After one has failed, it is not known what the disk holds of all
   * that was written since the last one: that is cut off, and these packs are
   * not written to any more.
   */
  flush(): Promise<ReadonlyMap<number, number>> {
    const flushed = this.#flushing.then(() => this.#flush());
    this.#flushing = flushed.catch(() => {});
    return flushed;
  }

  async #flush(): Promise<ReadonlyMap<number, number>> {
    const dirty = [...this.#dirty.values()];
    const current = this.#isCurrentDirty ? this.#current : undefined;
    if (current !== undefined) dirty.push(current);
    this.#isCurrentDirty = false;
    // What is written from now on is flushed by the next one.
    const ends = dirty.map((pack) => [pack, pack.end] as const);
    for (const [pack] of ends) {
      try {
        faultPoint("change");
        await this.#flushFile(pack.fd);
      } catch (error) {
        this.#giveUpUnflushed();
        throw fileSystemError(error, "flush", this.#pathOf(pack.number));
      }
    }
    for (const [pack, end] of ends) {
      pack.durable = end;
      if (pack === current) continue;
      this.#dirty.delete(pack.number);
      closeSync(pack.fd);
    }
    return new Map(ends.map(([{ number }, end]) => [number, end]));
  }

  /** What was written since the last flush is gone, and the next chunk begins a pack. */
  #giveUpUnflushed(): void {
    this.startNewPack();
    for (const { number, fd, durable } of this.#dirty.values()) {
      this.#cut.set(number, durable);
      cutOff(fd, durable);
      closeSync(fd);
      // A pack that nobody was told of. One that stays goes at the next start.
      if (durable === 0) unlinkQuietly(this.#pathOf(number));
    }
    this.#dirty.clear();
  }

  holds({ pack, offset }: ChunkPlace): boolean {
    return offset < (this.#cut.get(pack) ?? Infinity);
  }

  shorten(neededOf: (pack: number) => number): ReadonlyMap<number, number> {
    const shortened = new Map<number, number>();
    const current = this.#current === undefined ? [] : [this.#current];
    for (const pack of [...this.#dirty.values(), ...current]) {
      const needed = Math.max(neededOf(pack.number), PACK_HEADER_BYTES);
      if (needed >= pack.end) continue;
      pack.end = needed;
      pack.durable = Math.min(pack.durable, needed);
      cutOff(pack.fd, needed);
      shortened.set(pack.number, needed);
    }
    return shortened;
  }

  startNewPack(): void {
    const current = this.#current;
    if (current === undefined) return;
    // The next flush closes it.
    this.#current = undefined;
    this.#isCurrentDirty = false;
    this.#dirty.set(current.number, current);
  }

  remove(pack: number): void {
    const fd = this.#open.get(pack);
    if (fd !== undefined) closeSync(fd);
    this.#open.delete(pack);
    remove(this.#pathOf(pack));
    flushDirectory(this.#directory);
  }

  close(): void {
    const current = this.#current;
    for (const { fd } of this.#dirty.values()) closeSync(fd);
    if (current !== undefined) closeSync(current.fd);
    for (const fd of this.#open.values()) closeSync(fd);
    this.#dirty.clear();
    this.#open.clear();
    this.#current = undefined;
  }

  /** Goes on with the last pack, of `size` bytes, where that has room. */
  #goOn(size: number): void {
    if (size >= this.#maxBytes) return;
    const path = this.#pathOf(this.#last);
    try {
      const fd = openSync(path, constants.O_RDWR);
      this.#current = { number: this.#last, fd, end: size, durable: size };
    } catch (error) {
      throw fileSystemError(error, "open", path);
    }
  }

  #begin(): CurrentPack {
    const number = this.#last + 1;
    const path = this.#pathOf(number);
    const header = new Uint8Array(PACK_HEADER_BYTES);
    header.set(MAGIC);
    const view = new DataView(header.buffer);
    view.setUint32(8, FORMAT);
    view.setUint32(12, number);
    let fd: number | undefined;
    try {
      faultPoint("change");
      fd = openSync(
        path,
        // What a try that failed has left is of no use.
        constants.O_CREAT | constants.O_TRUNC | constants.O_RDWR,
        0o600,
      );
      writeAll(fd, header, 0, path);
      flushDirectory(this.#directory);
    } catch (error) {
      if (fd !== undefined) {
        closeSync(fd);
        unlinkQuietly(path);
      }
      throw fileSystemError(error, "create", path);
    }
    this.#last = number;
    return { number, fd, end: PACK_HEADER_BYTES, durable: 0 };
  }

  #openToRead(pack: number): number {
    const written = this.#current?.number === pack
      ? this.#current
      : this.#dirty.get(pack);
    if (written !== undefined) return written.fd;
    const known = this.#open.get(pack);
    if (known !== undefined) {
      // The one that was used last goes to the end.
      this.#open.delete(pack);
      this.#open.set(pack, known);
      return known;
    }
    if (this.#open.size >= MAX_OPEN) {
      const [oldest, fd] = this.#open.entries().next().value!;
      this.#open.delete(oldest);
      closeSync(fd);
    }
    const fd = openSync(this.#pathOf(pack), constants.O_RDONLY);
    this.#open.set(pack, fd);
    return fd;
  }

  #pathOf(pack: number): string {
    return `${this.#directory}/${pack}.pack`;
  }
}

/** CRC-32 of the length, the id and the chunk in `record`. */
function crcOf(record: Uint8Array): number {
  const head = crc32(record.subarray(0, CRC_AT));
  return crc32(record.subarray(RECORD_HEADER_BYTES), head);
}

/** Looks at a pack that has to hold `size` bytes: how many it has. @throws {SyncError} */
export function checkPack(path: string, number: number, size: number): number {
  const header = new Uint8Array(PACK_HEADER_BYTES);
  let actual: number;
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY);
  } catch (error) {
    throw fileSystemError(error, "open", path);
  }
  try {
    actual = fstatSync(fd).size;
    readSync(fd, header, 0, header.length, 0);
  } catch (error) {
    throw fileSystemError(error, "read", path);
  } finally {
    closeSync(fd);
  }
  const view = new DataView(header.buffer);
  const isPack = MAGIC.every((byte, i) => header[i] === byte) &&
    view.getUint32(8) === FORMAT && view.getUint32(12) === number;
  if (!isPack) throw damaged(path, "it does not begin as a pack does");
  if (actual < size) {
    throw damaged(path, `it has ${actual} bytes, ${size} belong to it`);
  }
  return actual;
}

function damaged(path: string, reason: string): SyncError {
  return new SyncError(
    "failed",
    `The hub's data is damaged: ${displayPath(path)}: ${reason}; ` +
      "nothing was changed",
  );
}

function truncate(path: string, size: number): void {
  try {
    faultPoint("change");
    const fd = openSync(path, constants.O_RDWR);
    try {
      ftruncateSync(fd, size);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw fileSystemError(error, "shorten", path);
  }
}

/** Gives back what lies behind `size`. Where that fails, the next start does it. */
function cutOff(fd: number, size: number): void {
  try {
    ftruncateSync(fd, size);
  } catch {
    // Nobody was told of what is there, and it is written over.
  }
}

function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Nobody was told of it.
  }
}

function remove(path: string): void {
  try {
    faultPoint("change");
    unlinkSync(path);
  } catch (error) {
    throw fileSystemError(error, "remove", path);
  }
}

function flushDirectory(path: string): void {
  faultPoint("change");
  syncDirectory(path);
}

function writeAll(
  fd: number,
  bytes: Uint8Array,
  offset: number,
  path: string,
): void {
  try {
    faultPoint("change");
    for (let at = 0; at < bytes.length;) {
      at += writeSync(fd, bytes, at, bytes.length - at, offset + at);
    }
  } catch (error) {
    throw fileSystemError(error, "write to", path);
  }
}
