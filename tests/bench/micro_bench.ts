/**
 * Small pieces of the data path, one at a time and without a disk.
 *
 *     deno task bench:micro [--filter NAME]
 *
 * A benchmark says in its name how much it works on, so that a time can be turned
 * into a rate: 16 MiB in 16.8 ms are 1 GB/s. Goal: "chunker and SHA-256" in 16.8 ms
 * on one quiet core. Each part of `src/` has a section of its own below.
 */
import { Chunker } from "../../src/content/chunker.ts";
import { delta } from "../../src/content/delta.ts";
import { pagesOf } from "../../src/content/pages.ts";
import {
  chunkId,
  ID_BYTES,
  type Recipe,
  recipeOf,
} from "../../src/content/recipe.ts";
import { diffRecipes } from "../../src/content/recipe_diff.ts";
import { leavingFactor, roll, rollingSum } from "../../src/content/rolling.ts";
import { shapeFor, signatureOf } from "../../src/content/signature.ts";
import { Random } from "../support/random.ts";

const MIB = 2 ** 20;

// content: chunks and recipes

const file = new Random(1).bytes(16 * MIB);

Deno.bench("chunker, 16 MiB", { group: "chunks" }, () => {
  const chunker = new Chunker();
  for (let at = 0; at < file.length;) {
    at = chunker.next(file, at, file.length) ?? file.length;
  }
});

Deno.bench("SHA-256 of 64 KiB each, 16 MiB", { group: "chunks" }, () => {
  for (let at = 0; at < file.length; at += 65_536) {
    chunkId(file.subarray(at, at + 65_536));
  }
});

Deno.bench("chunker and SHA-256, 16 MiB", { group: "chunks" }, () => {
  recipeOf(file);
});

const manyChunks = recipeOfNoise(1_000_000, 1);
const editedChunks = {
  ...manyChunks,
  ids: manyChunks.ids.slice().fill(1, 5_000_000, 5_100_000),
};

Deno.bench("pages, 1,000,000 chunks", { group: "recipes" }, () => {
  pagesOf(manyChunks);
});

Deno.bench("diff, 1,000,000 chunks", { group: "recipes" }, () => {
  diffRecipes(editedChunks, [manyChunks]);
});

// content: signatures and deltas

const region = new Random(2).bytes(MIB);
const edited = region.slice();
edited.set(new Random(3).bytes(64), 500_000);
const foreign = new Random(4).bytes(MIB);
const shape = shapeFor(MIB, MIB);
const signature = signatureOf(region, shape);

Deno.bench("weak sum of 2 KiB each, 1 MiB", { group: "sums" }, () => {
  for (let at = 0; at < MIB; at += 2_048) rollingSum(region, at, at + 2_048);
});

Deno.bench("weak sum rolled, 1 MiB", { group: "sums" }, () => {
  const factor = leavingFactor(2_048);
  let sum = rollingSum(region, 0, 2_048);
  for (let at = 0; at + 2_048 < MIB; at++) {
    sum = roll(sum, region[at]!, region[at + 2_048]!, factor);
  }
  // Or the compiler may find that nobody needs it.
  if (sum === 0.5) throw new Error("A sum is a whole number");
});

Deno.bench("signature, 1 MiB", { group: "delta" }, () => {
  signatureOf(region, shape);
});

Deno.bench("delta, 1 MiB with 64 bytes edited", { group: "delta" }, () => {
  delta(edited, signature);
});

Deno.bench("delta, 1 MiB of other content", { group: "delta" }, () => {
  delta(foreign, signature);
});

/** A recipe of chunks that nobody made. */
function recipeOfNoise(count: number, seed: number): Recipe {
  const lengths = new Uint32Array(count).fill(65_536);
  const ids = new Random(seed).bytes(count * ID_BYTES);
  return { size: count * 65_536, ids, lengths };
}
