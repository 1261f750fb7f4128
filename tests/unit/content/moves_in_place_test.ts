import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { movesInPlace } from "../../../src/content/moves_in_place.ts";
import { offsetsOf, type Recipe } from "../../../src/content/recipe.ts";
import { diffRecipes } from "../../../src/content/recipe_diff.ts";
import { RUNS } from "../../support/arbitraries.ts";
import { recipeOfWords } from "./recipes.ts";

/** One number for 1,000 bytes: enough to see what moved where. */
const UNIT = 1_000;

/** As {@link recipeOfWords}, with chunks of a few units. */
function recipeOf(words: readonly number[]): Recipe {
  const { ids } = recipeOfWords(words);
  const lengths = Uint32Array.from(words, (word) => UNIT * (1 + word % 4));
  const size = lengths.reduce((sum, length) => sum + length, 0);
  return { size, ids, lengths };
}

/** What a file of those chunks holds: which chunk, and which part of it. */
function contentOf(words: readonly number[]): string[] {
  return words.flatMap((word) =>
    Array.from({ length: 1 + word % 4 }, (_, i) => `${word}.${i}`)
  );
}

/** Carries the moves out, `step` units at a time, and answers which chunks moved. */
function carryOut(
  content: string[],
  moves: ReturnType<typeof movesInPlace>,
  step: number,
): Set<number> {
  const moved = new Set<number>();
  for (const { first, count, from, to, length } of moves) {
    for (let done = 0; done < length / UNIT;) {
      const size = Math.min(step, length / UNIT - done);
      const at = to > from ? length / UNIT - done - size : done;
      const read = content.slice(from / UNIT + at, from / UNIT + at + size);
      read.forEach((it, i) => content[to / UNIT + at + i] = it);
      done += size;
    }
    for (let i = first; i < first + count; i++) moved.add(i);
  }
  return moved;
}

function staying(
  wanted: readonly number[],
  old: readonly number[],
): Uint8Array {
  const offsets = offsetsOf(recipeOf(old));
  const at = new Map(old.map((word, i) => [offsets[i], word]));
  const places = offsetsOf(recipeOf(wanted));
  return Uint8Array.from(
    wanted,
    (word, i) => at.get(places[i]) === word ? 1 : 0,
  );
}

Deno.test("movesInPlace() puts each chunk that it moves where it belongs, and leaves those that stay", () => {
  const words = fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 40 });
  const cuts = fc.nat({ max: 40 });
  fc.assert(
    fc.property(
      words,
      words,
      fc.array(fc.tuple(cuts, cuts), { maxLength: 4 }),
      fc.integer({ min: 1, max: 6 }),
      (old, fresh, edits, step) => {
        let wanted = old.slice();
        for (const [at, end] of edits) {
          wanted = [...wanted.slice(0, at), ...fresh.slice(0, end % 5)]
            .concat(wanted.slice(Math.max(at, end - 5)));
        }
        const recipe = recipeOf(wanted);
        const base = recipeOf(old);
        const stays = staying(wanted, old);
        const limit = Math.min(base.size, recipe.size);
        const offsets = offsetsOf(recipe);
        const runs = diffRecipes(recipe, [base]);
        const options = { runs, base: 0, limit, offsets, staying: stays };
        const content = contentOf(old).slice(0, limit / UNIT);
        const moved = carryOut(content, movesInPlace(options), step);
        const expected = contentOf(wanted);
        for (const [i, isStaying] of stays.entries()) {
          if (isStaying === 0 && !moved.has(i)) continue;
          const [from, to] = [offsets[i]! / UNIT, offsets[i + 1]! / UNIT];
          assertEquals(content.slice(from, to), expected.slice(from, to));
        }
      },
    ),
    { numRuns: RUNS },
  );
});

for (
  const [name, wanted] of [
    ["something came in front", [9, 1, 2, 3, 4]],
    ["the start went", [2, 3, 4, 5]],
  ] as const
) {
  Deno.test(`movesInPlace() moves all that is left where ${name}`, () => {
    const recipe = recipeOf(wanted);
    const base = recipeOf([1, 2, 3, 4, 5]);
    const runs = diffRecipes(recipe, [base]);
    const moves = movesInPlace({
      runs,
      base: 0,
      limit: Math.min(base.size, recipe.size),
      offsets: offsetsOf(recipe),
      staying: undefined,
    });
    const bytes = moves.reduce((sum, { length }) => sum + length, 0);
    const copied = runs.filter(({ kind }) => kind === "copy")
      .reduce((sum, { length }) => sum + length, 0);
    // A draft reaches as far as the shorter of both; a chunk at its end may be cut.
    assert(bytes > 0 && copied - bytes <= 4 * UNIT, `${bytes} of ${copied}`);
    assertEquals(moves.length, 1);
  });
}
