/**
 * Checks that content comes as it was asked for: file by file, each from its
 * start (or from where it is resumed) to its announced end, nothing twice and
 * nothing that nobody wanted.
 */
import { type Change, needsContent } from "../core/change.ts";
import type { Entry } from "../core/entry.ts";
import type { Piece, Want } from "../core/piece.ts";
import { ProtocolError } from "../errors.ts";

/** A file that was asked for. */
export interface ExpectedFile {
  readonly index: number;
  /** In bytes. */
  readonly size: number;
  readonly resume: Want["resume"];
}

/** Follows the pieces of one transfer. */
export class ContentOrder {
  readonly #expected: Iterator<ExpectedFile>;
  /** The file whose content is coming. */
  #file: ExpectedFile | undefined;
  /** How much of it has come; undefined before its first piece. */
  #offset: number | undefined;

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
    }
    const { index, size, resume } = this.#file;
    if (piece.index !== index) {
      throw fault(piece, `file ${index} has to come first`);
    }
    if (piece.kind === "unavailable") {
      this.#file = undefined;
      return;
    }
    const { offset, last } = piece;
    const right = this.#offset === undefined
      ? offset === 0 || offset === resume?.offset
      : offset === this.#offset;
    if (!right) {
      throw fault(piece, `offset ${offset} instead of ${this.#offset ?? 0}`);
    }
    const length = piece.kind === "data" ? piece.bytes.length : piece.length;
    const end = offset + length;
    if (end > size || last !== (end === size)) {
      throw fault(piece, `${size} bytes were announced`);
    }
    if (length === 0 && !last) throw fault(piece, "it is empty");
    if (last) this.#file = undefined;
    else this.#offset = end;
  }

  /** @throws {ProtocolError} If a file was asked for and is not, or half, there. */
  finish(): void {
    if (this.#file === undefined && this.#expected.next().done) return;
    throw new ProtocolError("The content ended before all files were sent");
  }
}

/** The files that `wants` name among `filesOf` the changes. */
export function* expectedFiles(
  changes: readonly Change[],
  wants: readonly Want[],
): Generator<ExpectedFile> {
  let at = 0;
  let index = 0;
  for (const size of fileSizes(changes)) {
    const want = wants[at];
    if (want === undefined) return;
    if (index >= want.first) {
      yield { index, size, resume: want.resume };
      if (index + 1 === want.first + want.count) at++;
    }
    index++;
  }
}

/** The sizes of `filesOf` the changes, in its order; no paths are made. */
function* fileSizes(changes: readonly Change[]): Generator<number> {
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
