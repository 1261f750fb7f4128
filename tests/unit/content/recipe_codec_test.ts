import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { pagesOf } from "../../../src/content/pages.ts";
import { EMPTY_RECIPE, recipeOf } from "../../../src/content/recipe.ts";
import {
  decodePages,
  decodeRecipe,
  encodePages,
  encodeRecipe,
  readChunks,
} from "../../../src/content/recipe_codec.ts";
import { ProtocolError } from "../../../src/errors.ts";
import { Random } from "../../support/random.ts";
import { recipeOfWords } from "./recipes.ts";

const ONE_BYTE = recipeOf(new Uint8Array(1));
const ID = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
const PAGE = "69ff1a67747580de3b2deba809014ae3e78201dd28cefa1b5dada4a4ba9aff20";

Deno.test("Recipes and pages are written as version 1 does", () => {
  const table: [string, Uint8Array, string][] = [
    ["an empty recipe", encodeRecipe(EMPTY_RECIPE), "01000000 00000000"],
    ["a recipe", encodeRecipe(ONE_BYTE), `01000000 00000001 ${ID} 00000001`],
    ["no pages", encodePages(pagesOf(EMPTY_RECIPE)), "01000000 00000000"],
    [
      "a page",
      encodePages(pagesOf(ONE_BYTE)),
      `01000000 00000001 ${PAGE} 0001`,
    ],
  ];
  for (const [name, bytes, hex] of table) {
    assertEquals(bytes.toHex(), hex.replaceAll(" ", ""), name);
  }
});

Deno.test("Recipes and pages come back as they were, from the middle of a message", () => {
  const recipes = [
    EMPTY_RECIPE,
    ONE_BYTE,
    recipeOf(new Random(1).bytes(500_001)),
    recipeOfWords(Array.from({ length: 1_000 }, (_, i) => i)),
  ];
  for (const recipe of recipes) {
    assertEquals(decodeRecipe(shifted(encodeRecipe(recipe))), recipe);
    const pages = pagesOf(recipe);
    assertEquals(decodePages(shifted(encodePages(pages))), pages);
  }
});

Deno.test("What was decoded does not change with its message", () => {
  const bytes = encodeRecipe(ONE_BYTE);
  const recipe = decodeRecipe(bytes);
  bytes.fill(0);
  assertEquals(recipe, ONE_BYTE);
});

Deno.test("decodeRecipe() refuses what is not well-formed", () => {
  const head = "01000000";
  const table: [name: string, hex: string, message: string][] = [
    ["nothing", "", "0 bytes came"],
    ["half a header", "01000000 000000", "7 bytes came"],
    ["version 0", "00000000 00000000", "version 0"],
    ["version 2", "02000000 00000000", "version 2"],
    ["reserved bits", "01000001 00000000", "reserved"],
    ["other reserved bits", "01800000 00000000", "reserved"],
    ["a count that is too high", `${head} 00800001`, "at most 8388608"],
    ["the highest count", `${head} ffffffff`, "at most 8388608"],
    ["a count without chunks", `${head} 00800000`, "bytes needed, 8 came"],
    ["a chunk cut off", `${head} 00000001 ${ID} 000000`, "43 came"],
    ["a byte too many", `${head} 00000001 ${ID} 00000001 00`, "45 came"],
    ["a chunk without a count", `${head} 00000000 ${ID} 00000001`, "44 came"],
    ["a chunk of no bytes", `${head} 00000001 ${ID} 00000000`, "length of 0"],
    ["a chunk too long", `${head} 00000001 ${ID} 00040001`, "of 262145 bytes"],
    ["the longest", `${head} 00000001 ${ID} ffffffff`, "of 4294967295 bytes"],
    [
      "a short chunk that is not the last",
      `${head} 00000002 ${ID}${ID} 00003fff 00004000`,
      "chunk 0: a length of 16383",
    ],
  ];
  assertAllRefused(table, decodeRecipe);
});

Deno.test("decodePages() refuses what is not well-formed", () => {
  const head = "01000000";
  const table: [name: string, hex: string, message: string][] = [
    ["nothing", "", "0 bytes came"],
    ["version 2", "02000000 00000000", "version 2"],
    ["reserved bits", "01000100 00000000", "reserved"],
    ["a count that is too high", `${head} 00080001`, "at most 524288"],
    ["a count without pages", `${head} 00080000`, "bytes needed, 8 came"],
    ["a page cut off", `${head} 00000001 ${PAGE} 00`, "41 came"],
    ["a byte too many", `${head} 00000001 ${PAGE} 0001 00`, "43 came"],
    ["a page of no chunks", `${head} 00000001 ${PAGE} 0000`, "0 chunks"],
    ["a page too long", `${head} 00000001 ${PAGE} 0101`, "257 chunks"],
    [
      "a short page that is not the last",
      `${head} 00000002 ${PAGE}${PAGE} 000f 0010`,
      "page 0: 15 chunks",
    ],
  ];
  assertAllRefused(table, decodePages);
});

Deno.test("decodePages() refuses more chunks than a recipe may have", () => {
  // 32,768 pages of 256 chunks are as many as there may be.
  const count = 32_769;
  const bytes = new Uint8Array(8 + 34 * count);
  const view = new DataView(bytes.buffer);
  bytes[0] = 1;
  view.setUint32(4, count);
  for (let i = 0; i < count; i++) view.setUint16(8 + 32 * count + 2 * i, 256);
  assertThrows(() => decodePages(bytes), ProtocolError, "8388864 in all");
});

Deno.test("readChunks() allows a short chunk only at the end of the file", () => {
  const bytes = Uint8Array.fromHex(`${ID}00000001`);
  assertEquals(readChunks(bytes, 1, true), ONE_BYTE);
  assertThrows(() => readChunks(bytes, 1, false), ProtocolError, "length of 1");
  assertThrows(() => readChunks(bytes, 2, true), ProtocolError, "36 bytes");
});

function assertAllRefused(
  table: readonly [name: string, hex: string, message: string][],
  decode: (bytes: Uint8Array) => unknown,
): void {
  for (const [name, hex, message] of table) {
    const bytes = Uint8Array.fromHex(hex.replaceAll(" ", ""));
    const error = assertThrows(() => decode(bytes), ProtocolError, "", name);
    assertStringIncludes(error.message, message, name);
  }
}

/** The same bytes at an odd place of a larger buffer. */
function shifted(bytes: Uint8Array): Uint8Array {
  const larger = new Uint8Array(bytes.length + 8).fill(0xee);
  larger.set(bytes, 3);
  return larger.subarray(3, 3 + bytes.length);
}
