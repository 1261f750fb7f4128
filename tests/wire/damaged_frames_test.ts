import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  ProtocolError,
  TransportError,
  UnsafePathError,
} from "../../src/errors.ts";
import { ByteReader } from "../../src/protocol/bytes.ts";
import { ChangeReader } from "../../src/protocol/change_codec.ts";
import {
  DescribeReader,
  DescriptionReader,
} from "../../src/protocol/description_codec.ts";
import { LackingReader } from "../../src/protocol/lacking_codec.ts";
import { ListingReader } from "../../src/protocol/listing_codec.ts";
import { decodeFrames, FrameType } from "../../src/protocol/frame.ts";
import {
  MESSAGE_HEADER_BYTES,
  PAGE_HEADER_BYTES,
} from "../../src/protocol/limits.ts";
import { PathListReader, ProblemReader } from "../../src/protocol/message.ts";
import { RequestReader, WantReader } from "../../src/protocol/want_codec.ts";
import { decodePayload, KNOWN } from "../support/decode_payload.ts";
import { FROZEN_FRAMES, frozenBytes } from "../support/frozen_frames.ts";
import { Random } from "../support/random.ts";
import { joined, sealed } from "../support/wire_message.ts";

const MUTATIONS = 20_000;

/** Where the length of the only frame stands. */
const LENGTH_AT = PAGE_HEADER_BYTES - 4;

/** Reads a message as a peer would; only the two errors may come out. */
function read(message: Uint8Array): "read" | "refused" {
  try {
    for (const { type, payload } of decodeFrames(message)) {
      decodePayload(type, payload);
    }
    return "read";
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof UnsafePathError) {
      return "refused";
    }
    throw error;
  }
}

Deno.test("A wrong bit anywhere in a message is damage, which a new connection cures", () => {
  for (const frozen of FROZEN_FRAMES) {
    for (let bit = 0; bit < 8 * frozenBytes(frozen).length; bit++) {
      const message = frozenBytes(frozen);
      message[bit >> 3]! ^= 1 << (bit & 7);
      const error = assertThrows(
        () => [...decodeFrames(message)],
        TransportError,
        "damaged",
        `${frozen.name}, bit ${bit}`,
      );
      assertEquals(error.code, "connection-lost");
    }
  }
});

Deno.test("A message that ends anywhere but at the end of a frame is refused", () => {
  for (const frozen of FROZEN_FRAMES) {
    const bytes = frozenBytes(frozen);
    for (
      let length = MESSAGE_HEADER_BYTES;
      length < bytes.length;
      length++
    ) {
      const shorter = sealed(bytes.slice(0, length));
      assertEquals(read(shorter), "refused");
      // The same with a header that knows of it.
      if (length < PAGE_HEADER_BYTES) continue;
      putLength(shorter);
      read(sealed(shorter));
    }
    assertEquals(read(bytes), "read", frozen.name);
  }
});

/** Readers that take pages: what each makes of all pages of a stream. */
const PAGED: ReadonlyMap<FrameType, () => Paged> = new Map<
  FrameType,
  () => Paged
>([
  [FrameType.stage, () => {
    const reader = new ChangeReader();
    const read: unknown[] = [];
    return {
      page: (page) => void read.push(...reader.read(page)),
      result: () => reader.incomplete ? undefined : read,
    };
  }],
  [FrameType.listing, () => {
    const read: unknown[] = [];
    const reader = new ListingReader({
      isRoot: true,
      childrenOf: (place) => read[place] = new Map(),
      onEnd: () => {},
    });
    return {
      page: (page) => reader.read(page),
      result: () => reader.incomplete ? undefined : read,
    };
  }],
  [FrameType.confirm, () => {
    const reader = new PathListReader();
    return { page: (page) => reader.read(page), result: () => reader.paths };
  }],
  [FrameType.problems, () => {
    const reader = new ProblemReader();
    return { page: (page) => reader.read(page), result: () => reader.problems };
  }],
  [FrameType.wants, () => {
    const reader = new WantReader(KNOWN);
    return { page: (page) => reader.read(page), result: () => reader.wants };
  }],
  [FrameType.supply, () => {
    const reader = new RequestReader();
    const read: unknown[] = [];
    return {
      page: (page) => void read.push(...reader.read(page)),
      result: () => reader.incomplete ? undefined : read,
    };
  }],
  [FrameType.describe, () => {
    const reader = new DescribeReader();
    return { page: (page) => reader.read(page), result: () => reader.requests };
  }],
  [FrameType.described, () => {
    const reader = new DescriptionReader();
    const read: unknown[] = [];
    return {
      page(page): void {
        for (const { bytes, ...rest } of reader.read(page)) {
          read.push({ ...rest, bytes: bytes.toHex() });
        }
      },
      result: () => reader.incomplete ? undefined : read,
    };
  }],
  [FrameType.lacking, () => {
    const reader = new LackingReader(() => 1_000_000);
    return {
      page: (page) => reader.read(page),
      result: () => reader.incomplete ? undefined : reader.answers,
    };
  }],
]);

