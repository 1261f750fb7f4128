/**
 * Makes one file of a hub out of chunks that it has and what comes: gaps are
 * filled in order, and every chunk is proven before it counts.
 */
import { decodeDelta } from "../content/delta_codec.ts";
import { patch } from "../content/delta.ts";
import type { BaseRange, Gap } from "../content/gap.ts";
import type { Recipe } from "../content/recipe.ts";
import { lengthOf, type Piece } from "../core/piece.ts";
import { ProtocolError } from "../errors.ts";
import { Pacer } from "../fs/pacer.ts";
import type { ContentPiece, Distrust, IncomingFile } from "./incoming_file.ts";
import type { ContentReader, RecipeWriter, StoredContent } from "./store.ts";

/** How a file is made of what is here. */
export interface AssemblyPlan {
  readonly kind: "made";
  readonly recipe: Recipe;
  /** Where each chunk begins, see `offsetsOf`. */
  readonly offsets: Float64Array;
  /** What has to come, in order; each with what was signed for it. */
  readonly gaps: readonly Gap[];
  /** What the regions of gaps are in; closed by whoever has the plan. */
  readonly bases: readonly ContentReader[];
  readonly writer: RecipeWriter;
}

/** One file that is being made. */
export class HubAssembly implements IncomingFile {
  readonly index: number;
  readonly #plan: AssemblyPlan;
  readonly #pacer = new Pacer();
  #gap = 0;
  /** Content of the gap that is coming, and how much of it is there. */
  #bytes: Uint8Array = new Uint8Array(0);
  #filled = 0;
  #region: Uint8Array | undefined;
  #usedDelta = false;
  /** Whether it is about what came, and not about what is here. */
  #isFilling = false;

  constructor(index: number, plan: AssemblyPlan) {
    this.index = index;
    this.#plan = plan;
  }

  get distrust(): Distrust | undefined {
    if (!this.#isFilling) return undefined;
    // Its short sums may have lied.
    return this.#usedDelta ? "delta" : "recipe";
  }

  abort(): void {
    this.#plan.writer.abort();
  }

  async put(
    piece: ContentPiece,
    signal?: AbortSignal,
  ): Promise<StoredContent | undefined> {
    const { gaps, recipe, writer } = this.#plan;
    const gap = gaps[this.#gap];
    if (gap === undefined) {
      if (lengthOf(piece) > 0 || piece.offset !== recipe.size) {
        throw misplaced(piece);
      }
    } else await this.#fill(gap, piece, signal);
    const isEnd = this.#gap >= gaps.length;
    if (piece.last !== isEnd) throw misplaced(piece);
    if (!isEnd) return undefined;
    await this.#copyUpTo(recipe.lengths.length, signal);
    return writer.finish();
  }

  async #fill(
    gap: Gap,
    piece: ContentPiece,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const length = lengthOf(piece);
    if (
      length === 0 || piece.offset !== gap.offset + this.#filled ||
      this.#filled + length > gap.length
    ) throw misplaced(piece);
    if (this.#filled === 0) {
      await this.#copyUpTo(gap.first, signal);
      if (this.#bytes.length < gap.length) {
        this.#bytes = new Uint8Array(gap.length);
      }
      this.#region = undefined;
      this.#usedDelta = false;
    }
    const room = this.#bytes.subarray(this.#filled, this.#filled + length);
    if (piece.kind === "data") room.set(piece.bytes);
    else if (piece.kind === "hole") room.fill(0);
    else room.set(this.#patched(gap, piece));
    this.#filled += length;
    if (this.#filled < gap.length) return;
    this.#putChunks(gap);
    this.#filled = 0;
    this.#gap++;
  }

  #putChunks({ first, count, offset }: Gap): void {
    const { offsets, writer } = this.#plan;
    this.#isFilling = true;
    for (let i = first; i < first + count; i++) {
      writer.put(
        this.#bytes.subarray(offsets[i]! - offset, offsets[i + 1]! - offset),
      );
    }
    this.#isFilling = false;
  }

  #patched(
    gap: Gap,
    { bytes, length }: Extract<Piece, { kind: "delta" }>,
  ): Uint8Array {
    if (gap.region.length === 0) {
      throw new ProtocolError("A delta came for what has no signature");
    }
    const { bases } = this.#plan;
    this.#region ??= readRegion(bases, gap.region);
    this.#usedDelta = true;
    const bounds = { regionBytes: this.#region.length, targetBytes: length };
    return patch(this.#region, decodeDelta(bytes, bounds), length);
  }

  async #copyUpTo(
    end: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { writer } = this.#plan;
    while (writer.next < end) {
      writer.copy();
      const pause = this.#pacer.turn();
      if (pause === undefined) continue;
      await pause;
      signal?.throwIfAborted();
    }
  }
}

/**
 * The bytes of `region` in `bases`, one range after the other.
 * @throws {IntegrityError} If they are damaged.
 */
export function readRegion(
  bases: readonly ContentReader[],
  region: readonly BaseRange[],
): Uint8Array {
  const bytes = new Uint8Array(
    region.reduce((sum, range) => sum + range.length, 0),
  );
  let at = 0;
  for (const { base, offset, length } of region) {
    at += bases[base]!.read(bytes.subarray(at, at + length), offset);
  }
  return bytes;
}

function misplaced(piece: Piece): ProtocolError {
  return new ProtocolError(
    `Content for file ${piece.index} does not fit the gaps that were asked for`,
  );
}
