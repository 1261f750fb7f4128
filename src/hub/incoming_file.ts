/** One file on its way into a hub, piece by piece. */
import type { PlannedFile } from "../core/change.ts";
import { type ContentPiece, lengthOf } from "../core/piece.ts";
import { IntegrityError, ProtocolError } from "../errors.ts";
import { Pacer } from "../fs/pacer.ts";
import type { ContentWriter, HubStore, StoredContent } from "./store.ts";

const ZEROS = new Uint8Array(256 * 1024);

/**
 * How far a path can be trusted in this session: where a delta went wrong, chunks
 * are to come; where a recipe did, all of the file is.
 */
export type Distrust = "delta" | "recipe";

/** A file that is coming. */
export interface IncomingFile {
  readonly index: number;
  /** After it has failed: what of the sender was not to be trusted, if anything. */
  readonly distrust: Distrust | undefined;
  /**
   * Takes the next piece: the content, after the last one; the caller releases it.
   * @throws {ProtocolError} If it is not what comes next.
   * @throws {IntegrityError} If it does not make the file that was described.
   * @throws {FileSystemError} `no-space` …
   */
  put(
    piece: ContentPiece,
    signal?: AbortSignal,
  ): Promise<StoredContent | undefined>;
  /** Gives up what has come. */
  abort(): void;
}

/** A file that comes whole. */
export class WholeFile implements IncomingFile {
  readonly index: number;
  readonly distrust = undefined;
  readonly #size: number;
  readonly #writer: ContentWriter;
  readonly #pacer = new Pacer();
  #length = 0;

  constructor({ index, entry }: PlannedFile, writer: ContentWriter) {
    this.index = index;
    this.#size = entry.size;
    this.#writer = writer;
  }

  async put(
    piece: ContentPiece,
    signal?: AbortSignal,
  ): Promise<StoredContent | undefined> {
    if (piece.kind === "delta" || piece.offset !== this.#length) {
      throw new ProtocolError(`Content of file ${this.index} is missing`);
    }
    const length = lengthOf(piece);
    const end = this.#length += length;
    if (end > this.#size || (piece.last && end !== this.#size)) {
      throw new ProtocolError(
        `File ${this.index} has ${end} bytes, ${this.#size} were announced`,
      );
    }
    if (piece.kind === "data") this.#writer.append(piece.bytes);
    else await this.#appendZeros(length, signal);
    return piece.last ? this.#writer.finish() : undefined;
  }

  abort(): void {
    this.#writer.abort();
  }

  /** A few bytes on the wire may stand for as many zeros as they like. */
  async #appendZeros(
    length: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    for (let at = 0; at < length; at += ZEROS.length) {
      const rest = Math.min(ZEROS.length, length - at);
      this.#writer.append(ZEROS.subarray(0, rest));
      const pause = this.#pacer.turn();
      if (pause === undefined) continue;
      await pause;
      signal?.throwIfAborted();
    }
  }
}

/** A file that turned out to be here: nothing comes but its end. */
export class SameFile implements IncomingFile {
  readonly index: number;
  readonly distrust = undefined;
  readonly #store: HubStore;
  readonly #content: StoredContent;

  /** @param content Stays with the caller. */
  constructor(index: number, store: HubStore, content: StoredContent) {
    this.index = index;
    this.#store = store;
    this.#content = content;
  }

  put(piece: ContentPiece): Promise<StoredContent | undefined> {
    const { digest, size } = this.#content;
    if (lengthOf(piece) > 0 || piece.offset !== size || !piece.last) {
      const message = `Nothing of file ${this.index} was asked for`;
      return Promise.reject(new ProtocolError(message));
    }
    const held = this.#store.hold(digest);
    if (held !== undefined) return Promise.resolve(held);
    const message =
      `The hub's data is damaged: what file ${this.index} was found to be is not whole`;
    return Promise.reject(new IntegrityError(message));
  }

  abort(): void {}
}
