import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import { digestOfRecipe, pagesOf } from "../../../src/content/pages.ts";
import {
  chunkId,
  EMPTY_RECIPE,
  ID_BYTES,
  offsetsOf,
  RecipeBuilder,
  recipeOf,
} from "../../../src/content/recipe.ts";
import { Random } from "../../support/random.ts";
import { concat } from "../../support/recipe_world.ts";
import { recipeOfWords } from "./recipes.ts";

/** Digests of files as version 1 has them; they must never change. */
const FROZEN: readonly [name: string, bytes: Uint8Array, digest: string][] = [
  [
    "nothing",
    new Uint8Array(0),
    "3052cabf8137e14cc288692ab2fd70d1ee36dcc4de814b2cd7c4ab42bcf39cc0",
  ],
  [
    "one byte",
    new Uint8Array(1),
    "11fce748d1ac22acb0babf9b26bd3119d8f838bc1bb280753485ba11a241ded0",
  ],
  [
    "zeros",
    new Uint8Array(1_000_000),
    "9fd5af5b00ea32a896e19395a15a10532b32699bcfec5eb6674dde4f8b04b77f",
  ],
  [
    "random bytes",
    new Random(1).bytes(2 ** 20),
    "9dd32c83c87275bf20fccf2a0b06aee83668f91520f44fb488c086a6bc4c4f2e",
  ],
];

for (const [name, bytes, digest] of FROZEN) {
  Deno.test(`digestOfRecipe() of ${name} is that of version 1`, () => {
    assertEquals(digestOfRecipe(recipeOf(bytes)), digest);
  });
}

Deno.test("digestOfRecipe() is made as it is described", () => {
  const bytes = new Random(3).bytes(10_000);
  const id = sha256(bytes);
  const page = sha256(utf8("lockstep page 1\n"), id, u32(10_000));
  const file = sha256(utf8("lockstep file 1\n"), u32(0), u32(10_000), page);
  assertEquals(digestOfRecipe(recipeOf(bytes)), file.toHex());
});

Deno.test("recipeOf() has the SHA-256 and the length of each chunk", () => {
  const bytes = new Random(2).bytes(400_000);
  const recipe = recipeOf(bytes);
  assertEquals(recipe.size, bytes.length);
  const offsets = offsetsOf(recipe);
  assertEquals(offsets.length, recipe.lengths.length + 1);
  assertEquals(offsets[0], 0);
  assertEquals(offsets.at(-1), bytes.length);
  for (let i = 0; i < recipe.lengths.length; i++) {
    const chunk = bytes.subarray(offsets[i], offsets[i + 1]);
    const id = recipe.ids.subarray(i * ID_BYTES, (i + 1) * ID_BYTES);
    assertEquals(id.toHex(), sha256(chunk).toHex());
    assertEquals(id.toHex(), chunkId(chunk));
    assertEquals(recipe.lengths[i], chunk.length);
  }
});

Deno.test("A file of no bytes has no chunks", () => {
  assertEquals(recipeOf(new Uint8Array(0)), EMPTY_RECIPE);
  assertEquals(pagesOf(EMPTY_RECIPE).ends.length, 0);
});

Deno.test("RecipeBuilder.add() takes chunks as they are", () => {
  const recipe = recipeOf(new Random(9).bytes(300_000));
  const builder = new RecipeBuilder();
  for (const [i, length] of recipe.lengths.entries()) {
    builder.add(recipe.ids.subarray(i * ID_BYTES, (i + 1) * ID_BYTES), length);
  }
  assertEquals(builder.finish(), recipe);
});

Deno.test("RecipeBuilder.add() refuses a chunk within another", () => {
  const builder = new RecipeBuilder();
  builder.append(new Uint8Array(10));
  assertThrows(() => builder.add(new Uint8Array(ID_BYTES), 20_000), TypeError);
});

