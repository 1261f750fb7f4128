/**
 * Whatever arrives, a decoder answers with a value or with one of two errors, and
 * keeps nothing. LOCKSTEP_FUZZ_FRAMES says how many frames, for longer runs.
 */
import { assert } from "@std/assert";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { ProtocolError, UnsafePathError } from "../../src/errors.ts";
import { ByteReader } from "../../src/protocol/bytes.ts";
import { ChangeReader } from "../../src/protocol/change_codec.ts";
import { decodeFrames, FrameType } from "../../src/protocol/frame.ts";
import { ListingReader } from "../../src/protocol/listing_codec.ts";
import { PathListReader, ProblemReader } from "../../src/protocol/message.ts";
import { RequestReader, WantReader } from "../../src/protocol/want_codec.ts";
import { decodePayload, KNOWN } from "../support/decode_payload.ts";
import { FrameFuzzer, messageOf } from "../support/frame_fuzzer.ts";
import { FROZEN_FRAMES, frozenBytes } from "../support/frozen_frames.ts";
import { HOSTILE_PAYLOADS } from "../support/hostile_payloads.ts";
import { note } from "../support/proof.ts";
import { Random, seedOr } from "../support/random.ts";

const FRAMES = Number(Deno.env.get("LOCKSTEP_FUZZ_FRAMES") ?? 400_000);
const SEED = seedOr(20_260_105);
const MIB = 1024 * 1024;

/** Most memory that the run may have taken, with the garbage of some frames. */
const MAX_GROWTH_BYTES = 256 * MIB;
const COLLECT_FRAMES = 500_000;

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

/** Starts a reader that takes its pages one after the other. */
type Start = () => (page: ByteReader) => unknown;

const PAGED: ReadonlyMap<FrameType, Start> = new Map<FrameType, Start>([
  [FrameType.stage, () => {
    const reader = new ChangeReader();
    return (page) => [...reader.read(page)];
  }],
  [FrameType.supply, () => {
    const reader = new RequestReader();
    return (page) => [...reader.read(page)];
  }],
  [FrameType.listing, () => {
    const reader = new ListingReader({
      isRoot: false,
      childrenOf: () => new Map(),
      onEnd: () => {},
    });
    return (page) => reader.read(page);
  }],
  [FrameType.problems, () => {
    const reader = new ProblemReader();
    return (page) => reader.read(page);
  }],
  [FrameType.confirm, () => {
    const reader = new PathListReader();
    return (page) => reader.read(page);
  }],
  [FrameType.wants, () => {
    const reader = new WantReader(KNOWN);
    return (page) => reader.read(page);
  }],
]);

/** What became of the frames of one message. */
interface Tally {
  read: number;
  refused: number;
}

/** Reads a message as a peer would, and its pages in two parts as well. */
function read(message: Uint8Array, tally: Tally): void {
  guarded(tally, () => {
    for (const { type, payload } of decodeFrames(message)) {
      guarded(tally, () => decodePayload(type, payload));
      const start = PAGED.get(type);
      if (start === undefined || payload.length === 0) continue;
      guarded(tally, () => {
        const take = start();
        const half = payload.length >> 1;
        take(new ByteReader(payload.subarray(0, half)));
        take(new ByteReader(payload.subarray(half)));
      });
    }
  });
}

/** Lets the two errors pass that a decoder may throw, and no other. */
function guarded(tally: Tally, work: () => unknown): void {
  try {
    work();
    tally.read++;
  } catch (error) {
    const isMeant = error instanceof ProtocolError ||
      error instanceof UnsafePathError;
    if (!isMeant) throw error;
    tally.refused++;
  }
}

Deno.test(`N5: ${FRAMES} frames of all kinds do a decoder no harm`, () => {
  const corpus = [
    ...FROZEN_FRAMES.map(frozenBytes),
    ...HOSTILE_PAYLOADS.map(([, type, hex]) =>
      messageOf(type, Uint8Array.fromHex(hex.replaceAll(/\s/g, "")))
    ),
  ];
  const fuzzer = new FrameFuzzer(new Random(SEED), corpus);
  const tally: Tally = { read: 0, refused: 0 };
  const before = Deno.memoryUsage().rss;
  for (let i = 0; i < FRAMES; i++) {
    // Garbage of millions would hide what is kept.
    if (i % COLLECT_FRAMES === 0) collect();
    const message = fuzzer.next();
    try {
      read(message, tally);
    } catch (error) {
      throw new Error(`Number ${i}, ${message.toHex()}`, { cause: error });
    }
  }
  const growth = Deno.memoryUsage().rss - before;
  assert(growth < MAX_GROWTH_BYTES, `${growth / MIB} MiB more`);
  // Both happen often, or it is not decoders that were tested.
  assert(tally.read > FRAMES / 10, `only ${tally.read} were read`);
  assert(tally.refused > FRAMES / 2, `only ${tally.refused} were refused`);
  note("N5", "frames", FRAMES);
});
