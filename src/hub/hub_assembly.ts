/**
 * Makes one file of a hub out of chunks that it has and what comes: gaps are
 * filled in order, and every chunk is proven before it counts.
 */
import type { BaseRange, Gap } from "../content/gap.ts";
import { GapContent } from "../content/gap_content.ts";
import type { Recipe } from "../content/recipe.ts";
import type { ContentPiece } from "../core/piece.ts";
import { Pacer } from "../fs/pacer.ts";
import type { Distrust, IncomingFile } from "./incoming_file.ts";
import type { ContentReader, RecipeWriter, StoredContent } from "./store.ts";

/** How a file is made of what is here. */
export interface HubAssemblyPlan {
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
  readonly #plan: HubAssemblyPlan;
  readonly #pacer = new Pacer();
  readonly #gaps: GapContent;
  /** Whether it is about what came, and not about what is here. */
  #isFilling = false;

  constructor(index: number, plan: HubAssemblyPlan) {
    this.index = index;
    this.#plan = plan;
    this.#gaps = new GapContent(plan.gaps, plan.recipe.size);
  }

  get distrust(): Distrust | undefined {
    if (!this.#isFilling) return undefined;
    // Its short sums may have lied.
    return this.#gaps.usedDelta ? "delta" : "recipe";
  }

  abort(): void {
    this.#plan.writer.abort();
  }

  async put(
    piece: ContentPiece,
    signal?: AbortSignal,
  ): Promise<StoredContent | undefined> {
    const { recipe, writer } = this.#plan;
    const gap = this.#gaps.gapFor(piece);
    if (gap !== undefined) await this.#fill(gap, piece, signal);
    if (!this.#gaps.isLast(piece)) return undefined;
    await this.#copyUpTo(recipe.lengths.length, signal);
    return writer.finish();
  }

  async #fill(
    gap: Gap,
    piece: ContentPiece,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (this.#gaps.isBetweenGaps) await this.#copyUpTo(gap.first, signal);
    const region = this.#gaps.needsRegion(gap, piece)
      ? readRegion(this.#plan.bases, gap.region)
      : undefined;
    const content = this.#gaps.add(gap, piece, region);
    if (content !== undefined) this.#putChunks(gap, content);
  }

  #putChunks({ first, count, offset }: Gap, content: Uint8Array): void {
    const { offsets, writer } = this.#plan;
    this.#isFilling = true;
    for (let i = first; i < first + count; i++) {
      writer.put(
        content.subarray(offsets[i]! - offset, offsets[i + 1]! - offset),
      );
    }
    this.#isFilling = false;
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
