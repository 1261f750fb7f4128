import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  MAX_CANDIDATES,
  searchAllowance,
} from "../../../src/content/block_search.ts";
import {
  delta,
  type DeltaOperation,
  patch,
} from "../../../src/content/delta.ts";
import {
  decodeDelta,
  encodeDelta,
  maxDeltaBytes,
} from "../../../src/content/delta_codec.ts";
import { rollingSum, weakOf } from "../../../src/content/rolling.ts";
import { type Signature, signatureOf } from "../../../src/content/signature.ts";
import { ProtocolError } from "../../../src/errors.ts";
import { Random } from "../../support/random.ts";

const SHAPE = { blockBytes: 16, strongBytes: 6 };

Deno.test("delta() finds blocks wherever they are", () => {
  // Letters are blocks of 16 bytes, digits single bytes; "from+length" is a copy.
  const table: [string, string, string, string][] = [
    ["both empty", "", "", ""],
    ["an empty region", "", "ab", "'ab'"],
    ["an empty target", "ab", "", ""],
    ["equal", "abc", "abc", "0+48"],
    ["equal, with a tail", "abc12", "abc12", "0+50"],
    ["only a tail", "1", "1", "0+1"],
    ["another tail", "ab1", "ab2", "0+32 '2'"],
    ["the tail after something new", "ab12", "3412", "'34' 32+2"],
    ["one changed", "abc", "axc", "0+16 'x' 32+16"],
    ["a byte inserted", "abc", "a1bc", "0+16 '1' 16+32"],
    ["a byte in front", "abc", "1abc", "'1' 0+48"],
    ["a byte behind", "abc", "abc1", "0+48 '1'"],
    ["a block deleted", "abc", "ac", "0+16 32+16"],
    ["they moved", "abcd", "cdab", "32+32 0+32"],
    ["one repeats", "ab", "aaab", "0+16 0+16 0+32"],
    ["equal blocks in order", "aabaa", "aabaa", "0+80"],
    ["nothing in common", "abc", "xyz", "'xyz'"],
    ["shorter than a block", "a", "1", "'1'"],
    ["longer than all", "a", "xax", "'x' 0+16 'x'"],
  ];
  for (const [name, base, wanted, expected] of table) {
    const region = spelled(base);
    const target = spelled(wanted);
    const found = delta(target, signatureOf(region, SHAPE));
    assertEquals(found.operations, operationsOf(expected), name);
    assertEquals(patch(region, found.operations, target.length), target, name);
    const literals = found.operations.reduce(
      (sum, it) => sum + (it.kind === "literal" ? it.bytes.length : 0),
      0,
    );
    assertEquals(found.literalBytes, literals, name);
  }
});

Deno.test("delta() makes one literal of what is new, and views of it", () => {
  const target = new Random(1).bytes(5_000);
  const signature = signatureOf(new Random(2).bytes(5_000), SHAPE);
  const { operations } = delta(target, signature);
  assertEquals(operations, [{ kind: "literal", bytes: target }]);
  const [operation] = operations;
  assert(operation?.kind === "literal");
  assertEquals(operation.bytes.buffer, target.buffer);
});

Deno.test("delta() gives up where all weak sums are equal and no block is", () => {
  // Each position of the target looks like each block, until it is hashed.
  const target = new Uint8Array(200_000);
  const weak = weakOf(rollingSum(target, 0, 64));
  const signature = forged(6_400, 64, () => weak);
  const { operations, strongSums, candidates } = delta(target, signature);
  assertEquals(operations, [{ kind: "literal", bytes: target }]);
  const allowance = searchAllowance(target.length, 64);
  assertEquals(strongSums, allowance + 1);
  assert(candidates <= (MAX_CANDIDATES + 1) * (allowance + 1));
});

Deno.test("delta() looks at few blocks where all of them share a slot", () => {
  // Weak sums next to each other are in one slot, and different.
  const target = new Uint8Array(200_000);
  const weak = weakOf(rollingSum(target, 0, 64));
  const signature = forged(6_400, 64, (i) => weak ^ (i % 255 + 1));
  const { operations, strongSums, candidates } = delta(target, signature);
  assertEquals(operations, [{ kind: "literal", bytes: target }]);
  assertEquals(strongSums, 0);
  assert(candidates <= MAX_CANDIDATES * target.length);
});

Deno.test("delta() keeps its allowance for what is in vain, and finds all else", () => {
  // 2,000 blocks, of which each is found: far more than the allowance is.
  const region = new Random(3).bytes(128_000);
  const found = delta(
    region,
    signatureOf(region, { blockBytes: 64, strongBytes: 1 }),
  );
  assertEquals(found.operations, [{
    kind: "copy",
    offset: 0,
    length: 128_000,
  }]);
  assertEquals(found.strongSums, 2_000);
});

Deno.test("delta() is quick with zeros on both sides", () => {
  const region = new Uint8Array(65_536);
  const target = new Uint8Array(131_072);
  const found = delta(
    target,
    signatureOf(region, { blockBytes: 64, strongBytes: 2 }),
  );
  assertEquals(found.literalBytes, 0);
  assertEquals(patch(region, found.operations, target.length), target);
  assertEquals(found.strongSums, 2_048);
});

