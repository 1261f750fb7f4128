/**
 * The content of what is lacking of one file, put together from the pieces that
 * come for it: gap after gap, each from its beginning to its end.
 */
import { type ContentPiece, lengthOf, type Piece } from "../core/piece.ts";
import { ProtocolError } from "../errors.ts";
import { decodeDelta } from "./delta_codec.ts";
import { patch } from "./delta.ts";
import type { Gap } from "./gap.ts";

/** The gaps of one file, as they fill. */
export class GapContent {
  readonly #gaps: readonly Gap[];
  /** Of the whole file, in bytes. */
  readonly #size: number;
  #gap = 0;
  /** Content of the gap that is coming, and how much of it is there. */
  #bytes: Uint8Array = new Uint8Array(0);
  #filled = 0;
  #region: Uint8Array | undefined;
  #usedDelta = false;

  constructor(gaps: readonly Gap[], size: number) {
    this.#gaps = gaps;
    this.#size = size;
  }

  /** Whether all gaps are full. */
  get isFull(): boolean {
    return this.#gap >= this.#gaps.length;
  }

  /** Whether a delta was applied in the last gap that has begun. */
  get usedDelta(): boolean {
    return this.#usedDelta;
  }

  /**
   * The gap that `piece` begins or goes on with; undefined for the end of a file
   * without any, or whose gaps are full.
   * @throws {ProtocolError} If it is not what comes next.
   */
  gapFor(piece: ContentPiece): Gap | undefined {
    const gap = this.#gaps[this.#gap];
    const length = lengthOf(piece);
    const fits = gap === undefined
      ? length === 0 && piece.offset === this.#size
      : length > 0 && piece.offset === gap.offset + this.#filled &&
        this.#filled + length <= gap.length;
    if (fits) return gap;
    throw misplaced(piece);
  }

  /** Whether the next piece is the first one of its gap. */
  get isBetweenGaps(): boolean {
    return this.#filled === 0;
  }

  /**
   * Whether {@link add} has to be given the region of `gap` with `piece`.
   * @throws {ProtocolError} If it is a delta, and nothing was signed for it.
   */
  needsRegion(gap: Gap, piece: ContentPiece): boolean {
    if (piece.kind !== "delta") return false;
    if (gap.region.length === 0) {
      throw new ProtocolError("A delta came for what has no signature");
    }
    return this.isBetweenGaps || this.#region === undefined;
  }

  /**
   * Takes `piece`, which is for `gap`; see {@link gapFor}.
   * @param region The bytes that were signed for the gap, where they are needed.
   * @returns The content of the gap, if that is all of it; good until the next call.
   * @throws {ProtocolError} If it is a delta, and no proper one.
   */
  add(
    gap: Gap,
    piece: ContentPiece,
    region?: Uint8Array,
  ): Uint8Array | undefined {
    if (this.isBetweenGaps) {
      if (this.#bytes.length < gap.length) {
        this.#bytes = new Uint8Array(gap.length);
      }
      this.#region = undefined;
      this.#usedDelta = false;
    }
    const length = lengthOf(piece);
    const room = this.#bytes.subarray(this.#filled, this.#filled + length);
    if (piece.kind === "data") room.set(piece.bytes);
    else if (piece.kind === "hole") room.fill(0);
    else {
      this.#region ??= region!;
      this.#usedDelta = true;
      const bounds = { regionBytes: this.#region.length, targetBytes: length };
      room.set(patch(this.#region, decodeDelta(piece.bytes, bounds), length));
    }
    this.#filled += length;
    if (this.#filled < gap.length) return undefined;
    this.#filled = 0;
    this.#gap++;
    return this.#bytes.subarray(0, gap.length);
  }

  /**
   * To be called behind each piece.
   * @returns Whether it was the last one of the file.
   * @throws {ProtocolError} If it says otherwise.
   */
  isLast(piece: ContentPiece): boolean {
    if (piece.last !== this.isFull) throw misplaced(piece);
    return piece.last;
  }
}

function misplaced(piece: Piece): ProtocolError {
  return new ProtocolError(
    `Content for file ${piece.index} does not fit the gaps that were asked for`,
  );
}
