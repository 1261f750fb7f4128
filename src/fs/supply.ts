/** Content on its way out: files of an open tree, cut into batches of pieces. */
import { displayPath, type Name, nameOf, parentOf } from "../core/path.ts";
import {
  type ContentBatch,
  MAX_BATCH_BYTES,
  MAX_BATCH_PIECES,
  type Piece,
  type SupplyRequest,
} from "../core/piece.ts";
import { isFileSystemError, messageOf } from "../errors.ts";
import { digestOfFile, stretchesOf } from "./content.ts";
import { DirectoryCursor, openFollowing } from "./directory_cursor.ts";
import type { Directory, ReadableFile } from "./file_system.ts";
import { Pacer } from "./pacer.ts";
import { isSameVersion } from "./version.ts";

/** Files up to this size are read in one call, and not searched for zeros. */
const SMALL_FILE_BYTES = 64 * 1024;

/** Most unavailable files in one batch: their messages have to fit it too. */
const MAX_UNAVAILABLE = 12;

/**
 * Times are kept to the tick of the system's clock (up to 10 ms, on Windows 16) and
 * read to the millisecond: what is written so soon after a change may not show in the mtime.
 */
const RACY_MS = Deno.build.os === "windows" ? 25 : 12;

/** How a tree is read. */
export interface SupplyOptions {
  /** Whether links were followed by the scan, and so are followed here. */
  readonly follow: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Reads the files that `requests` ask for, in that order, from the tree below
 * `root`. Each file is announced as it was when the scan saw it, or as
 * unavailable: its stat after the last read must be the one that was scanned.
 */
export function supply(
  root: Directory,
  requests: Iterable<SupplyRequest>,
  options: SupplyOptions,
): ReadableStream<ContentBatch> {
  const supplier = new Supplier(root, requests[Symbol.iterator](), options);
  return new ReadableStream<ContentBatch>({
    async pull(controller): Promise<void> {
      try {
        options.signal?.throwIfAborted();
        const batch = await supplier.next();
        if (batch !== undefined) controller.enqueue(batch);
        else {
          supplier.close();
          controller.close();
        }
      } catch (error) {
        supplier.close();
        throw error;
      }
    },
    cancel(): void {
      supplier.close();
    },
  }, { highWaterMark: 2 });
}

/** A large file that is being read. */
interface OpenFile {
  readonly request: SupplyRequest;
  readonly file: ReadableFile;
  readonly parent: Directory | undefined;
  offset: number;
}

class Supplier {
  readonly #requests: Iterator<SupplyRequest>;
  readonly #options: SupplyOptions;
  readonly #cursor: DirectoryCursor;
  readonly #pacer = new Pacer();
  readonly #breathe = (): Promise<void> | undefined => this.#pacer.turn();
  /** Buffers of batches that were used up: new memory would cost more than reading. */
  readonly #free: Uint8Array<ArrayBuffer>[] = [];
  #current: OpenFile | undefined;
  #waiting: SupplyRequest | undefined;
  #unavailable = 0;
  #ended = false;

  constructor(
    root: Directory,
    requests: Iterator<SupplyRequest>,
    options: SupplyOptions,
  ) {
    this.#requests = requests;
    this.#options = options;
    this.#cursor = new DirectoryCursor(
      root,
      options.follow ? { open: openFollowing } : {},
    );
  }

  /** The next batch, or undefined at the end. */
  async next(): Promise<ContentBatch | undefined> {
    const buffer = this.#free.pop() ?? new Uint8Array(MAX_BATCH_BYTES);
    const pieces: Piece[] = [];
    let used = 0;
    this.#unavailable = 0;
    while (
      used < buffer.length && pieces.length < MAX_BATCH_PIECES &&
      this.#unavailable < MAX_UNAVAILABLE
    ) {
      const pause = this.#pacer.turn();
      if (pause !== undefined) await pause;
      if (this.#current !== undefined) {
        // Zeros are found by the word, so the bytes have to lie on one.
        used = (used + 7) & ~7;
        if (used >= buffer.length) break;
        used += await this.#readOn(
          this.#current,
          buffer.subarray(used),
          pieces,
        );
        continue;
      }
      const request = this.#take();
      if (request === undefined) break;
      const { entry } = request;
      // Somebody may be writing to it: read now, a later write could go unseen.
      const age = Date.now() - entry.mtime;
      if (age >= 0 && age < RACY_MS) await sleep(RACY_MS - age);
      if (request.resume !== undefined || entry.size > SMALL_FILE_BYTES) {
        await this.#open(request, pieces);
      } else if (used + entry.size < buffer.length) {
        // One byte more than it should hold, to see whether it grew.
        const room = buffer.subarray(used, used + entry.size + 1);
        used += await this.#readSmall(request, room, pieces);
      } else {
        this.#waiting = request;
        break;
      }
    }
    if (pieces.length === 0) return undefined;
    let byteLength = 0;
    for (const piece of pieces) {
      if (piece.kind === "data") byteLength += piece.bytes.length;
    }
    return { pieces, byteLength, release: () => void this.#free.push(buffer) };
  }

  close(): void {
    this.#ended = true;
    this.#closeCurrent();
    this.#cursor.close();
  }

