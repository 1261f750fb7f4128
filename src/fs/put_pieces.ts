/** Bytes of a file to pieces: stretches of zeros become holes. */
import type { Piece } from "../core/piece.ts";
import { stretchesOf } from "./content.ts";

/**
 * Turns `bytes`, which stand at `offset` of file `index`, into pieces. Answers
 * how many bytes the pieces refer to, counted from the start of `bytes`: a tail
 * of zeros gives its room back.
 */
export function putPieces(
  pieces: Piece[],
  index: number,
  offset: number,
  bytes: Uint8Array,
  last: boolean,
): number {
  if (bytes.length === 0) {
    // Nothing left to say but that the file ends here.
    pieces.push({ kind: "data", index, offset, bytes, last });
    return 0;
  }
  let used = 0;
  for (const { zero, start, end } of stretchesOf(bytes)) {
    const ends = last && end === bytes.length;
    if (zero) {
      const before = pieces.at(-1);
      if (
        before?.kind === "hole" && before.index === index && start === 0
      ) {
        pieces.pop();
        pieces.push({
          ...before,
          length: before.length + end,
          last: ends,
        });
      } else {
        pieces.push({
          kind: "hole",
          index,
          offset: offset + start,
          length: end - start,
          last: ends,
        });
      }
    } else {
      pieces.push({
        kind: "data",
        index,
        offset: offset + start,
        bytes: bytes.subarray(start, end),
        last: ends,
      });
      used = end;
    }
  }
  return used;
}
