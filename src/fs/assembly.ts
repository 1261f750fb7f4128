/**
 * Makes one file out of what is there and what comes: chunks that are in their
 * place already stay, others are copied from the bases, and gaps are filled with
 * what was received. Every chunk is proven by its SHA-256 before it is written,
 * those that stay were when they were read.
 */
import type { Gap } from "../content/gap.ts";
import { GapContent } from "../content/gap_content.ts";
import { movesInPlace } from "../content/moves_in_place.ts";
import { chunkId, ID_BYTES, type Recipe } from "../content/recipe.ts";
import type { Run } from "../content/recipe_diff.ts";
import { displayPath, type RelPath } from "../core/path.ts";
import type { ContentPiece } from "../core/piece.ts";
import { IntegrityError, StaleError } from "../errors.ts";
import type { Candidate } from "./candidates.ts";
import { stretchesOf } from "./content.ts";
import type { WritableFile } from "./file_system.ts";
import type { OpenBases } from "./open_bases.ts";

/** Chunks are copied together up to this many bytes, at least one at a time. */
const COPY_BYTES = 1024 * 1024;

/** What a file is made of. */
export interface AssemblyPlan {
  readonly path: RelPath;
  readonly recipe: Recipe;
  /** Where each chunk begins, see `offsetsOf`. */
  readonly offsets: Float64Array;
  /** For each chunk whether it stays, 1 for yes; undefined where none does. */
  readonly staying: Uint8Array | undefined;
  readonly runs: readonly Run[];
  /** What is lacking; the region of each is what was signed for it, if anything. */
  readonly gaps: readonly Gap[];
  readonly bases: readonly Candidate[];
  /**
   * Whether the file begins as a copy of base 0, as far as that and the file itself
   * reach, made of bytes that were proven as they were copied.
   */
  readonly isDrafted: boolean;
}

/** One file that is being made; its owner closes the files that it works with. */
export class Assembly {
  readonly #plan: AssemblyPlan;
  readonly #file: WritableFile;
  readonly #bases: OpenBases;
  readonly #breathe: () => Promise<void> | undefined;
  /** From here on the file is new: what is not written there reads as zeros. */
  #dirtyEnd: number;
  /** For each chunk whether it is in its place, 1 for yes. */
  readonly #placed: Uint8Array;
  /** Chunks before this one are done. */
  #chunk = 0;
  #run = 0;
  readonly #gaps: GapContent;
  #copied: Uint8Array | undefined;

  /**
   * @param length From here on `file`, which is made in place, reads as zeros.
   * @param breathe Called between steps, so that a long file does not stop the world.
   */
  constructor(
    plan: AssemblyPlan,
    file: WritableFile,
    length: number,
    bases: OpenBases,
    breathe: () => Promise<void> | undefined,
  ) {
    this.#plan = plan;
    this.#gaps = new GapContent(plan.gaps, plan.recipe.size);
    this.#file = file;
    this.#dirtyEnd = length;
    this.#placed = plan.staying?.slice() ??
      new Uint8Array(plan.recipe.lengths.length);
    this.#bases = bases;
    this.#breathe = breathe;
  }

  /** Whether a delta was applied to what failed: its short sums may have lied. */
  get usedDelta(): boolean {
    return this.#gaps.usedDelta;
  }

  /**
   * Moves what is in the draft to where it belongs; to be called before pieces come.
   * What was moved was proven when it was written: it is in nobody else's hands.
   * @throws {FileSystemError} If the file can't be read or written.
   */
  async moveInPlace(): Promise<void> {
    const { runs, offsets, staying, bases, recipe, isDrafted } = this.#plan;
    if (!isDrafted) return;
    const limit = Math.min(bases[0]!.entry.size, recipe.size);
    const moves = movesInPlace({ runs, base: 0, limit, offsets, staying });
    for (const { first, count, from, to, length } of moves) {
      const buffer = this.#copied ??= new Uint8Array(COPY_BYTES);
      for (let done = 0; done < length;) {
        const size = Math.min(buffer.length, length - done);
        const at = to > from ? length - done - size : done;
        const bytes = buffer.subarray(0, size);
        await this.#readBack(bytes, from + at);
        await this.#file.write(bytes, to + at);
        done += size;
        const pause = this.#breathe();
        if (pause !== undefined) await pause;
      }
      this.#placed.fill(1, first, first + count);
      this.#dirtyEnd = Math.max(this.#dirtyEnd, to + length);
    }
  }

