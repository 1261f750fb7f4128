/**
 * Content on its way: which files are wanted, and the pieces they come in.
 * Files are named by their number in `filesOf(changes)`, see `change.ts`.
 */
import type { PlannedFile } from "./change.ts";
import type { Digest } from "./entry.ts";

/** Most content bytes in one batch: with its headers it fits one message. */
export const MAX_BATCH_BYTES = 192 * 1024;

/** Most pieces in one batch. */
export const MAX_BATCH_PIECES = 2_048;

/** A run of planned files (see `filesOf`) that are lacking. */
export interface Want {
  /** Index of the first. */
  readonly first: number;
  readonly count: number;
  /**
   * Only with `count` 1: the first bytes are there already, and this is their
   * SHA-256; if the source's differ, it sends the file from the start.
   */
  readonly resume:
    | { readonly offset: number; readonly digest: Digest }
    | undefined;
  /**
   * Whether the target has something that the files may be made of: whoever can
   * describe them first will have to send less. Never with `resume`.
   */
  readonly recipe?: boolean;
}

/** One file to be supplied. */
export interface SupplyRequest extends PlannedFile {
  readonly resume: Want["resume"];
}

/** A part of the content of a planned file; the parts of one file come in order. */
export type Piece =
  | {
    readonly kind: "data";
    readonly index: number;
    /** Where the bytes belong, in bytes from the start of the file. */
    readonly offset: number;
    readonly bytes: Uint8Array;
    /** Whether the file ends here. */
    readonly last: boolean;
  }
  | {
    /** A stretch of zeros. */
    readonly kind: "hole";
    readonly index: number;
    readonly offset: number;
    readonly length: number;
    readonly last: boolean;
  }
  | {
    /**
     * How to make a stretch of a gap out of the region that was signed for it:
     * operations of a delta, encoded.
     */
    readonly kind: "delta";
    readonly index: number;
    readonly offset: number;
    /** Of what is made. */
    readonly length: number;
    readonly bytes: Uint8Array;
    readonly last: boolean;
  }
  | {
    readonly kind: "unavailable";
    readonly index: number;
    /** `stale`: it is not what the scan saw; `unreadable`: reading failed. */
    readonly code: "stale" | "unreadable";
    readonly message: string;
  };

/** A piece with content. */
export type ContentPiece = Exclude<Piece, { kind: "unavailable" }>;

/** How many bytes of the file `piece` stands for. */
export function lengthOf(piece: Piece): number {
  switch (piece.kind) {
    case "data":
      return piece.bytes.length;
    case "hole":
    case "delta":
      return piece.length;
    case "unavailable":
      return 0;
    default:
      return piece satisfies never;
  }
}

/** Pieces that travel together; at most {@link MAX_BATCH_BYTES} of content. */
export interface ContentBatch {
  readonly pieces: readonly Piece[];
  /** Sum of the bytes of its data and delta pieces. */
  readonly byteLength: number;
  /**
   * To be called by whoever has used the batch up: the memory of its bytes goes
   * back to whoever made it, and will hold other bytes.
   */
  readonly release?: () => void;
}
