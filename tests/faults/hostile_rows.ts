/** Rows of the sections A and B: what a hostile sender or receiver may try. */
import { type FaultRow, missing } from "./row.ts";

const DELTAS = missing("deltas");

/** Id, situation, and why it is not covered where it is not. */
const ROWS: readonly (readonly [string, string, string?])[] = [
  ["A01", "paths from the root of the file system"],
  ["A02", "paths that go up, at any place"],
  ["A03", "paths with empty or idle components, or a slash at the end"],
  ["A04", "names with NUL, or that are no UTF-8"],
  ["A05", "names that mean something else on another system"],
  ["A06", "names, paths and trees that are too long or too deep"],
  ["A07", "a link out of the tree, and then something in it"],
  ["A08", "links to anywhere, or to nothing that can be"],
  ["A09", "a directory that a local process swaps for a link, again and again"],
  ["A10", "one path twice, as the same or as two kinds"],
  [
    "A11",
    "the removal of the root, of what was never there, of what is kept out",
  ],
  ["A12", "more or fewer entries or files than announced, or no end"],
  ["A13", "sizes that can't be, or are not those of the content"],
  ["A14", "content that is not what its digest says"],
  ["A15", "deltas that copy from where nothing is", DELTAS],
  ["A16", "digests of another length or kind"],
  ["A17", "little that becomes very much when unpacked"],
  ["A18", "packed content that is damaged"],
  ["A19", "any frame at any time, text, garbage"],
  ["A20", "content that comes twice, overlaps, or is for another file"],
  ["A21", "a file that is resumed where nothing is"],
  ["A22", "set-uid bits, devices, other odd modes and kinds"],
  ["A23", "times that can't be, or that no file system keeps"],
  ["A24", "hard links to what is not in the tree", missing("hard links")],
  ["A25", "names that are reserved for Lockstep itself"],
  [
    "A26",
    "lists without end, and records that take far more memory than bytes",
  ],
  ["A27", "ignore rules made to take for ever, or to tell what a file holds"],
  ["A28", "escape sequences in names and messages"],
  ["A29", "a source that suddenly has nothing"],
  ["A30", "content in which every block looks like every other", DELTAS],
  ["A31", "names that JavaScript treats in a special way"],
  ["A32", "messages that are too long, and nesting without end"],
  ["A33", "a byte now and then, and nothing else"],
  ["A34", "lists of changes that are no tree"],
  ["A35", "content of another local file by its digest"],
  ["B01", "files that were never offered"],
  ["B02", "directories and files that become links after the listing"],
  ["B03", "content that is guessed by its digest"],
  ["B04", "signatures with more blocks than a file has", DELTAS],
  ["B05", "a peer that reads nothing"],
  ["B06", "a peer that reads very slowly"],
  ["B07", "the same file, again and again"],
  ["B08", "credit and windows that can't be"],
  ["B09", "settings that would cost too much"],
  ["B10", "deadlines that the other side would like to set"],
  ["B11", "changes for the side that only sends"],
  ["B12", "another share with a token for this one", missing("shares")],
  ["B13", "listings, content or changes back to the sender"],
];

export const HOSTILE_ROWS: readonly FaultRow[] = ROWS.map(
  ([id, situation, uncovered]) => ({
    id,
    situation,
    ...(uncovered !== undefined && { uncovered }),
  }),
);
