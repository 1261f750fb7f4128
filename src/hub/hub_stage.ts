/** Content on its way into a hub, until the changes that need it are carried out. */
import type { PlannedFile } from "../core/change.ts";
import type { Digest } from "../core/entry.ts";
import { displayPath } from "../core/path.ts";
import type { ContentBatch, Piece } from "../core/piece.ts";
import type { Problem } from "../core/problem.ts";
import { nextTurn } from "../core/turn.ts";
import { isFileSystemError, ProtocolError } from "../errors.ts";
import type { ContentWriter, HubStore, StoredContent } from "./store.ts";

/** Content that is in the store. */
export interface ContentRef {
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
}

const ZEROS = new Uint8Array(256 * 1024);

/** Bytes of a hole after which others have their turn. */
const HOLE_TURN_BYTES = 16 * 1024 * 1024;

/** The content that one list of changes needs. Its owner closes it. */
export class HubStage {
  readonly #store: HubStore;
  readonly #files: readonly PlannedFile[];
  readonly #contents = new Map<number, ContentRef>();
  readonly #stored: StoredContent[] = [];
  readonly #failed = new Set<number>();
  readonly #problems: Problem[] = [];
  #current:
    | { readonly index: number; readonly writer: ContentWriter; length: number }
    | undefined;

  constructor(store: HubStore, files: readonly PlannedFile[]) {
    this.#store = store;
    this.#files = files;
  }

  /** What could not be had, so far. */
  get problems(): readonly Problem[] {
    return this.#problems;
  }

  /** The content of file number `index`, if all of it is here. */
  contentOf(index: number): ContentRef | undefined {
    return this.#contents.get(index);
  }

  /** The content of file number `index` was in the store before. */
  take(index: number, content: StoredContent): void {
    this.#contents.set(index, { digest: content.digest, size: content.size });
    this.#stored.push(content);
  }

  /** File number `index` is left out, because of `reason`: its content is not wanted. */
  refuse(index: number, reason: string): void {
    const shown = displayPath(this.#files[index]!.path);
    this.#fail(index, "failed", `${shown}: ${reason}`);
  }

  /**
   * Stores the pieces of `batch`.
   * @throws {ProtocolError} If a piece is not the one whose turn it is.
   * @throws {FileSystemError} `no-space` …
   */
  async accept(batch: ContentBatch): Promise<void> {
    for (const piece of batch.pieces) await this.#accept(piece);
  }

  /** Gives up what no change has taken. */
  close(): void {
    this.#current?.writer.abort();
    this.#current = undefined;
    for (const content of this.#stored.splice(0)) content.release();
  }

  async #accept(piece: Piece): Promise<void> {
    const { index } = piece;
    const file = this.#files[index];
    if (file === undefined || this.#contents.has(index)) {
      throw new ProtocolError(`Content for file ${index} was not asked for`);
    }
    if (this.#failed.has(index)) return;
    if (piece.kind === "unavailable") {
      if (this.#current?.index === index) this.#abort();
      return this.#fail(index, piece.code, piece.message);
    }
    const { size } = file.entry;
    if (this.#current === undefined) {
      this.#current = { index, writer: this.#store.write(), length: 0 };
    }
    const current = this.#current;
    const isNext = current.index === index && piece.offset === current.length;
    if (!isNext) throw new ProtocolError(`Content of file ${index} is missing`);
    const length = piece.kind === "data" ? piece.bytes.length : piece.length;
    current.length += length;
    if (current.length > size || (piece.last && current.length !== size)) {
      throw new ProtocolError(
        `File ${index} has ${current.length} bytes, ${size} were announced`,
      );
    }
    try {
      if (piece.kind === "data") current.writer.append(piece.bytes);
      else await appendZeros(current.writer, length);
      if (!piece.last) return;
      const content = current.writer.finish();
      this.#current = undefined;
      this.#stored.push(content);
      const { digest } = file.entry;
      if (digest !== undefined && digest !== content.digest) {
        const shown = displayPath(file.path);
        const message = `${shown}: the content does not match its digest`;
        return this.#fail(index, "failed", message);
      }
      this.#contents.set(index, { digest: content.digest, size });
    } catch (error) {
      if (!isFileSystemError(error)) throw error;
      this.#abort();
      if (error.code === "no-space") {
        // It is full for all that follows, and what has come takes others' room.
        this.close();
        throw error;
      }
      this.#fail(index, "failed", error.message);
    }
  }

  #abort(): void {
    this.#current?.writer.abort();
    this.#current = undefined;
  }

  #fail(index: number, code: Problem["code"], message: string): void {
    this.#failed.add(index);
    this.#problems.push({ path: this.#files[index]!.path, code, message });
  }
}

async function appendZeros(
  writer: ContentWriter,
  length: number,
): Promise<void> {
  for (let at = 0; at < length; at += ZEROS.length) {
    writer.append(ZEROS.subarray(0, Math.min(ZEROS.length, length - at)));
    if (at % HOLE_TURN_BYTES === 0) await nextTurn();
  }
}
