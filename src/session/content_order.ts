/**
 * Checks that content comes as it was asked for: file by file, each from its
 * start (or from where it is resumed) to its announced end, or just its gaps,
 * nothing twice and nothing that nobody wanted.
 */
import { type Change, needsContent } from "../core/change.ts";
import type { Entry } from "../core/entry.ts";
import type { GapRequest } from "../content/description.ts";
import { lengthOf, type Piece, type Want } from "../core/piece.ts";
import { ProtocolError } from "../errors.ts";

/** A file that was asked for. */
export interface ExpectedFile {
  readonly index: number;
  /** In bytes. */
  readonly size: number;
  readonly resume: Want["resume"];
  /** There where nothing but these is to come, in order. */
  readonly gaps?: readonly GapRequest[] | undefined;
}

/** Follows the pieces of one transfer. */
export class ContentOrder {
  readonly #expected: Iterator<ExpectedFile>;
  /** The file whose content is coming. */
  #file: ExpectedFile | undefined;
  /** How much of it has come; undefined before its first piece. */
  #offset: number | undefined;
  /** The gap that it is in, where gaps are to come. */
  #gap = 0;

  /** @param expected All files asked for, in order. */
  constructor(expected: Iterator<ExpectedFile>) {
    this.#expected = expected;
  }

  /** @throws {ProtocolError} If `piece` is not what comes next. */
  check(piece: Piece): void {
    if (this.#file === undefined) {
      const next = this.#expected.next();
      if (next.done) throw fault(piece, "nobody asked for it");
      this.#file = next.value;
      this.#offset = undefined;
      this.#gap = 0;
    }
    const { index, size, resume, gaps } = this.#file;
    if (piece.index !== index) {
      throw fault(piece, `file ${index} has to come first`);
    }
    if (piece.kind === "unavailable") {
      this.#file = undefined;
      return;
    }
    const { offset, last } = piece;
    if (gaps !== undefined) return this.#checkGap(piece, size, gaps);
    if (piece.kind === "delta") throw fault(piece, "all of it was asked for");
    const right = this.#offset === undefined
      ? offset === 0 || offset === resume?.offset
      : offset === this.#offset;
    if (!right) {
      throw fault(piece, `offset ${offset} instead of ${this.#offset ?? 0}`);
    }
    const length = lengthOf(piece);
    const end = offset + length;
    if (end > size || last !== (end === size)) {
      throw fault(piece, `${size} bytes were announced`);
    }
    if (length === 0 && !last) throw fault(piece, "it is empty");
    if (last) this.#file = undefined;
    else this.#offset = end;
  }

  /** A piece of a file of which only `gaps` were asked for. */
  #checkGap(
    piece: Exclude<Piece, { kind: "unavailable" }>,
    size: number,
    gaps: readonly GapRequest[],
  ): void {
    const { offset, last } = piece;
    const length = lengthOf(piece);
    const gap = gaps[this.#gap];
    if (gap === undefined) {
      if (offset !== size || length > 0 || !last) {
        throw fault(piece, "nothing of it was asked for");
      }
      this.#file = undefined;
      return;
    }
    const next = this.#offset ?? gap.offset;
    if (offset !== next) {
      throw fault(piece, `offset ${offset} instead of ${next}`);
    }
    if (length === 0) throw fault(piece, "it is empty");
    const end = offset + length;
    const gapEnd = gap.offset + gap.length;
    if (end > gapEnd) throw fault(piece, `the gap ends at ${gapEnd}`);
    if (piece.kind === "delta" && gap.signature === undefined) {
      throw fault(piece, "the gap has no signature");
    }
    if (end === gapEnd) this.#gap++;
    const isEnd = this.#gap === gaps.length;
    if (last !== isEnd) {
      throw fault(piece, `${gaps.length} gaps were asked for`);
    }
    if (isEnd) this.#file = undefined;
    else this.#offset = end === gapEnd ? gaps[this.#gap]!.offset : end;
  }

  /** @throws {ProtocolError} If a file was asked for and is not, or half, there. */
  finish(): void {
    if (this.#file === undefined && this.#expected.next().done) return;
    throw new ProtocolError("The content ended before all files were sent");
  }
}

/**
 * The files that `wants` name among `filesOf` the changes, and of which only
 * `gaps` are to come.
 */
export function* expectedFiles(
  changes: readonly Change[],
  wants: readonly Want[],
  gaps: ReadonlyMap<number, readonly GapRequest[]> = new Map(),
): Generator<ExpectedFile> {
  let at = 0;
  let index = 0;
  for (const size of plannedSizes(changes)) {
    const want = wants[at];
    if (want === undefined) return;
    if (index >= want.first) {
      const expected = { index, size, resume: want.resume };
      const asked = gaps.get(index);
      yield asked === undefined ? expected : { ...expected, gaps: asked };
      if (index + 1 === want.first + want.count) at++;
    }
    index++;
  }
}

/** The sizes of `filesOf` the changes, in its order; no paths are made. */
export function* plannedSizes(
  changes: readonly Change[],
): Generator<number> {
  const stack: Iterator<Entry>[] = [];
  for (const change of changes) {
    if (!needsContent(change)) continue;
    stack.push([change.new].values());
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = top.next();
      if (next.done) stack.pop();
      else if (next.value.kind === "file") yield next.value.size;
      else if (next.value.kind === "directory") {
        stack.push(next.value.children.values());
      }
    }
  }
}

function fault(piece: Piece, reason: string): ProtocolError {
  return new ProtocolError(
    `Content of file ${piece.index} is out of place: ${reason}`,
  );
}
