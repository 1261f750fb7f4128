/**
 * Payloads that no honest peer sends, each with one thing wrong: a corpus of what
 * a decoder has to refuse.
 */
import { FrameType } from "../../src/protocol/frame.ts";

const DIGEST = "ab".repeat(32);
const T = "408f400000000000";
const ID = "00".repeat(16);
const VERSION = "4c4b5354 0001 0001";

/** A file entry in a listing, by its name in hexadecimal with its length. */
export const fileHex = (name: string): string => `${name} 02 01a4 ${T} 03`;
/** The removal of a path, in hexadecimal with its length. */
const remove = (path: string): string => `03 00 ${path}`;
/** Text as it is on the wire. */
export const textHex = (value: string): string => {
  const bytes = new TextEncoder().encode(value);
  const low = bytes.length & 0x7f;
  const high = bytes.length >> 7;
  const length = high === 0 ? [low] : [low | 0x80, high];
  return Uint8Array.from([...length, ...bytes]).toHex();
};

const { hello, stage, listing, content, wants, supply, scan, scanned, done } =
  FrameType;
const { pair, paired } = FrameType;
const { list, problems, bye, credit, failed, confirm, progress } = FrameType;

/** What each payload tries, its frame type, and the payload in hexadecimal. */
export const HOSTILE_PAYLOADS: readonly (readonly [
  what: string,
  type: FrameType,
  hex: string,
])[] = [
  // A01 to A03: paths that lead out, or are not canonical.
  ["an absolute path", stage, remove(textHex("/etc/passwd"))],
  ["two slashes in front", stage, remove(textHex("//x"))],
  ["the parent", stage, remove(textHex(".."))],
  ["the parent of the parent", stage, remove(textHex("../.."))],
  ["the parent in the middle", stage, remove(textHex("a/../b"))],
  ["the parent at the end", stage, remove(textHex("a/.."))],
  [
    "the parent, by a shared prefix",
    stage,
    `${remove(textHex("a/b"))}
    03 02 ${textHex("..")}`,
  ],
  ["the directory itself", stage, remove(textHex("."))],
  ["the directory itself in the middle", stage, remove(textHex("a/./b"))],
  ["an empty component", stage, remove(textHex("a//b"))],
  ["a slash at the end", stage, remove(textHex("a/"))],
  ["a slash alone", stage, remove(textHex("/"))],
  [
    "an empty rest behind a shared prefix",
    stage,
    `${remove(textHex("a/b"))}
    03 02 00`,
  ],
  ["a shared prefix of nothing", stage, `03 01 ${textHex("a")}`],
  [
    "a shared prefix within a name",
    stage,
    `${remove(textHex("abc"))} 03 02 0164`,
  ],
  [
    "a shared prefix beyond the end",
    stage,
    `${remove(textHex("a/b"))}
    03 09 0164`,
  ],
  ["a name with a slash", listing, `${fileHex(textHex("a/b"))} 00`],
  ["a name that is the parent", listing, `${fileHex(textHex(".."))} 00`],
  ["a name that is the directory", listing, `${fileHex(textHex("."))} 00`],
  // A04: names that no file can carry unchanged.
  ["a name with NUL", listing, `${fileHex("03 610062")} 00`],
  ["a path with NUL", stage, remove("03 610062")],
  ["an overlong slash in a name", listing, `${fileHex("04 2e2ec0af")} 00`],
  ["an overlong dot in a name", listing, `${fileHex("03 e080ae")} 00`],
  ["a lone surrogate in a name", listing, `${fileHex("03 eda080")} 00`],
  [
    "a surrogate pair as six bytes",
    listing,
    `${fileHex("06 eda080edb080")} 00`,
  ],
  ["a cut-off character", listing, `${fileHex("02 61c3")} 00`],
  // A06: too long, too deep.
  [
    "a name of 1,021 bytes",
    listing,
    `${fileHex(textHex("x".repeat(1021)))} 00`,
  ],
  [
    "a path of 2,049 components",
    stage,
    remove(textHex("a/".repeat(2048) + "a")),
  ],
  ["a name longer than the frame", listing, "ff07 6161"],
  ["a name of 2^53 bytes", listing, "ffffffffffffff0f 61"],
  // A08: link targets.
  ["a link without a target", listing, `0161 03 ${T} 00 00`],
  ["a link target with NUL", listing, `0161 03 ${T} 01 00 00`],
  ["a link older than 1970", listing, `0161 03 bff0000000000000 0161 00`],
  ["a touched link", stage, `02 00 0161 03 ${T} 0178`],
  // A10, A34: what is no tree.
  ["the same name twice", listing, `${fileHex("0161")} ${fileHex("0161")} 00`],
  ["names out of order", listing, `${fileHex("0162")} ${fileHex("0161")} 00`],
  [
    "the same name twice in a new tree",
    stage,
    `01 00 0164 01 01ed ${T}
    ${fileHex("0161")} ${fileHex("0161")} 00`,
  ],
  [
    "a new tree without an end",
    stage,
    `01 00 0164 01 01ed ${T}
    ${fileHex("0161")}`,
  ],
  ["a listing without an end", listing, fileHex("0161")],
  // A11: the root and the reserved name.
  ["the removal of the root", stage, remove("00")],
  ["the replacement of the root", stage, `01 00 00 01 01ed ${T} 00`],
  ["the reserved name", stage, remove(textHex(".lockstep"))],
  ["something in the reserved name", stage, remove(textHex(".lockstep/stage"))],
  [
    "the reserved name in a listing",
    listing,
    `${fileHex(textHex(".lockstep"))} 00`,
  ],
  ["the reserved name to be confirmed", confirm, `00 ${textHex(".lockstep")}`],
  [
    "the reserved name to be supplied",
    supply,
    `00 00 ${textHex(".lockstep/x")}
    00 ${T} 00`,
  ],
  // A13, A23: sizes and times.
  ["a size of 2^53", listing, `0161 02 01a4 ${T} 8080808080808010 00`],
  ["an endless size", listing, `0161 02 01a4 ${T} ${"ff".repeat(20)} 00`],
  ["a time that is NaN", listing, "0161 02 01a4 7ff8000000000000 03 00"],
  ["a time that is infinite", listing, "0161 02 01a4 fff0000000000000 03 00"],
  ["a time with a fraction", listing, "0161 02 01a4 3ff8000000000000 03 00"],
  ["a time of 1e300", listing, "0161 02 01a4 7e37e43c8800759c 03 00"],
  [
    "a time after the last Date",
    listing,
    "0161 02 01a4 433eb208c2dc0001 03 00",
  ],
  // A16: digests.
  ["half a digest", listing, `0161 0a 01a4 ${T} 03 ${"ab".repeat(16)}`],
  ["a directory without a digest", listing, `0161 01 01ed ${T} 00`],
  ["a link with a digest", listing, `0161 0b ${T} 0178 ${DIGEST} 00`],
  [
    "a new directory with a digest",
    stage,
    `01 00 0161 09 01ed ${T} ${DIGEST}
    00`,
  ],
  // A22: modes and kinds.
  ["a set-uid bit", listing, `0161 02 09ed ${T} 03 00`],
  ["a sticky directory", stage, `01 00 0161 01 03ed ${T} 00`],
  ["a file type in the mode", listing, `0161 02 81a4 ${T} 03 00`],
  ["kind 0", listing, "0161 00 00"],
  ["a kind nobody knows", listing, "0161 06 00"],
  ["reserved bits in a kind", listing, `0161 22 01a4 ${T} 03 00`],
  ["an unknown reason", listing, "0161 04 06 00"],
  ["reason 0", listing, "0161 04 00 00"],
  ["a device to be made", stage, "01 00 0161 04 01"],
  ["a problem to be made", stage, "01 00 0161 05 00"],
  [
    "a problem inside a new tree",
    stage,
    `01 00 0164 01 01ed ${T}
    0161 05 00 00`,
  ],
  ["change kind 0", stage, "00 00 0161"],
  ["a change kind nobody knows", stage, "04 00 0161"],
  // A12, A19, A20, B01: content and wants.
  ["a piece without flags", content, `00`],
  ["unknown flags", content, `00 10 00`],
  ["bytes beyond the end", content, `00 01 05 61`],
  ["a piece of 2^53 bytes", content, `00 01 ffffffffffffff0f`],
  [
    "an offset that overflows",
    content,
    `00 09 ffffffffffffff0f 01
    61`,
  ],
  ["a hole that overflows", content, `00 0b ffffffffffffff0f 01`],
  ["an empty hole", content, `00 03 00`],
  ["an offset of 0 that is spelled out", content, `00 09 00 00`],
  ["a file that nobody offered", wants, "14 02"],
  ["more files than were offered", wants, "00 2a"],
  ["an empty want", wants, "00 00"],
  ["an index beyond all numbers", wants, "ffffffffffffff0f 02"],
  ["two files resumed as one", wants, `00 05 05 ${DIGEST}`],
  ["a resume at 0", wants, `00 03 00 ${DIGEST}`],
  ["a resume without its digest", wants, "00 03 05 abab"],
  ["a request with unknown flags", supply, `00 00 0161 00 ${T} 03`],
  ["a request for the parent", supply, `00 00 ${textHex("../x")} 00 ${T} 00`],
  ["a directory that was not announced", list, "14"],
  ["more done than there was to do", done, "000000 00"],
  ["bits for changes that are not there", done, "0000 10"],
  ["too few bits", done, "0000"],
  // The session itself.
  ["unknown scan options", scan, "08 00 00 00"],
  ["an unknown way with links", scan, "00 03"],
  ["a scan with more behind it", scan, "00 00 00 00 00"],
  ["too many ignore files", scan, `00 00 11 ${textHex("a")} 00`],
  ["an ignore file twice", scan, `00 00 02 ${textHex("a")} ${textHex("a")} 00`],
  ["an ignore file without a name", scan, "00 00 01 00 00"],
  ["an ignore file elsewhere", scan, `00 00 01 ${textHex("../a")} 00`],
  ["too many ignore rules", scan, `00 00 00 e907 ${textHex("a")}`],
  ["an ignore rule that is empty", scan, "00 00 00 01 00"],
  ["an ignore rule with NUL", scan, `00 00 00 01 ${textHex("a\0b")}`],
  [
    "an ignore rule that is too long",
    scan,
    `00 00 00 01 ${textHex("a".repeat(4_097))}`,
  ],
  ["a summary that is cut off", scanned, `01ed ${T} ${DIGEST} 01 02`],
  [
    "a summary with too many files",
    scanned,
    `01ed ${T} ${DIGEST} ${DIGEST}
    00 ffffffff7f 00 00`,
  ],
  ["a count of nothing", progress, ""],
  ["an unknown problem", problems, "07 00 0161 00"],
  [
    "a problem with too long a text",
    problems,
    `01 00 0161
    ${textHex("x".repeat(1025))}`,
  ],
  ["an unknown outcome", bye, "07 00"],
  ["credit for 2^53 bytes", credit, "ffffffffffffff0f"],
  ["an error without a text", failed, "0001"],
  ["a hello of something else", hello, "47455420 2f204854"],
  ["a window of 4 GiB", hello, `${VERSION} 0161 ${ID} 00 ffffffff 00`],
  ["a window of nothing", hello, `${VERSION} 0161 ${ID} 00 00000000 00`],
  ["traits from the future", hello, `${VERSION} 0161 ${ID} 08 00400000 00`],
  ["half a client id", hello, `${VERSION} 0161 00000000`],
  ["a pair with flags from the future", pair, `04 ${ID}`],
  ["a pair with a token before none", pair, `02 ${ID} ${ID}`],
  ["a pair without its token", pair, `01 ${ID}`],
  ["half a pair", pair, "00 0123"],
  ["an answer to a pair from the future", paired, `08 ${ID}`],
  ["an answer with a token before none", paired, `06 ${ID} ${ID}`],
  ["an answer without its token", paired, `03 ${ID} ${ID}`],
  ["10,000 capabilities", hello, `${VERSION} 0161 ${ID} 00 00400000 904e`],
];