Deno.test("patch() refuses operations that do not fit", () => {
  const region = new Uint8Array(10);
  const bytes = new Uint8Array(4);
  const table: [string, DeltaOperation[], number][] = [
    ["a copy behind the end", [{ kind: "copy", offset: 5, length: 6 }], 6],
    ["a copy from nowhere", [{ kind: "copy", offset: 99, length: 1 }], 1],
    ["more than the target", [{ kind: "literal", bytes }], 3],
    ["less than the target", [{ kind: "literal", bytes }], 5],
    ["nothing", [], 1],
  ];
  for (const [name, operations, length] of table) {
    assertThrows(() => patch(region, operations, length), RangeError, "", name);
  }
});

Deno.test("A delta is written as version 1 does, and comes back", () => {
  const operations: DeltaOperation[] = [
    { kind: "copy", offset: 0, length: 0x12345 },
    { kind: "literal", bytes: Uint8Array.of(1, 2, 3) },
    { kind: "copy", offset: 0x20000, length: 1 },
  ];
  const bytes = encodeDelta(operations);
  const hex = "01000000 80012345 00000000 00000003 010203 80000001 00020000";
  assertEquals(bytes.toHex(), hex.replaceAll(" ", ""));
  const bounds = { regionBytes: 0x20001, targetBytes: 0x12349 };
  assertEquals(decodeDelta(bytes, bounds), operations);
  const larger = new Uint8Array(bytes.length + 1);
  larger.set(bytes, 1);
  assertEquals(decodeDelta(larger.subarray(1), bounds), operations);
});

Deno.test("decodeDelta() refuses what is not well-formed, or does not fit", () => {
  // The region has 64 bytes, the target 20.
  const head = "01000000";
  const table: [name: string, hex: string, message: string][] = [
    ["nothing", "", "0 bytes came"],
    ["half a header", "010000", "3 bytes came"],
    ["version 2", "02000000", "header 33554432"],
    ["reserved bits", "01000001", "header 16777217"],
    ["no operations", head, "last 20 bytes"],
    ["half a length", `${head} 8000`, "4 bytes needed, 2 left"],
    ["a copy without an offset", `${head} 80000014`, "8 bytes needed, 4 left"],
    ["a copy of nothing", `${head} 80000000 00000000`, "makes 0 bytes"],
    ["a literal of nothing", `${head} 00000000`, "makes 0 bytes"],
    ["a copy of too much", `${head} 80000015 00000000`, "makes 21 bytes"],
    ["the longest copy", `${head} ffffffff 00000000`, "makes 2147483647 bytes"],
    ["the longest literal", `${head} 7fffffff`, "makes 2147483647 bytes"],
    ["a copy behind the end", `${head} 80000014 0000002d`, "region has 64"],
    ["a copy from far away", `${head} 80000014 ffffffff`, "region has 64"],
    ["a literal cut off", `${head} 00000014 0102`, "24 bytes needed, 6 left"],
    ["too little", `${head} 80000013 00000000`, "last 1 bytes"],
    [
      "one byte too many",
      `${head} 80000014 00000000 00000001 00`,
      "0 are lacking",
    ],
    [
      "more than the target costs",
      `${head} ${"00".repeat(37)}`,
      "41 bytes came",
    ],
  ];
  const bounds = { regionBytes: 64, targetBytes: 20 };
  for (const [name, hex, message] of table) {
    const bytes = Uint8Array.fromHex(hex.replaceAll(" ", ""));
    const error = assertThrows(
      () => decodeDelta(bytes, bounds),
      ProtocolError,
      "",
      name,
    );
    assertStringIncludes(error.message, message, name);
  }
});

Deno.test("A delta that is all literal is within its limit", () => {
  const target = new Uint8Array(100);
  const operations: DeltaOperation[] = [{ kind: "literal", bytes: target }];
  const bytes = encodeDelta(operations);
  assert(bytes.length <= maxDeltaBytes(100));
  const bounds = { regionBytes: 0, targetBytes: 100 };
  assertEquals(decodeDelta(bytes, bounds), operations);
});

/** 16 bytes for each letter, one for each digit. */
function spelled(text: string): Uint8Array {
  return new Uint8Array(
    [...text].flatMap((unit) => {
      const code = unit.charCodeAt(0);
      if (code < 0x40) return [code];
      return [...new Random(code).bytes(16)];
    }),
  );
}

/** Copies are written "offset+length", literals as what they spell, quoted. */
function operationsOf(text: string): DeltaOperation[] {
  if (text === "") return [];
  return text.split(" ").map((word) => {
    if (word.startsWith("'")) {
      return { kind: "literal", bytes: spelled(word.slice(1, -1)) };
    }
    const [offset, length] = word.split("+").map(Number);
    return { kind: "copy", offset: offset!, length: length! };
  });
}

/** A signature of no region: weak sums as told, strong ones that nothing has. */
function forged(
  regionBytes: number,
  blockBytes: number,
  weakOfBlock: (i: number) => number,
): Signature {
  const count = regionBytes / blockBytes;
  return {
    blockBytes,
    regionBytes,
    strongBytes: 6,
    weak: Uint32Array.from({ length: count }, (_, i) => weakOfBlock(i)),
    strong: Float64Array.from({ length: count }, (_, i) => i),
  };
}
