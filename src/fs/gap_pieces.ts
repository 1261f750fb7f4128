/** The pieces that fill the gaps of one file: bytes, or deltas where that is less. */
import { encodeDelta } from "../content/delta_codec.ts";
import { delta, type DeltaOperation } from "../content/delta.ts";
import type { GapRequest } from "../content/description.ts";
import type { Piece } from "../core/piece.ts";
import { stretchesOf } from "./content.ts";
import type { ReadableFile } from "./file_system.ts";
import { putPieces } from "./put_pieces.ts";

/** A delta is sent in parts of about this many bytes. */
const DELTA_PART_BYTES = 32 * 1024;

/** A delta that spares fewer bytes than this is not worth its while. */
const LEAST_SPARED_BYTES = 1_024;

/** What an operation takes beside its literal bytes. */
const OPERATION_BYTES = 8;

type DeltaPiece = Extract<Piece, { kind: "delta" | "hole" }>;

/** Reads the gaps of an open file, in order; whoever opened it closes it. */
export class GapPieces {
  readonly #index: number;
  readonly #size: number;
  readonly #gaps: readonly GapRequest[];
  readonly #file: Pick<ReadableFile, "read">;
  /** Number of the gap that is read, and how much of it was. */
  #gap = 0;
  #done = 0;
  /** Deltas that are ready to be sent, in order, and zeros between them. */
  #deltas: DeltaPiece[] = [];
  #isLiteral = false;
  #saidEnd = false;

  constructor(
    index: number,
    size: number,
    gaps: readonly GapRequest[],
    file: Pick<ReadableFile, "read">,
  ) {
    this.#index = index;
    this.#size = size;
    this.#gaps = gaps;
    this.#file = file;
  }

  /** Whether all pieces were given. */
  get isOver(): boolean {
    return this.#gap === this.#gaps.length &&
      (this.#gaps.length > 0 || this.#saidEnd);
  }

  /**
   * Adds the next pieces to `pieces`: how many bytes they have, at most as many as
   * there are in `room`, which those that are no delta lie in. Undefined if the
   * file is too short.
   */
  async next(room: Uint8Array, pieces: Piece[]): Promise<number | undefined> {
    const gap = this.#gaps[this.#gap];
    if (gap === undefined) {
      // Nothing is lacking but that this is said.
      const bytes = room.subarray(0, 0);
      const index = this.#index;
      const last = true;
      pieces.push({ kind: "data", index, offset: this.#size, bytes, last });
      this.#saidEnd = true;
      return 0;
    }
    const { signature } = gap;
    const begins = this.#done === 0 && this.#deltas.length === 0;
    if (signature !== undefined && begins && !this.#isLiteral) {
      const content = new Uint8Array(gap.length);
      if (!await this.#read(gap.offset, content)) return undefined;
      const { operations, literalBytes } = delta(content, signature);
      this.#isLiteral = gap.length - literalBytes < LEAST_SPARED_BYTES;
      if (!this.#isLiteral) this.#deltas = this.#partsOf(gap, operations);
    }
    if (this.#deltas.length > 0) return this.#putDeltas(gap, room, pieces);
    const length = Math.min(room.length, gap.length - this.#done);
    const bytes = room.subarray(0, length);
    const offset = gap.offset + this.#done;
    if (!await this.#read(offset, bytes)) return undefined;
    this.#done += length;
    const isEnd = this.#done === gap.length;
    const last = isEnd && this.#gap === this.#gaps.length - 1;
    if (isEnd) this.#nextGap();
    // Apart from those of the gap before: a hole would grow over what lies between.
    const own: Piece[] = [];
    const used = putPieces(own, this.#index, offset, bytes, last);
    for (const piece of own) pieces.push(piece);
    return used;
  }

  #putDeltas(gap: GapRequest, room: Uint8Array, pieces: Piece[]): number {
    let used = 0;
    for (const piece of this.#deltas) {
      const bytes = piece.kind === "delta" ? piece.bytes.length : 0;
      // One of them fits any batch, whatever is in there.
      if (used > 0 && used + bytes > room.length) break;
      used += bytes;
      pieces.push(piece);
    }
    const given = pieces.at(-1) as DeltaPiece;
    this.#deltas = this.#deltas.slice(this.#deltas.indexOf(given) + 1);
    if (given.offset + given.length === gap.offset + gap.length) {
      this.#nextGap();
    } else this.#done = given.offset + given.length - gap.offset;
    return used;
  }

  #nextGap(): void {
    this.#gap++;
    this.#done = 0;
    this.#deltas = [];
    this.#isLiteral = false;
  }

  async #read(offset: number, into: Uint8Array): Promise<boolean> {
    let length = 0;
    while (length < into.length) {
      const count = await this.#file.read(
        into.subarray(length),
        offset + length,
      );
      if (count === 0) return false;
      length += count;
    }
    return true;
  }

  /** `operations`, which make all of `gap`, as pieces of their own. */
  #partsOf(
    gap: GapRequest,
    operations: readonly DeltaOperation[],
  ): DeltaPiece[] {
    const parts: DeltaPiece[] = [];
    const index = this.#index;
    const end = gap.offset + gap.length;
    const isLastGap = this.#gap === this.#gaps.length - 1;
    let offset = gap.offset;
    let part: DeltaOperation[] = [];
    let bytes = 0;
    let length = 0;
    const isLast = (): boolean => isLastGap && offset + length === end;
    const flush = (): void => {
      if (part.length === 0) return;
      parts.push({
        kind: "delta",
        index,
        offset,
        length,
        bytes: encodeDelta(part),
        last: isLast(),
      });
      offset += length;
      part = [];
      bytes = length = 0;
    };
    const add = (operation: DeltaOperation, makes: number): void => {
      part.push(operation);
      bytes += OPERATION_BYTES +
        (operation.kind === "literal" ? makes : 0);
      length += makes;
      if (bytes >= DELTA_PART_BYTES) flush();
    };
    for (const operation of operations) {
      if (operation.kind === "copy") {
        add(operation, operation.length);
        continue;
      }
      for (const { zero, start, end } of stretchesOf(operation.bytes)) {
        if (zero) {
          flush();
          length = end - start;
          parts.push({ kind: "hole", index, offset, length, last: isLast() });
          offset += length;
          length = 0;
          continue;
        }
        for (let at = start; at < end;) {
          const room = Math.max(DELTA_PART_BYTES - bytes, 1);
          const literal = operation.bytes.subarray(
            at,
            Math.min(at + room, end),
          );
          at += literal.length;
          add({ kind: "literal", bytes: literal }, literal.length);
        }
      }
    }
    flush();
    return parts;
  }
}
