/**
 * What a target lacks of files that were described. Capability "recipes".
 *
 * | frame      | payload                                                       |
 * | ---------- | ------------------------------------------------------------- |
 * | lacking    | each: index, less that before it less 1, varint; kind u8      |
 * |            | (0 whole, 1 pages, 2 gaps); then                              |
 * |            | pages: their number varint, from 1 to 65,536; each as in      |
 * |            | `description_codec.ts`, all in one frame                      |
 * |            | gaps: a list of them (`gap_codec.ts`)                         |
 */
import { ProtocolError } from "../errors.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import {
  readIncreasing,
  readIndex,
  writeIncreasing,
} from "./description_codec.ts";
import { GapReader, type WireGap, writeGaps } from "./gap_codec.ts";
import { MAX_ASKED_PAGES, PAGE_BYTES } from "./limits.ts";

/** What is lacking of one file, as it travels. */
export type WireLacking =
  | { readonly kind: "whole"; readonly index: number }
  | {
    readonly kind: "pages";
    readonly index: number;
    readonly pages: Uint32Array;
  }
  | {
    readonly kind: "gaps";
    readonly index: number;
    readonly gaps: readonly WireGap[];
  };

const Kind = { whole: 0, pages: 1, gaps: 2 } as const;

/** Yields whenever the page is full. */
export function* writeLacking(
  page: ByteWriter,
  answers: Iterable<WireLacking>,
): Generator<void> {
  let next = 0;
  for (const answer of answers) {
    page.varint(answer.index - next);
    next = answer.index + 1;
    page.u8(Kind[answer.kind]);
    if (answer.kind === "pages") {
      page.varint(answer.pages.length);
      writeIncreasing(page, answer.pages);
    } else if (answer.kind === "gaps") yield* writeGaps(page, answer.gaps);
    if (page.length >= PAGE_BYTES) yield;
  }
}

/** Reads the pages of one answer. */
export class LackingReader {
  readonly answers: WireLacking[] = [];
  readonly #gaps: GapReader;
  readonly #sizeOf: (index: number) => number | undefined;
  #next = 0;
  #pages = 0;
  /** The file whose gaps are being read. */
  #open: number | undefined;

  /**
   * @param sizeOf The size of a file that was described, in bytes.
   * @param gaps Of all answers about one staging: they count together.
   */
  constructor(
    sizeOf: (index: number) => number | undefined,
    gaps: GapReader = new GapReader(),
  ) {
    this.#sizeOf = sizeOf;
    this.#gaps = gaps;
  }

  /** Whether an answer has begun and not ended. */
  get incomplete(): boolean {
    return this.#open !== undefined;
  }

  read(reader: ByteReader): void {
    for (;;) {
      if (this.#open !== undefined) {
        const gaps = this.#gaps.read(reader);
        if (gaps === undefined) return;
        this.answers.push({ kind: "gaps", index: this.#open, gaps });
        this.#open = undefined;
      }
      if (reader.left === 0) return;
      const index = readIndex(reader, this.#next, this.answers.length);
      this.#next = index + 1;
      const size = this.#sizeOf(index);
      if (size === undefined) {
        throw new ProtocolError(`File ${index} was never described`);
      }
      this.#readKind(reader, index, size);
    }
  }

  #readKind(reader: ByteReader, index: number, size: number): void {
    const kind = reader.u8("what is lacking");
    switch (kind) {
      case Kind.whole:
        this.answers.push({ kind: "whole", index });
        break;
      case Kind.pages: {
        const most = MAX_ASKED_PAGES - this.#pages;
        const count = reader.varint(most, "a number of pages");
        if (count === 0) throw new ProtocolError("No pages are lacking");
        this.#pages += count;
        const pages = readIncreasing(reader, count);
        this.answers.push({ kind: "pages", index, pages });
        break;
      }
      case Kind.gaps:
        this.#gaps.begin(size);
        this.#open = index;
        break;
      default:
        throw new ProtocolError(`Something unknown is lacking: ${kind}`);
    }
  }
}
