/**
 * Frames of each type as version 1 has them on the wire, each alone in its
 * message, and what they say. These bytes must never change: a release that writes or reads them otherwise does not
 * speak version 1.
 */
import type { Entry } from "../../src/core/entry.ts";
import { FrameType } from "../../src/protocol/frame.ts";
import { fileEntry } from "./fake_endpoint.ts";

export interface FrozenFrame {
  readonly name: string;
  readonly type: FrameType;
  readonly exchange: number;
  readonly end: boolean;
  /** The message: checksum, header and payload; blanks are for people. */
  readonly hex: string;
  /** What `decodePayload` makes of it. */
  readonly value: unknown;
}

const DIGEST = "ab".repeat(32);
const ID = "0123456789abcdef0123456789abcdef";
const ID_1 = "11".repeat(16);
const ID_2 = "22".repeat(16);
const resume = { offset: 300, digest: DIGEST };

/** A signature of no blocks. */
const SIGNATURE = "01010000" + "00000040" + "00000000";
const GAPS = [
  { offset: 300, length: 5, signature: Uint8Array.fromHex(SIGNATURE) },
  { offset: 305, length: 400, signature: new Uint8Array() },
];

/** 1000 ms after 1970, as f64. */
const T1000 = "408f400000000000";

export const FROZEN_FRAMES: readonly FrozenFrame[] = [
  {
    name: "hello",
    type: FrameType.hello,
    exchange: 0,
    end: false,
    hex: `5eaaadca 01 00 0000 00000000 0000002a
      4c4b5354 0001 0001 06 612f312e3020 ${ID} 03 00400000 01 047a737464`,
    value: [{ min: 1, max: 1 }, {
      software: "a/1.0 ",
      clientId: ID,
      traits: { modes: true, symlinks: true, owners: false },
      windowBytes: 4 * 1024 * 1024,
      capabilities: ["zstd"],
    }],
  },
  {
    name: "refuse",
    type: FrameType.refuse,
    exchange: 0,
    end: false,
    hex: "39b36477 02 00 0000 00000000 00000007 0003 04 62757379",
    value: "busy",
  },
  {
    name: "ping",
    type: FrameType.ping,
    exchange: 0,
    end: false,
    hex: "0c4b149f 03 00 0000 00000000 00000000",
    value: undefined,
  },
  {
    name: "echo",
    type: FrameType.echo,
    exchange: 0,
    end: false,
    hex: "7dd9b091 08 00 0000 00000000 00000000",
    value: undefined,
  },
  {
    name: "fresh",
    type: FrameType.fresh,
    exchange: 0,
    end: false,
    hex:
      "12b6d13b 0a 00 0000 00000000 00000010 0123456789abcdef0123456789abcdef",
    value: "0123456789abcdef0123456789abcdef",
  },
  {
    name: "changed",
    type: FrameType.changed,
    exchange: 0,
    end: false,
    hex: "e67cfcfe 09 00 0000 00000000 00000000",
    value: undefined,
  },
  {
    name: "credit",
    type: FrameType.credit,
    exchange: 0,
    end: false,
    hex: "881b5ac5 04 00 0000 00000000 00000003 808010",
    value: 256 * 1024,
  },
  {
    name: "bye",
    type: FrameType.bye,
    exchange: 0,
    end: false,
    hex: "f2eae3de 05 00 0000 00000000 00000004 02 02 6f6b",
    value: { kind: "partial", message: "ok" },
  },
  {
    name: "bye of who only looked",
    type: FrameType.bye,
    exchange: 0,
    end: false,
    hex: "7d887489 05 00 0000 00000000 00000004 06 02 6f6b",
    value: { kind: "planned", message: "ok" },
  },
  {
    name: "failed",
    type: FrameType.failed,
    exchange: 5,
    end: false,
    hex: "30fcf722 06 00 0000 00000005 00000007 0026 04 66756c6c",
    value: "full",
  },
  {
    name: "cancel",
    type: FrameType.cancel,
    exchange: 5,
    end: false,
    hex: "c745163e 07 00 0000 00000005 00000003 0009 00",
    value: "",
  },
  {
    name: "scan",
    type: FrameType.scan,
    exchange: 1,
    end: true,
    hex: `97f3468c 10 01 0000 00000001 00000018
      03 02 01 0b2e73796e6369676e6f7265
      02 032a2e6f 0321612f`,
    value: {
      checksum: true,
      modes: true,
      owners: false,
      symlinks: "follow",
      ignore: { rules: ["*.o", "!a/"], files: [".syncignore"] },
    },
  },
  {
    name: "list",
    type: FrameType.list,
    exchange: 3,
    end: true,
    hex: "b2765f81 11 01 0000 00000003 00000003 00 00 03",
    value: [0, 1, 5],
  },
  {
    name: "confirm",
    type: FrameType.confirm,
    exchange: 5,
    end: true,
    hex: "ba124385 12 01 0000 00000005 00000008 00 03612f62 02 0163",
    value: ["a/b", "a/c"],
  },
  {
    name: "stage",
    type: FrameType.stage,
    exchange: 7,
    end: true,
    hex: `1db101fb 13 01 0000 00000007 0000004e
      01 00 0161 01 01ed ${T1000}
        0166 02 01a4 ${T1000} ac02
        016c 03 ${T1000} 0178
        00
      02 00 0162 02 0180 ${T1000} 05
      03 00 0163
      02 00 00 01 01ed ${T1000}`,
    value: [
      {
        kind: "put",
        path: "a",
        entry: {
          kind: "directory",
          mode: 0o755,
          mtime: 1000,
          children: new Map<string, Entry>([
            ["f", fileEntry(300)],
            ["l", { kind: "symlink", target: "x", mtime: 1000 }],
          ]),
          digest: undefined,
        },
      },
      { kind: "touch", path: "b", entry: fileEntry(5, { mode: 0o600 }) },
      { kind: "remove", path: "c" },
      {
        kind: "touch",
        path: "",
        entry: {
          kind: "directory",
          mode: 0o755,
          mtime: 1000,
          children: new Map(),
          digest: undefined,
        },
      },
    ],
  },
  {
    name: "move",
    type: FrameType.move,
    exchange: 7,
    end: true,
    hex: `d86b11d1 1a 01 0000 00000007 0000002a
      00 03612f62 00 0163 00
      02 0163 00 05642f652f66 02
        01 01ed ${T1000}
        01 01c0 ${T1000}`,
    value: [
      { from: "a/b", to: "c", parents: [] },
      {
        from: "a/c",
        to: "d/e/f",
        parents: [0o755, 0o700].map((mode) => ({
          kind: "directory",
          mode,
          mtime: 1000,
          children: new Map(),
          digest: undefined,
        })),
      },
    ],
  },
  {
    name: "content",
    type: FrameType.content,
    exchange: 9,
    end: false,
    hex: `9caea7d2 14 00 0000 00000009 00000016
      03 00 02 0708
      00 0a 02 05
      00 09 07 01 09
      02 04 01 04 676f6e65`,
    value: [
      {
        kind: "data",
        index: 3,
        offset: 0,
        bytes: Uint8Array.of(7, 8),
        last: false,
      },
      { kind: "hole", index: 3, offset: 2, length: 5, last: false },
      {
        kind: "data",
        index: 3,
        offset: 7,
        bytes: Uint8Array.of(9),
        last: true,
      },
      { kind: "unavailable", index: 5, code: "stale", message: "gone" },
    ],
  },
  {
    name: "packed",
    type: FrameType.packed,
    exchange: 9,
    end: false,
    hex: `d8b023e1 17 00 0000 00000009 00000014
      43 28b52ffd 00 00 550000 20 03014007 01 00 94 00 11`,
    value: [
      {
        kind: "data",
        index: 3,
        offset: 0,
        bytes: new Uint8Array(64).fill(7),
        last: true,
      },
    ],
  },
  {
    name: "supply",
    type: FrameType.supply,
    exchange: 11,
    end: true,
    hex: `3f4b1b9c 15 01 0000 0000000b 00000040
      02 00 03612f62 05 ${T1000} 00
      00 02 0163 00 ${T1000} 01 ac02 ${DIGEST}`,
    value: [
      { index: 2, path: "a/b", size: 5, mtime: 1000, resume: undefined },
      { index: 3, path: "a/c", size: 0, mtime: 1000, resume },
    ],
  },
  {
    name: "supply of gaps",
    type: FrameType.supply,
    exchange: 11,
    end: true,
    hex: `4aefca09 15 01 0000 0000000b 00000026
      020003612f628407${T1000}0202ac02050c${SIGNATURE}00900300`,
    value: [{
      index: 2,
      path: "a/b",
      size: 900,
      mtime: 1000,
      resume: undefined,
      gaps: GAPS,
    }],
  },
  {
    name: "content with a delta",
    type: FrameType.content,
    exchange: 9,
    end: false,
    hex: `1331ea4d 14 00 0000 00000009 00000012
      010fac02050c010000008000000500000010`,
    value: [
      {
        kind: "delta",
        index: 1,
        offset: 300,
        length: 5,
        bytes: Uint8Array.fromHex("01000000" + "80000005" + "00000010"),
        last: true,
      },
    ],
  },
  {
    name: "describe",
    type: FrameType.describe,
    exchange: 15,
    end: true,
    hex: `c440d49a 18 01 0000 0000000f 00000025
      000003612f62ac02${T1000}0003020163ad02${T1000}04000003a602`,
    value: [
      { index: 0, path: "a/b", size: 300, mtime: 1000, pages: undefined },
      {
        index: 4,
        path: "a/c",
        size: 301,
        mtime: 1000,
        pages: Uint32Array.of(0, 1, 5, 300),
      },
    ],
  },
  {
    name: "described",
    type: FrameType.described,
    exchange: 17,
    end: true,
    hex: `ab1d3600 19 01 0000 00000011 000000a6
      01000000012c0100000000000001${DIGEST}0000000500024a${DIGEST}0100000000000001${DIGEST}0001030324${DIGEST}00000005`,
    value: [
      { index: 1, kind: "unavailable", bytes: "" },
      {
        index: 2,
        kind: "recipe",
        bytes: "01000000" + "00000001" + DIGEST + "00000005",
      },
      {
        index: 3,
        kind: "pages",
        bytes: DIGEST + "01000000" + "00000001" + DIGEST + "0001",
      },
      { index: 7, kind: "chunks", bytes: DIGEST + "00000005" },
    ],
  },
  {
    name: "lacking",
    type: FrameType.lacking,
    exchange: 17,
    end: true,
    hex: `fb9a11d9 27 01 0000 00000011 00000024
      0100000104000003a602000202ac02050c${SIGNATURE}00900300000200`,
    value: [
      { kind: "whole", index: 1 },
      { kind: "pages", index: 2, pages: Uint32Array.of(0, 1, 5, 300) },
      { kind: "gaps", index: 3, gaps: GAPS },
      { kind: "gaps", index: 4, gaps: [] },
    ],
  },
  {
    name: "transition",
    type: FrameType.transition,
    exchange: 13,
    end: true,
    hex: "a1ee9502 16 01 0000 0000000d 00000000",
    value: undefined,
  },
  {
    name: "progress",
    type: FrameType.progress,
    exchange: 1,
    end: false,
    hex: "3f3f8c5a 20 00 0000 00000001 00000003 a08d06",
    value: 100_000,
  },
  {
    name: "scanned",
    type: FrameType.scanned,
    exchange: 1,
    end: false,
    hex: `a8411010 21 00 0000 00000001 00000053
      09 01ed ${T1000} ${DIGEST} ${DIGEST} 01 02 03 8080808004`,
    value: {
      root: {
        kind: "directory",
        mode: 0o755,
        mtime: 1000,
        children: new Map(),
        digest: DIGEST,
      },
      ignoreDigest: DIGEST,
      totals: { directories: 1, files: 2, symlinks: 3, bytes: 2 ** 30 },
    },
  },
  {
    name: "problems",
    type: FrameType.problems,
    exchange: 1,
    end: true,
    hex: "4c27d8cb 22 01 0000 00000001 00000009 04 00 0161 04 6669666f",
    value: [{ code: "skipped", path: "a", message: "fifo" }],
  },
  {
    name: "listing",
    type: FrameType.listing,
    exchange: 3,
    end: true,
    hex: `aa89c80c 23 01 0000 00000003 00000065
      0164 09 01ed ${T1000} ${DIGEST}
      0166 0a 01a4 ${T1000} 03 ${DIGEST}
      0170 05 00
      0175 04 01
      00
      00`,
    value: [
      new Map<string, Entry>([
        ["d", {
          kind: "directory",
          mode: 0o755,
          mtime: 1000,
          children: new Map(),
          digest: DIGEST,
        }],
        ["f", fileEntry(3, { digest: DIGEST })],
        ["p", { kind: "problem", message: "" }],
        ["u", { kind: "untracked", reason: "special-file" }],
      ]),
      new Map(),
    ],
  },
  {
    name: "wants",
    type: FrameType.wants,
    exchange: 7,
    end: true,
    hex: `6bcaccc5 24 01 0000 00000007 00000026
      01 06
      00 03 ac02 ${DIGEST}`,
    value: [
      { first: 1, count: 3, resume: undefined },
      { first: 4, count: 1, resume },
    ],
  },
  {
    name: "stored",
    type: FrameType.stored,
    exchange: 9,
    end: true,
    hex: "37d9d736 25 01 0000 00000009 00000000",
    value: undefined,
  },
  {
    name: "done",
    type: FrameType.done,
    exchange: 13,
    end: true,
    hex: "c0298941 26 01 0000 0000000d 00000003 03 80 0f",
    value: Uint8Array.of(
      ...[1, 1, 0, 0, 0, 0, 0, 0],
      ...[0, 0, 0, 0, 0, 0, 0, 1],
      ...[1, 1, 1, 1],
    ),
  },
  {
    name: "synced",
    type: FrameType.synced,
    exchange: 15,
    end: true,
    hex: `744eb29b 1b 01 0000 0000000f 00000022 ac02 ${DIGEST}`,
    value: { round: 300, digest: DIGEST },
  },
  {
    name: "watch",
    type: FrameType.watch,
    exchange: 15,
    end: true,
    hex: "31192e03 1c 01 0000 0000000f 00000000",
    value: undefined,
  },
  {
    name: "noted",
    type: FrameType.noted,
    exchange: 15,
    end: true,
    hex: "26362378 28 01 0000 0000000f 00000000",
    value: undefined,
  },
  {
    name: "pair",
    type: FrameType.pair,
    exchange: 15,
    end: true,
    hex: `25ac7fc1 1e 01 0000 0000000f 00000011 00 ${ID}`,
    value: { peerId: ID, tokens: undefined },
  },
  {
    name: "pair, to be remembered",
    type: FrameType.pair,
    exchange: 15,
    end: true,
    hex: `d15fac03 1e 01 0000 0000000f 00000031 03 ${ID} ${ID_1} ${ID_2}`,
    value: { peerId: ID, tokens: { current: ID_1, previous: ID_2 } },
  },
  {
    name: "paired",
    type: FrameType.paired,
    exchange: 15,
    end: true,
    hex: `e5f2460f 2e 01 0000 0000000f 00000021 05 ${ID} ${ID_1}`,
    value: {
      rootId: ID,
      isReplaced: true,
      tokens: { current: ID_1, previous: undefined },
    },
  },
];

/** The bytes of a frozen frame, which is a whole message. */
export function frozenBytes(frame: FrozenFrame): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(frame.hex.replaceAll(/\s/g, ""));
}