  #take(): SupplyRequest | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined || this.#ended) return waiting;
    const next = this.#requests.next();
    return next.done ? undefined : next.value;
  }

  async #readSmall(
    request: SupplyRequest,
    room: Uint8Array,
    pieces: Piece[],
  ): Promise<number> {
    const { index, path, entry } = request;
    let found: Located | undefined;
    try {
      const parent = await this.#cursor.at(parentOf(path)!);
      found = this.#options.follow
        ? await locate(parent, nameOf(path))
        : undefined;
      const { length, stat } = found === undefined
        ? await parent.readFile(nameOf(path), room)
        : await found.directory.readFile(found.name, room);
      if (length !== entry.size || !isSameVersion(entry, stat)) {
        pieces.push(this.#changed(request));
        return 0;
      }
      const bytes = room.subarray(0, length);
      pieces.push({ kind: "data", index, offset: 0, bytes, last: true });
      return length;
    } catch (error) {
      pieces.push(this.#failed(request, error));
      return 0;
    } finally {
      found?.owned?.close();
    }
  }

  async #open(request: SupplyRequest, pieces: Piece[]): Promise<void> {
    const { path, entry, resume } = request;
    let found: Located | undefined;
    let file: ReadableFile | undefined;
    try {
      const parent = await this.#cursor.at(parentOf(path)!);
      found = this.#options.follow
        ? await locate(parent, nameOf(path))
        : { directory: parent, name: nameOf(path), owned: undefined };
      file = await found.directory.openFile(found.name);
      let offset = 0;
      if (!isSameVersion(entry, await file.stat())) {
        pieces.push(this.#changed(request));
        file.close();
        found.owned?.close();
        return;
      }
      if (resume !== undefined && resume.offset <= entry.size) {
        const read = await digestOfFile(file, resume.offset, this.#breathe);
        if (read.digest === resume.digest) offset = resume.offset;
      }
      this.#current = { request, file, parent: found.owned, offset };
    } catch (error) {
      file?.close();
      found?.owned?.close();
      pieces.push(this.#failed(request, error));
    }
  }

  /** Reads on in a large file: how much of `room` it took. */
  async #readOn(
    current: OpenFile,
    room: Uint8Array,
    pieces: Piece[],
  ): Promise<number> {
    const { request, file } = current;
    const { index, entry } = request;
    try {
      const wanted = Math.min(room.length, entry.size - current.offset);
      let length = 0;
      while (length < wanted) {
        const count = await file.read(
          room.subarray(length, wanted),
          current.offset + length,
        );
        if (count === 0) break;
        length += count;
      }
      const end = current.offset + length;
      const last = end === entry.size;
      if (
        length < wanted || (last && !isSameVersion(entry, await file.stat()))
      ) {
        pieces.push(this.#changed(request));
        this.#closeCurrent();
        return 0;
      }
      const used = putPieces(
        pieces,
        index,
        current.offset,
        room.subarray(0, length),
        last,
      );
      current.offset = end;
      if (last) this.#closeCurrent();
      return used;
    } catch (error) {
      pieces.push(this.#failed(request, error));
      this.#closeCurrent();
      return 0;
    }
  }

  /** The file is not what the scan saw. */
  #changed({ index, path }: SupplyRequest): Piece {
    this.#unavailable++;
    return {
      kind: "unavailable",
      index,
      code: "stale",
      message: `${displayPath(path)} was changed while it was being read`,
    };
  }

  #failed({ index, path }: SupplyRequest, error: unknown): Piece {
    if (!isFileSystemError(error)) throw error;
    this.#unavailable++;
    const gone = error.code === "not-found" || error.code === "not-a-directory";
    return {
      kind: "unavailable",
      index,
      code: gone ? "stale" : "unreadable",
      message: gone
        ? `${displayPath(path)} went away while it was being read`
        : messageOf(error),
    };
  }

  #closeCurrent(): void {
    this.#current?.file.close();
    this.#current?.parent?.close();
    this.#current = undefined;
  }
}

/**
 * Turns `bytes`, which stand at `offset` of file `index`, into pieces. Answers
 * how many bytes the pieces refer to, counted from the start of `bytes`: a tail
 * of zeros gives its room back.
 */
function putPieces(
  pieces: Piece[],
  index: number,
  offset: number,
  bytes: Uint8Array,
  last: boolean,
): number {
  if (bytes.length === 0) {
    // Nothing left to say but that the file ends here.
    pieces.push({ kind: "data", index, offset, bytes, last });
    return 0;
  }
  let used = 0;
  for (const { zero, start, end } of stretchesOf(bytes)) {
    const ends = last && end === bytes.length;
    if (zero) {
      const before = pieces.at(-1);
      if (
        before?.kind === "hole" && before.index === index && start === 0
      ) {
        pieces.pop();
        pieces.push({
          ...before,
          length: before.length + end,
          last: ends,
        });
      } else {
        pieces.push({
          kind: "hole",
          index,
          offset: offset + start,
          length: end - start,
          last: ends,
        });
      }
    } else {
      pieces.push({
        kind: "data",
        index,
        offset: offset + start,
        bytes: bytes.subarray(start, end),
        last: ends,
      });
      used = end;
    }
  }
  return used;
}

/** A file, found through a link or not. */
interface Located {
  readonly directory: Directory;
  readonly name: Name;
  /** The directory, where it was opened for this file and has to be closed. */
  readonly owned: Directory | undefined;
}

async function locate(parent: Directory, name: Name): Promise<Located> {
  const stat = await parent.lookup(name);
  if (stat?.kind !== "symlink") {
    return { directory: parent, name, owned: undefined };
  }
  const { directory, name: found } = await parent.follow(name);
  // A directory now, where the scan saw a file: reading it will say so.
  return found === undefined
    ? { directory: parent, name, owned: directory }
    : { directory, name: found, owned: directory };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
