/**
 * Every maximum of the protocol. What a peer sends is checked against these
 * where it is decoded, before anything is allocated for it. Maxima of names and
 * paths are those of the model, see `core/path.ts`; those of ignore rules are in
 * `core/ignore_limits.ts`.
 *
 * | what                              | maximum        | unit                |
 * | --------------------------------- | -------------- | ------------------- |
 * | message                           | 262,144        | bytes               |
 * | unconsumed frames (window)        | 4,194,304      | bytes               |
 * | window that a peer must offer     | 1,048,576      | bytes, at least     |
 * | name of an entry                  | 1,020          | bytes of UTF-8      |
 * | path                              | 65,536         | UTF-16 units        |
 * | components of a path              | 2,048          |                     |
 * | target of a link                  | 32,768         | bytes of UTF-8      |
 * | other text (reasons, messages)    | 1,024          | UTF-16 units        |
 * | software name                     | 100            | UTF-16 units        |
 * | capabilities, length of each      | 64, 64         | bytes of UTF-8      |
 * | entries of a tree                 | 5,000,000      |                     |
 * | changes, with all in new trees    | 5,000,000      |                     |
 * | problems, wants … of an answer    | 5,000,000      |                     |
 * | names, paths … in all of these    | 268,435,456    | UTF-16 units        |
 * | exchanges open at once            | 16             | for each side       |
 * | pieces in a content frame         | 2,048          |                     |
 * | payload in a packed frame         | 1,048,576      | bytes, unpacked     |
 * | files described at once            | 2,048          |                     |
 * | what describes them               | 40,000,000     | bytes               |
 * | pages asked for at once           | 16,384         |                     |
 * | gap of a file                     | 1,048,576      | bytes               |
 * | signatures, for all files staged  | 67,108,864     | bytes               |
 * | gaps, for all files staged        | 2,097,152      |                     |
 * | rules given for a scan            | 1,000          |                     |
 * | names of ignore files             | 16             |                     |
 * | a rule                            | 4,096          | bytes of UTF-8      |
 */
import { MAX_PATH_LENGTH } from "../core/path.ts";

export {
  MAX_GIVEN_RULES,
  MAX_IGNORE_FILES,
  MAX_PATTERN_BYTES,
} from "../core/ignore_limits.ts";
export {
  MAX_NAME_BYTES,
  MAX_PATH_DEPTH,
  MAX_PATH_LENGTH,
} from "../core/path.ts";
export { MAX_BATCH_PIECES } from "../core/piece.ts";

/** Longest message, in bytes; many proxies stop at 1 MiB. */
export const MAX_MESSAGE_BYTES = 256 * 1024;

/** Bytes of the checksum that a message begins with. */
export const MESSAGE_HEADER_BYTES = 4;

/** Bytes of a frame header. */
export const FRAME_HEADER_BYTES = 12;

/** Room in a page for both headers; the payload stands behind it. */
export const PAGE_HEADER_BYTES = MESSAGE_HEADER_BYTES + FRAME_HEADER_BYTES;

/** Longest payload of a frame, in bytes. */
export const MAX_PAYLOAD_BYTES = MAX_MESSAGE_BYTES - PAGE_HEADER_BYTES;

/**
 * Longest payload of a content frame that travels packed, in bytes: what a peer
 * can make this side unpack at once. The packed frame has to fit a message.
 */
export const MAX_UNPACKED_BYTES = 1024 * 1024;

/** Most bytes of frames that were sent and not yet consumed. */
export const MAX_WINDOW_BYTES = 4 * 1024 * 1024;

/** Smallest window that a peer may offer, in bytes. */
export const MIN_WINDOW_BYTES = 1024 * 1024;

/**
 * A page of records is sent when it has reached this many bytes: with one more
 * record of the largest kind it still fits a frame.
 */
export const PAGE_BYTES = 28 * 1024;

/** Longest path as UTF-8, in bytes. */
export const MAX_PATH_BYTES = 3 * MAX_PATH_LENGTH;

/** Longest target of a symbolic link, in bytes of UTF-8. */
export const MAX_TARGET_BYTES = 32 * 1024;

/** Longest text for people (messages, reasons), in UTF-16 units. */
export const MAX_TEXT_LENGTH = 1024;

/** Longest name of the peer's software, in UTF-16 units. */
export const MAX_SOFTWARE_LENGTH = 100;

/** Most capabilities that a peer may name. */
export const MAX_CAPABILITIES = 64;

/** Longest name of a capability, in bytes. */
export const MAX_CAPABILITY_BYTES = 64;

/**
 * Most records of one kind (entries of a tree, changes with all in their new
 * trees, problems, wants …): all of them fit the memory that Deno gives a process,
 * 4 GiB, and no peer can make it use more.
 */
export const MAX_RECORDS = 5_000_000;

/** Most text in the records of one list or tree: names, paths, targets, remarks. */
export const MAX_RECORDED_TEXT = 256 * 1024 * 1024;

/** Most exchanges that one side may have open at once. */
export const MAX_EXCHANGES = 16;

/** Most files in one question about recipes. */
export const MAX_DESCRIBED_FILES = 2_048;

/** Longest list of descriptions, in bytes: a million chunks. */
export const MAX_DESCRIPTION_BYTES = 40_000_000;

/** Most pages whose chunks are asked for in one question. */
export const MAX_ASKED_PAGES = 16_384;

/** Longest gap of a file, in bytes. */
export const MAX_WIRE_GAP_BYTES = 1024 * 1024;

/** Most bytes of signatures for the files of one staging. */
export const MAX_SIGNATURES_BYTES = 64 * 1024 * 1024;

/** Most gaps in the files of one staging. */
export const MAX_GAPS = 2 * 1024 * 1024;

/** Largest time, in milliseconds from 1970, either way: that of a `Date`. */
export const MAX_TIME_MS = 8.64e15;
