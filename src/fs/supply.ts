/** Content on its way out: files of an open tree, cut into batches of pieces. */
import { createHash } from "node:crypto";
import type { ContentRequest } from "../content/description.ts";
import { displayPath, nameOf, parentOf } from "../core/path.ts";
import {
  type ContentBatch,
  MAX_BATCH_BYTES,
  MAX_BATCH_PIECES,
  type Piece,
} from "../core/piece.ts";
import { isFileSystemError, messageOf } from "../errors.ts";
import { digestOfFile } from "./content.ts";
import { DirectoryCursor, openFollowing } from "./directory_cursor.ts";
import type { Directory } from "./file_system.ts";
import { GapPieces } from "./gap_pieces.ts";
import {
  isFresh,
  locate,
  type Located,
  openSeen,
  type SeenFile,
  settled,
} from "./open_seen.ts";
import { Pacer } from "./pacer.ts";
import { putPieces } from "./put_pieces.ts";
import { isSameVersion } from "./version.ts";

/** Files up to this size are read in one call, and not searched for zeros. */
const SMALL_FILE_BYTES = 64 * 1024;

/** Most unavailable files in one batch: their messages have to fit it too. */
const MAX_UNAVAILABLE = 12;

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
  requests: Iterable<ContentRequest>,
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
  readonly request: ContentRequest;
  readonly opened: SeenFile;
  /** There where only gaps are asked for. */
  readonly gaps: GapPieces | undefined;
  offset: number;
}

class Supplier {
  readonly #requests: Iterator<ContentRequest>;
  readonly #options: SupplyOptions;
  readonly #cursor: DirectoryCursor;
  readonly #pacer = new Pacer();
  readonly #breathe = (): Promise<void> | undefined => this.#pacer.turn();
  /** Buffers of batches that were used up: new memory would cost more than reading. */
  readonly #free: Uint8Array<ArrayBuffer>[] = [];
  #current: OpenFile | undefined;
  #waiting: ContentRequest | undefined;
  #unavailable = 0;
  #ended = false;

  constructor(
    root: Directory,
    requests: Iterator<ContentRequest>,
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
        const room = buffer.subarray(used);
        used += this.#current.gaps === undefined
          ? await this.#readOn(this.#current, room, pieces)
          : await this.#readGaps(
            this.#current,
            this.#current.gaps,
            room,
            pieces,
          );
        continue;
      }
      const request = this.#take();
      if (request === undefined) break;
      const { entry, gaps, resume } = request;
      const isLarge = entry.size > SMALL_FILE_BYTES || gaps !== undefined ||
        resume !== undefined;
      // Somebody may be writing to it; a known digest proves what is read at once.
      const isProven = !isLarge && entry.digest !== undefined;
      const waiting = isProven ? undefined : settled(entry);
      if (waiting !== undefined) await waiting;
      if (isLarge) {
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
      if ("bytes" in piece) byteLength += piece.bytes.length;
    }
    return { pieces, byteLength, release: () => void this.#free.push(buffer) };
  }

  close(): void {
    this.#ended = true;
    this.#closeCurrent();
    this.#cursor.close();
  }

  #take(): ContentRequest | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined || this.#ended) return waiting;
    const next = this.#requests.next();
    return next.done ? undefined : next.value;
  }

  async #readSmall(
    request: ContentRequest,
    room: Uint8Array,
    pieces: Piece[],
  ): Promise<number> {
    const { index, path, entry } = request;
    let found: Located | undefined;
    const { digest } = entry;
    const toProve = digest !== undefined && isFresh(entry);
    try {
      const parent = await this.#cursor.at(parentOf(path)!);
      found = this.#options.follow
        ? await locate(parent, nameOf(path))
        : undefined;
      const { length, stat } = found === undefined
        ? await parent.readFile(nameOf(path), room)
        : await found.directory.readFile(found.name, room);
      const bytes = room.subarray(0, length);
      const isSame = length === entry.size && isSameVersion(entry, stat) &&
        (!toProve || digestOf(bytes) === digest);
      if (!isSame) {
        pieces.push(this.#changed(request));
        return 0;
      }
      pieces.push({ kind: "data", index, offset: 0, bytes, last: true });
      return length;
    } catch (error) {
      pieces.push(this.#failed(request, error));
      return 0;
    } finally {
      found?.owned?.close();
    }
  }

  async #open(request: ContentRequest, pieces: Piece[]): Promise<void> {
    const { index, path, entry, resume, gaps } = request;
    const { follow } = this.#options;
    let opened: SeenFile | undefined;
    try {
      opened = await openSeen(this.#cursor, path, entry, follow);
      if (opened === undefined) {
        pieces.push(this.#changed(request));
        return;
      }
      const { file } = opened;
      let offset = 0;
      if (resume !== undefined && resume.offset <= entry.size) {
        const read = await digestOfFile(file, resume.offset, this.#breathe);
        if (read.digest === resume.digest) offset = resume.offset;
      }
      this.#current = {
        request,
        opened,
        gaps: gaps && new GapPieces(index, entry.size, gaps, file),
        offset,
      };
    } catch (error) {
      opened?.close();
      pieces.push(this.#failed(request, error));
    }
  }

  /** Reads on in the gaps of a file: how much of a batch its pieces take. */
  async #readGaps(
    { request, opened: { file } }: OpenFile,
    gaps: GapPieces,
    room: Uint8Array,
    pieces: Piece[],
  ): Promise<number> {
    const before = pieces.length;
    try {
      const used = await gaps.next(room, pieces);
      if (used === undefined) {
        this.#closeCurrent();
        pieces.length = before;
        pieces.push(this.#changed(request));
        return 0;
      }
      if (!gaps.isOver) return used;
      const isSame = isSameVersion(request.entry, await file.stat());
      this.#closeCurrent();
      if (isSame) return used;
      pieces.length = before;
      pieces.push(this.#changed(request));
      return 0;
    } catch (error) {
      this.#closeCurrent();
      pieces.length = before;
      pieces.push(this.#failed(request, error));
      return 0;
    }
  }

  /** Reads on in a large file: how much of `room` it took. */
  async #readOn(
    current: OpenFile,
    room: Uint8Array,
    pieces: Piece[],
  ): Promise<number> {
    const { request, opened: { file } } = current;
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
  #changed({ index, path }: ContentRequest): Piece {
    this.#unavailable++;
    return {
      kind: "unavailable",
      index,
      code: "stale",
      message: `${displayPath(path)} was changed while it was being read`,
    };
  }

  #failed({ index, path }: ContentRequest, error: unknown): Piece {
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
    this.#current?.opened.close();
    this.#current = undefined;
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
