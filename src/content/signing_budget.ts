/** How much is signed, over all files of one staging. */
import type { Gap } from "./gap.ts";
import { WEAK_BITS } from "./rolling.ts";
import { type BlockShape, shapeFor } from "./signature.ts";

/** What signatures may take; gaps that find no room come as they are. */
export class SigningBudget {
  readonly #maxBytes: number;
  #bytes = 0;

  /** @param maxBytes Most bytes in all signatures. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * The shape in which the region of `gap` is to be signed; undefined where there
   * is no region, or no room any more.
   */
  shapeOf({ region, length }: Gap): BlockShape | undefined {
    if (region.length === 0) return undefined;
    const regionBytes = region.reduce((sum, range) => sum + range.length, 0);
    const shape = shapeFor(regionBytes, length);
    this.#bytes += regionBytes / shape.blockBytes *
      (WEAK_BITS / 8 + shape.strongBytes);
    return this.#bytes > this.#maxBytes ? undefined : shape;
  }
}