  async #readBack(into: Uint8Array, offset: number): Promise<void> {
    for (let length = 0; length < into.length;) {
      const room = into.subarray(length);
      const count = await this.#file.read(room, offset + length);
      if (count === 0) {
        throw new StaleError(
          `What was staged of ${displayPath(this.#plan.path)} was cut off`,
        );
      }
      length += count;
    }
  }

  /**
   * Takes the next piece; with the last one the file is complete.
   * @throws {ProtocolError} If it is not what comes next, or no proper delta.
   * @throws {IntegrityError} If what came is not what the recipe says.
   * @throws {StaleError} If a base is not what it was.
   * @throws {FileSystemError} If the file can't be written.
   */
  async put(piece: ContentPiece): Promise<void> {
    const gap = this.#gaps.gapFor(piece);
    if (gap !== undefined) await this.#fill(gap, piece);
    if (!this.#gaps.isLast(piece)) return;
    await this.#copyUpTo(this.#plan.recipe.lengths.length);
    // Where it ends in a hole, or was longer before.
    await this.#file.truncate(this.#plan.recipe.size);
  }

  async #fill(gap: Gap, piece: ContentPiece): Promise<void> {
    if (this.#gaps.isBetweenGaps) await this.#copyUpTo(gap.first);
    const region = this.#gaps.needsRegion(gap, piece)
      ? await this.#bases.region(gap.region)
      : undefined;
    const content = this.#gaps.add(gap, piece, region);
    if (content === undefined) return;
    const wrong = this.#firstWrong(content, gap.first, gap.count);
    if (wrong >= 0) {
      throw new IntegrityError(
        `The content that came for ${
          displayPath(this.#plan.path)
        } is not what its recipe says, from byte ${
          this.#plan.offsets[wrong]
        } on`,
      );
    }
    await this.#write(content, gap.offset);
    this.#chunk = gap.first + gap.count;
  }

  /** Copies what comes from the bases, up to chunk number `end`. */
  async #copyUpTo(end: number): Promise<void> {
    const { runs, offsets, recipe: { lengths } } = this.#plan;
    const placed = this.#placed;
    while (this.#chunk < end) {
      const first = this.#chunk;
      if (placed[first] === 1) {
        this.#chunk++;
        continue;
      }
      while (runs[this.#run]!.first + runs[this.#run]!.count <= first) {
        this.#run++;
      }
      const run = runs[this.#run]!;
      if (run.kind !== "copy") {
        throw new TypeError(`Chunk ${first} is in no gap and no base`);
      }
      const most = Math.min(end, run.first + run.count);
      let next = first;
      let length = 0;
      do {
        length += lengths[next]!;
        next++;
      } while (
        next < most && placed[next] !== 1 &&
        length + lengths[next]! <= COPY_BYTES
      );
      const offset = offsets[first]!;
      this.#copied ??= new Uint8Array(COPY_BYTES);
      const bytes = this.#copied.subarray(0, length);
      const from = run.baseOffset + (offset - run.offset);
      await this.#bases.read(run.base, from, bytes);
      if (this.#firstWrong(bytes, first, next - first) >= 0) {
        const { path } = this.#plan.bases[run.base]!;
        throw new StaleError(
          `${displayPath(path)} was changed while it was being read`,
        );
      }
      await this.#write(bytes, offset);
      this.#chunk = next;
      const pause = this.#breathe();
      if (pause !== undefined) await pause;
    }
  }

  /** Number of the first chunk that is not what the recipe says; -1 if all are. */
  #firstWrong(bytes: Uint8Array, first: number, count: number): number {
    const { ids, lengths } = this.#plan.recipe;
    let at = 0;
    for (let i = first; i < first + count; i++) {
      const chunk = bytes.subarray(at, at + lengths[i]!);
      const id = ids.subarray(i * ID_BYTES, (i + 1) * ID_BYTES);
      if (chunkId(chunk) !== id.toHex()) return i;
      at += lengths[i]!;
    }
    return -1;
  }

  /** Writes `bytes` at `offset`; zeros become holes where nothing was before. */
  async #write(bytes: Uint8Array, offset: number): Promise<void> {
    for (const { zero, start, end } of stretchesOf(bytes)) {
      if (zero && offset + start >= this.#dirtyEnd) continue;
      await this.#file.write(bytes.subarray(start, end), offset + start);
    }
  }
}
