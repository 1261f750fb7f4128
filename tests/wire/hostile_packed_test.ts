import { assert, assertEquals, assertThrows } from "@std/assert";
import zlib from "node:zlib";
import { ProtocolError } from "../../src/errors.ts";
import { ByteReader, ByteWriter } from "../../src/protocol/bytes.ts";
import { FrameType } from "../../src/protocol/frame.ts";
import { MAX_UNPACKED_BYTES } from "../../src/protocol/limits.ts";
import { readPacked, writePacked } from "../../src/protocol/packed_codec.ts";
import { note } from "../support/proof.ts";
import { serve } from "../support/served_endpoint.ts";
import { Random } from "../support/random.ts";
import { bytesOf } from "../support/session_pair.ts";
import { joined } from "../support/wire_message.ts";

const { ZSTD_c_checksumFlag, ZSTD_c_windowLog } = zlib.constants;

/** `bytes`, announced as `length` bytes. */
function announced(length: number, bytes: Uint8Array): Uint8Array {
  return bytesOf((writer) => {
    writer.varint(length);
    writer.raw(bytes);
  });
}

function zstd(
  bytes: Uint8Array,
  params: Record<number, number> = { [ZSTD_c_windowLog]: 20 },
): Uint8Array {
  return new Uint8Array(zlib.zstdCompressSync(bytes, { params }));
}

const TEXT = new TextEncoder().encode("to and fro, ".repeat(1_000));
const LENGTH = TEXT.length;
const PACKED = zstd(TEXT);
const SKIPPABLE = Uint8Array.fromHex("502a4d180200000000ff");

/** 256 MiB of zeros: 8 KiB. */
const BOMB = zstd(new Uint8Array(256 * 1024 * 1024));

const HOSTILE: readonly (readonly [string, Uint8Array])[] = [
  ["nothing", new Uint8Array()],
  ["a length alone", announced(LENGTH, new Uint8Array())],
  ["a length of 0", announced(0, zstd(new Uint8Array()))],
  ["a length of 0 and content", announced(0, PACKED)],
  ["a length beyond the limit", announced(MAX_UNPACKED_BYTES + 1, PACKED)],
  ["a length of 2^53", joined(Uint8Array.fromHex("ffffffffffffff0f"), PACKED)],
  ["less than was announced", announced(LENGTH + 1, PACKED)],
  ["more than was announced", announced(LENGTH - 1, PACKED)],
  ["a bomb", announced(MAX_UNPACKED_BYTES, BOMB)],
  ["a bomb that says it is small", announced(1, BOMB)],
  ["a frame that is cut off", announced(LENGTH, PACKED.subarray(0, -1))],
  ["half a header", announced(LENGTH, PACKED.subarray(0, 5))],
  [
    "a byte behind the frame",
    announced(LENGTH, joined(PACKED, TEXT.subarray(0, 1))),
  ],
  ["two frames", announced(2 * LENGTH, joined(PACKED, PACKED))],
  ["a frame to skip behind it", announced(LENGTH, joined(PACKED, SKIPPABLE))],
  ["a frame to skip before it", announced(LENGTH, joined(SKIPPABLE, PACKED))],
  ["gzip", announced(LENGTH, new Uint8Array(zlib.gzipSync(TEXT)))],
  [
    "a window of 128 MiB",
    announced(LENGTH, zstd(TEXT, { [ZSTD_c_windowLog]: 27 })),
  ],
  // A dictionary's id in the flags, and in the byte after the window.
  [
    "a dictionary",
    announced(
      LENGTH,
      joined(
        Uint8Array.fromHex("28b52ffd"),
        Uint8Array.of(PACKED[4]! | 1, PACKED[5]!, 7),
        PACKED.subarray(6),
      ),
    ),
  ],
  [
    "a block of a reserved type",
    announced(1, Uint8Array.fromHex("28b52ffd00500f0000")),
  ],
];

Deno.test(`A17, A18: none of ${HOSTILE.length} hostile packed payloads is unpacked`, () => {
  for (const [what, payload] of HOSTILE) {
    assertThrows(
      () => readPacked(new ByteReader(payload)),
      ProtocolError,
      undefined,
      what,
    );
  }
});

Deno.test("A18: a frame with a checksum that is wrong is refused", () => {
  const packed = zstd(TEXT, {
    [ZSTD_c_windowLog]: 20,
    [ZSTD_c_checksumFlag]: 1,
  });
  assertEquals(readPacked(new ByteReader(announced(LENGTH, packed))), TEXT);
  packed[packed.length - 1]! ^= 1;
  const payload = announced(LENGTH, packed);
  assertThrows(() => readPacked(new ByteReader(payload)), ProtocolError);
});

Deno.test("A18: damage is refused, or what comes out has the announced length", () => {
  const random = new Random(71);
  let refused = 0;
  for (let i = 0; i < 2_000; i++) {
    const packed = PACKED.slice();
    packed[random.below(packed.length)]! ^= 1 << random.below(8);
    try {
      const { length } = readPacked(new ByteReader(announced(LENGTH, packed)));
      assertEquals(length, LENGTH);
    } catch (error) {
      assert(error instanceof ProtocolError, `${packed.toHex()}: ${error}`);
      refused++;
    }
  }
  assert(refused > 500, `${refused} refused`);
});

Deno.test("N14: 50 bombs of 256 MiB take no more memory than they announce", () => {
  const payload = announced(MAX_UNPACKED_BYTES, BOMB);
  const before = Deno.memoryUsage().rss;
  for (let i = 0; i < 50; i++) {
    assertThrows(() => readPacked(new ByteReader(payload)), ProtocolError);
  }
  // What is not collected yet counts, too: one payload for each of them.
  const grown = Deno.memoryUsage().rss - before;
  assert(grown < 55 * MAX_UNPACKED_BYTES, `${grown} bytes`);
  note("N14", "bombs", 50);
});

Deno.test("Payloads of every length come back as they were, at every level", () => {
  const random = new Random(72);
  for (
    const length of [1, 2, 1_023, 1_024, 1_025, 200_000, MAX_UNPACKED_BYTES]
  ) {
    for (const level of [1, 3, 9]) {
      for (const bytes of [random.bytes(length), new Uint8Array(length)]) {
        const page = new ByteWriter();
        writePacked(page, bytes, level);
        const read = readPacked(new ByteReader(page.bytes));
        assertEquals(read.length, length);
        assert(
          read.every((byte, i) => byte === bytes[i]),
          `${length} at ${level}`,
        );
      }
    }
  }
});

Deno.test("A17: who sends a bomb as content loses the session, and nothing is written", async () => {
  const { client, fake, served } = await serve({});
  const exchange = client.open();
  exchange.page.raw(announced(MAX_UNPACKED_BYTES, BOMB));
  await exchange.send(FrameType.packed, { end: false });
  const error = await served;
  assert(error instanceof ProtocolError, String(error));
  assertEquals(fake.calls.includes("write"), false);
});
