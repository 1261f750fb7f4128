/** Files that are made of others end equal, and few bytes travel. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { MAX_CHUNK_BYTES } from "../../src/content/limits.ts";
import { MAX_SENT_BYTES } from "../../src/fs/candidates.ts";
import { RUNS } from "../support/arbitraries.ts";
import { Random } from "../support/random.ts";
import {
  edited,
  RecipeWorld,
  type WorldOptions,
} from "../support/recipe_world.ts";

const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const FILE_RUNS = Math.ceil(RUNS / 25);

/**
 * What an edit may cost beside the bytes that are new: the recipe, and for each
 * place that was edited a signature and about a block around it.
 */
const PER_EDIT_BYTES = 16_000;
const PER_RUN_BYTES = 12_000;

for (const pull of [false, true]) {
  const way = pull ? "fetched" : "sent";

  Deno.test(`an edited file is ${way} exactly, in few bytes`, async () => {
    await law(async (random) => {
      const old = random.bytes(random.between(70_000, 2_000_000));
      const { name, bytes, fresh } = edited(old, random);
      const world = new RecipeWorld({ "a/f": bytes }, { "a/f": old });
      const { sent, received, summary } = await world.run({ pull });
      assertEquals(summary.problems, []);
      assertEqualTrees(world);
      // Where far parts meet, no search is made: the chunks at both seams travel.
      const seams = name === "shuffle" ? 4 * MAX_CHUNK_BYTES : 0;
      const allowed = Math.max(
        PER_RUN_BYTES + PER_EDIT_BYTES + fresh + seams,
        PER_RUN_BYTES + MAX_SENT_BYTES,
      );
      assert(
        sent + received <= allowed,
        `${name}: ${sent} + ${received} bytes of ${bytes.length}, ${allowed} allowed`,
      );
    });
  });

  Deno.test(`a file that was edited often is ${way} exactly`, async () => {
    await law(async (random) => {
      const old = random.bytes(random.between(70_000, 2_000_000));
      let bytes: Uint8Array = old;
      for (let i = random.between(2, 9); i > 0; i--) {
        bytes = edited(bytes, random).bytes;
      }
      const world = new RecipeWorld({ "a/f": bytes }, { "a/f": old });
      const { sent, summary } = await world.run({ pull });
      assertEquals(summary.problems, []);
      assertEqualTrees(world);
      assert(sent <= bytes.length + PER_RUN_BYTES, `${sent}`);
    });
  });
}

Deno.test("trees of files that are edited, moved, copied and swapped end equal", async () => {
  await law(async (random) => {
    const old: Record<string, Uint8Array> = {};
    const wanted: Record<string, Uint8Array> = {};
    for (let i = random.between(1, 6); i > 0; i--) {
      const bytes = random.bytes(random.between(1, 400_000));
      old[`${random.pick(["a", "b"])}/${i}`] = bytes;
    }
    for (const [path, bytes] of Object.entries(old)) {
      const to = random.pick([path, path, `c/${path}`, path.toUpperCase()]);
      if (random.below(6) === 0) continue;
      wanted[to] = random.below(2) === 0 ? bytes : edited(bytes, random).bytes;
      if (random.below(4) === 0) wanted[`${to}.copy`] = wanted[to];
    }
    const world = new RecipeWorld(wanted, old);
    const options: WorldOptions = {
      pull: random.below(2) === 0,
      mirror: { checksum: random.below(3) === 0 },
    };
    const { summary } = await world.run(options);
    assertEquals(summary.problems, []);
    assertEqualTrees(world);
    // And once more there is nothing to do.
    const again = await world.run(options);
    assertEquals(again.summary.changes.files, 0);
  });
});

Deno.test("a side that knows no recipes gets and gives whole files", async () => {
  await law(async (random) => {
    const old = random.bytes(200_000);
    const { bytes } = edited(old, random);
    const world = new RecipeWorld({ f: bytes }, { f: old });
    const side = random.pick(["sourceRecipes", "targetRecipes"] as const);
    const { sent } = await world.run({
      pull: random.below(2) === 0,
      [side]: false,
    });
    assertEqualTrees(world);
    const zeros = bytes.reduce((sum, byte) => sum + (byte === 0 ? 1 : 0), 0);
    assert(sent > bytes.length - zeros - 10_000, `${sent} of ${bytes.length}`);
  });
});

Deno.test("a lost connection never leaves half a file in place", async () => {
  await law(async (random) => {
    const old = random.bytes(random.between(70_000, 600_000));
    const { bytes } = edited(old, random);
    const world = new RecipeWorld({ f: bytes }, { f: old });
    const before = world.target.dump("/").f;
    const fault = { cutAtByte: random.below(40_000) };
    try {
      await world.run({
        faults: random.below(2) === 0 ? { there: fault } : { back: fault },
      });
    } catch {
      const { f } = world.target.dump("/");
      const after = world.source.dump("/").f;
      assert(
        isEqual(f, before) || isEqual(f, after),
        "neither old nor new",
      );
    }
    await world.run();
    assertEqualTrees(world);
  });
});

function isEqual(a: unknown, b: unknown): boolean {
  try {
    assertEquals(a, b);
    return true;
  } catch {
    return false;
  }
}

function assertEqualTrees({ source, target }: RecipeWorld): void {
  assertEquals(target.dump("/"), source.dump("/"));
}

async function law(check: (random: Random) => Promise<void>): Promise<void> {
  await fc.assert(
    fc.asyncProperty(seeds, (seed) => check(new Random(seed))),
    { numRuns: FILE_RUNS },
  );
}