interface Paged {
  page(page: ByteReader): void;
  /** All that was read; undefined in the middle of something. */
  result(): unknown;
}

Deno.test("Pages may be cut between records, and nowhere else", () => {
  for (const frozen of FROZEN_FRAMES) {
    const start = PAGED.get(frozen.type);
    if (start === undefined) continue;
    const payload = frozenBytes(frozen).subarray(PAGE_HEADER_BYTES);
    let cuts = 0;
    for (let at = 0; at <= payload.length; at++) {
      const { page, result } = start();
      try {
        page(new ByteReader(payload.subarray(0, at)));
        page(new ByteReader(payload.subarray(at)));
      } catch (error) {
        assert(error instanceof ProtocolError, `${frozen.name} at ${at}`);
        continue;
      }
      assertEquals(result(), frozen.value, `${frozen.name} at ${at}`);
      cuts++;
    }
    // At least before the first and behind the last record.
    assert(cuts >= 2, frozen.name);
  }
});

Deno.test(`${MUTATIONS} damaged messages do no harm`, () => {
  const random = new Random(20260101);
  const messages = FROZEN_FRAMES.map(frozenBytes);
  const seen = { read: 0, refused: 0 };
  for (let i = 0; i < MUTATIONS; i++) {
    const message = mutated(random.pick(messages), random, messages);
    try {
      seen[read(message)]++;
    } catch (error) {
      throw new Error(`Message ${message.toHex()}`, { cause: error });
    }
  }
  // Both happen often: the damage is neither always noticed nor never.
  assert(seen.read > MUTATIONS / 100 && seen.refused > MUTATIONS / 2);
});

/**
 * `message` with one to four changes and a right checksum; the length in its header
 * is often right.
 */
function mutated(
  message: Uint8Array<ArrayBuffer>,
  random: Random,
  others: readonly Uint8Array<ArrayBuffer>[],
): Uint8Array<ArrayBuffer> {
  let bytes = message.slice();
  for (let changes = random.between(1, 4); changes > 0; changes--) {
    const at = random.below(bytes.length);
    switch (random.below(7)) {
      case 0:
        bytes[at]! ^= 1 << random.below(8);
        break;
      case 1:
        bytes[at] = random.pick([0, 1, 0x7f, 0x80, 0xc0, 0xed, 0xff]);
        break;
      case 2:
        bytes = bytes.slice(0, at + 1);
        break;
      case 3:
        bytes = joined(bytes.subarray(0, at), bytes.subarray(at + 1));
        break;
      case 4:
        bytes = joined(
          bytes.subarray(0, at),
          random.bytes(random.between(1, 9)),
          bytes.subarray(at),
        );
        break;
      case 5: {
        const length = random.between(1, 20);
        const copy = bytes.slice(at, at + length);
        bytes = joined(bytes.subarray(0, at), copy, bytes.subarray(at));
        break;
      }
      default: {
        const other = random.pick(others);
        const from = random.below(other.length);
        bytes = joined(bytes.subarray(0, at), other.subarray(from));
      }
    }
    const missing = Math.max(0, MESSAGE_HEADER_BYTES + 1 - bytes.length);
    bytes = joined(bytes, new Uint8Array(missing));
  }
  if (bytes.length >= PAGE_HEADER_BYTES && random.below(4) > 0) {
    bytes.set(message.subarray(0, LENGTH_AT));
    putLength(bytes);
  }
  return sealed(bytes);
}

/** Makes the length in the header that of the rest. */
function putLength(message: Uint8Array): void {
  new DataView(message.buffer)
    .setUint32(LENGTH_AT, message.length - PAGE_HEADER_BYTES);
}