Deno.test("RecipeBuilder makes the same recipe with the one of another version at hand", () => {
  const old = new Random(20).bytes(1_500_000);
  const other = new Random(21).bytes(400_000);
  const versions: readonly (readonly [string, Uint8Array[]])[] = [
    ["unchanged", [old]],
    ["edited", [
      old.subarray(0, 700_000),
      other.subarray(0, 10),
      old.subarray(700_010),
    ]],
    ["lengthened in front", [other.subarray(0, 999), old]],
    ["cut in front", [old.subarray(123_456)]],
    ["appended to", [old, other]],
    ["truncated", [old.subarray(0, 800_001)]],
    ["shuffled", [old.subarray(900_000), other, old.subarray(0, 900_000)]],
    ["another file", [other]],
    ["empty", []],
  ];
  const like = recipeOf(old);
  for (const [name, parts] of versions) {
    const bytes = concat(parts);
    for (const size of [30_000, 300_000, bytes.length + 1]) {
      const builder = new RecipeBuilder(like);
      for (let at = 0; at < bytes.length; at += size) {
        builder.append(bytes.subarray(at, at + size));
      }
      assertEquals(builder.finish(), recipeOf(bytes), `${name}, by ${size}`);
    }
  }
  assertEquals(new RecipeBuilder(EMPTY_RECIPE).finish(), EMPTY_RECIPE);
});

Deno.test("RecipeBuilder does not look for ends of chunks that the other version tells", () => {
  const bytes = new Random(22).bytes(600_000);
  // Cut as no search would: so it shows who has said it.
  const lengths = [50_001, 50_002, bytes.length - 100_003];
  const builder = new RecipeBuilder();
  let at = 0;
  for (const length of lengths) {
    const id = chunkId(bytes.subarray(at, at + length));
    builder.add(Uint8Array.fromHex(id), length);
    at += length;
  }
  const following = new RecipeBuilder(builder.finish());
  following.append(bytes);
  assertEquals([...following.finish().lengths.subarray(0, 2)], [
    50_001,
    50_002,
  ]);
});

Deno.test("pagesOf() ends pages where ids say so, within their limits", () => {
  // By the first two bytes of its id: 1,364 ends a page, 1,365 does not.
  const low = 1_364;
  const high = 1_365;
  const table: [string, number[], number[]][] = [
    ["one chunk", [low], [1]],
    ["15 chunks that could end it", Array(15).fill(low), [15]],
    ["33 of them", Array(33).fill(low), [16, 32, 33]],
    ["257 that do not", Array(257).fill(high), [256, 257]],
    ["number 20 does", [...Array(19).fill(high), low, high], [20, 21]],
    ["number 256 does", [...Array(255).fill(high), low, high], [256, 257]],
    ["number 15 comes too early", [...Array(14).fill(high), low, high], [16]],
  ];
  for (const [name, words, ends] of table) {
    assertEquals([...pagesOf(recipeOfWords(words)).ends], ends, name);
  }
});

Deno.test("pagesOf() makes 63 chunks a page on average", () => {
  const random = new Random(6);
  const words = Array.from({ length: 100_000 }, () => random.below(65_536));
  const pages = pagesOf(recipeOfWords(words)).ends.length;
  const average = words.length / pages;
  assertEquals(average > 60 && average < 66, true, `${average}`);
});

Deno.test("digestOfRecipe() sees ids, lengths and their order", () => {
  const words = [1, 2, 3];
  const base = recipeOfWords(words);
  const others = [
    recipeOfWords([1, 3, 2]),
    recipeOfWords([1, 2]),
    recipeOfWords([1, 2, 3, 3]),
    { ...base, lengths: Uint32Array.from([16_385, 16_383, 16_384]) },
    { ...base, size: base.size + 1 },
  ];
  for (const other of others) {
    assertNotEquals(digestOfRecipe(other), digestOfRecipe(base));
  }
});

function sha256(...parts: Uint8Array[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return Uint8Array.from(hash.digest());
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}
