import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import { delta } from "../../../src/content/delta.ts";
import { encodeDelta } from "../../../src/content/delta_codec.ts";
import {
  MAX_BLOCK_BYTES,
  MAX_REGION_BYTES,
} from "../../../src/content/limits.ts";
import { rollingSum, weakOf } from "../../../src/content/rolling.ts";
import { shapeFor, signatureOf } from "../../../src/content/signature.ts";
import {
  decodeSignature,
  encodeSignature,
} from "../../../src/content/signature_codec.ts";
import { ProtocolError } from "../../../src/errors.ts";
import { Random } from "../../support/random.ts";

/** Of two blocks, of 16 and of 10 bytes; must never change. */
const FROZEN = "01020000 00000010 0000001a a8ec33 1d36c9 1b0b f4bc";

Deno.test("signatureOf() sums each block, and the shorter tail", () => {
  const region = new Random(1).bytes(100);
  for (let strongBytes = 1; strongBytes <= 6; strongBytes++) {
    const signature = signatureOf(region, { blockBytes: 32, strongBytes });
    assertEquals(signature.regionBytes, 100);
    assertEquals(signature.weak.length, 4);
    for (const [i, from] of [0, 32, 64, 96].entries()) {
      const block = region.subarray(from, from + 32);
      const sum = weakOf(rollingSum(block, 0, block.length));
      const strong = createHash("sha256").update(block).digest()
        .readUIntBE(0, strongBytes);
      assertEquals(signature.weak[i], sum);
      assertEquals(signature.strong[i], strong);
    }
  }
});

Deno.test("shapeFor() lets an edit of 64 bytes cost about a kilobyte", () => {
  const random = new Random(2);
  for (const [regionBytes, most] of [[65_536, 1_250], [102_400, 1_600]]) {
    const shape = shapeFor(regionBytes!, regionBytes!);
    const costs = Array.from({ length: 21 }, () => {
      const region = random.bytes(regionBytes!);
      const target = region.slice();
      target.set(random.bytes(64), random.below(regionBytes! - 64));
      const signature = signatureOf(region, shape);
      return encodeSignature(signature).length +
        encodeDelta(delta(target, signature).operations).length;
    });
    const median = costs.sort((a, b) => a - b)[10]!;
    assertEquals(median < most!, true, `${median} bytes for ${regionBytes}`);
  }
});

Deno.test("shapeFor() gives shapes that signatureOf() takes", () => {
  const table: [number, number, number, number][] = [
    [0, 0, 64, 1],
    [1, 1, 64, 1],
    [1_000, 1_000, 64, 1],
    [65_536, 65_536, 512, 2],
    [102_400, 102_400, 640, 2],
    [1_048_576, 1_048_576, 2_048, 3],
    [MAX_REGION_BYTES, 1_048_576, 4_096, 3],
    [MAX_REGION_BYTES, 2 ** 53, 4_096, 6],
  ];
  for (const [region, target, blockBytes, strongBytes] of table) {
    const shape = shapeFor(region, target);
    assertEquals(shape, { blockBytes, strongBytes });
    signatureOf(new Uint8Array(0), shape);
  }
});

Deno.test("signatureOf() refuses what no signature may be", () => {
  const region = new Uint8Array(10);
  for (
    const [blockBytes, strongBytes] of [
      [0, 1],
      [15, 1],
      [MAX_BLOCK_BYTES + 1, 1],
      [16, 0],
      [16, 7],
    ]
  ) {
    assertThrows(
      () =>
        signatureOf(region, {
          blockBytes: blockBytes!,
          strongBytes: strongBytes!,
        }),
      RangeError,
    );
  }
  assertThrows(
    () =>
      signatureOf(new Uint8Array(MAX_REGION_BYTES + 1), {
        blockBytes: 64,
        strongBytes: 1,
      }),
    RangeError,
  );
});

Deno.test("A signature is written as version 1 does, and comes back", () => {
  const region = new TextEncoder().encode("The quick brown fox jumps.");
  const signature = signatureOf(region, { blockBytes: 16, strongBytes: 2 });
  const bytes = encodeSignature(signature);
  assertEquals(bytes.toHex(), FROZEN.replaceAll(/\s/g, ""));
  assertEquals(decodeSignature(bytes), signature);
  const larger = new Uint8Array(bytes.length + 1);
  larger.set(bytes, 1);
  assertEquals(decodeSignature(larger.subarray(1)), signature);
});

Deno.test("decodeSignature() refuses what is not well-formed", () => {
  const table: [name: string, hex: string, message: string][] = [
    ["nothing", "", "0 bytes came"],
    ["half a header", "0101000000000010000000", "11 bytes came"],
    ["version 0", "00010000 00000010 00000000", "version 0"],
    ["version 2", "02010000 00000010 00000000", "version 2"],
    ["reserved bits", "01010001 00000010 00000000", "reserved bits 1"],
    ["strong sums of nothing", "01000000 00000010 00000000", "sums of 0"],
    ["strong sums too long", "01070000 00000010 00000000", "sums of 7"],
    ["blocks of nothing", "01010000 00000000 00000010", "blocks of 0"],
    ["blocks too short", "01010000 0000000f 00000010", "blocks of 15"],
    ["blocks too long", "01010000 00010001 00000010", "blocks of 65537"],
    ["the longest blocks", "01010000 ffffffff 00000010", "of 4294967295"],
    ["a region too long", "01010000 00000010 00400001", "4194305 bytes"],
    ["the longest region", "01060000 00000010 ffffffff", "4294967295 bytes"],
    ["most blocks, none there", "01060000 00000010 00400000", "2359308 bytes"],
    ["a sum cut off", "01010000 00000010 00000010 010203", "15 came"],
    ["a byte too many", "01010000 00000010 00000000 00", "13 came"],
    [
      "a sum too many",
      "01010000 00000010 00000010 0102030401020304",
      "20 came",
    ],
  ];
  for (const [name, hex, message] of table) {
    const bytes = Uint8Array.fromHex(hex.replaceAll(" ", ""));
    const error = assertThrows(
      () => decodeSignature(bytes),
      ProtocolError,
      "",
      name,
    );
    assertStringIncludes(error.message, message, name);
  }
});
