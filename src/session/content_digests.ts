/** Digests of files, taken from their content as it passes. */
import { createHash, type Hash } from "node:crypto";
import { type Change, countPlannedFiles, filesOf } from "../core/change.ts";
import type { Digest } from "../core/entry.ts";
import type { RelPath } from "../core/path.ts";
import type { ContentBatch, Piece } from "../core/piece.ts";

const DIGEST_BYTES = 32;
const ZEROS = new Uint8Array(64 * 1024);

/** The file whose pieces come at the moment. */
interface Current {
  readonly index: number;
  readonly hash: Hash;
  /** Bytes so far: a gap means that not all of the file passes here. */
  length: number;
}

/** SHA-256 of those files of a list of changes that pass as a whole. */
export class ContentDigests {
  readonly #changes: readonly Change[];
  /** One after the other, by the number of the file. */
  readonly #digests: Uint8Array;
  readonly #known: Uint8Array;
  #current: Current | undefined;

  constructor(changes: readonly Change[]) {
    this.#changes = changes;
    const count = countPlannedFiles(changes);
    this.#digests = new Uint8Array(count * DIGEST_BYTES);
    this.#known = new Uint8Array(count);
  }

  /** Takes content; the pieces of a file come in order, and one file after the other. */
  add({ pieces }: ContentBatch): void {
    for (const piece of pieces) {
      if (piece.kind === "unavailable") this.#current = undefined;
      else this.#addPiece(piece);
    }
  }

  /**
   * Finds digests by path. The paths that are asked for come in the order that
   * `filesOf` has them; undefined for a file that did not pass as a whole.
   */
  lookup(): (path: RelPath) => Digest | undefined {
    const files = filesOf(this.#changes);
    return (path) => {
      for (;;) {
        const { done, value } = files.next();
        if (done) return undefined;
        if (value.path === path) return this.#digest(value.index);
      }
    };
  }

  #addPiece(piece: Exclude<Piece, { kind: "unavailable" }>): void {
    const { index, offset, last } = piece;
    if (offset === 0) {
      this.#current = { index, hash: createHash("sha256"), length: 0 };
    }
    const current = this.#current;
    if (current?.index !== index || current.length !== offset) {
      this.#current = undefined;
      return;
    }
    if (piece.kind === "data") {
      current.hash.update(piece.bytes);
      current.length += piece.bytes.length;
    } else {
      for (let left = piece.length; left > 0; left -= ZEROS.length) {
        current.hash.update(ZEROS.subarray(0, left));
      }
      current.length += piece.length;
    }
    if (!last) return;
    this.#current = undefined;
    if (index >= this.#known.length) return;
    this.#digests.set(current.hash.digest(), index * DIGEST_BYTES);
    this.#known[index] = 1;
  }

  #digest(index: number): Digest | undefined {
    if (this.#known[index] !== 1) return undefined;
    const start = index * DIGEST_BYTES;
    return this.#digests.subarray(start, start + DIGEST_BYTES).toHex();
  }
}
