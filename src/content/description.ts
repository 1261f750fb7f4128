/**
 * What two sides tell each other of a file before its content travels: the side
 * that has the file describes it, the other side answers what it lacks.
 *
 * A file of up to {@link MAX_WHOLE_CHUNKS} chunks is described by its recipe. Of a
 * longer one the pages come first, and then the chunks of those pages that the
 * other side does not know.
 */
import type { PlannedFile } from "../core/change.ts";
import type { Digest } from "../core/entry.ts";
import type { SupplyRequest } from "../core/piece.ts";
import type { Pages } from "./pages.ts";
import type { Recipe } from "./recipe.ts";
import type { Signature } from "./signature.ts";

/** A recipe of up to so many chunks is told as a whole. */
export const MAX_WHOLE_CHUNKS = 1_024;

/** Asks for the description of a file. */
export interface DescribeRequest extends PlannedFile {
  /** Numbers of the pages whose chunks are asked for, in order; without, all of it. */
  readonly pages?: Uint32Array | undefined;
}

/** What a file is made of, or a part of that. Files go by their number. */
export type Description =
  | {
    readonly kind: "recipe";
    readonly index: number;
    readonly recipe: Recipe;
  }
  | {
    readonly kind: "pages";
    readonly index: number;
    /** Of the file: `digestOfRecipe`. */
    readonly digest: Digest;
    readonly pages: Pages;
  }
  | {
    readonly kind: "chunks";
    readonly index: number;
    /** The chunks of each page that was asked for, one after the other, as `encodePage` writes them. */
    readonly records: Uint8Array;
  }
  | {
    /** It can't be read, or is not what the scan saw; who asks for it hears why. */
    readonly kind: "unavailable";
    readonly index: number;
  };

/** What is lacking of a file that was described. */
export type Lacking =
  | {
    /** The chunks of these pages have to be told first. */
    readonly kind: "pages";
    readonly index: number;
    readonly pages: Uint32Array;
  }
  | {
    readonly kind: "gaps";
    readonly index: number;
    readonly gaps: readonly GapRequest[];
  }
  | {
    /** All of it: there is nothing that it could be made of. */
    readonly kind: "whole";
    readonly index: number;
  };

/** A stretch of a file that is lacking, of 1 to `MAX_GAP_BYTES` bytes. */
export interface GapRequest {
  /** In the file that is to be made, in bytes. */
  readonly offset: number;
  readonly length: number;
  /** Of what it will probably be like. */
  readonly signature: Signature | undefined;
}

/** One file to be supplied, or what is lacking of it. */
export interface ContentRequest extends SupplyRequest {
  /** In order, without overlap; none where nothing is lacking. Without: all of it. */
  readonly gaps?: readonly GapRequest[] | undefined;
}
