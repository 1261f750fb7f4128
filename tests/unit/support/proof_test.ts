import { assert, assertEquals } from "@std/assert";
import { type Goal, GOALS } from "../../faults/goals.ts";
import { readProof } from "../../support/proof.ts";
import { renderProof, renderTotals } from "../../support/proof_table.ts";

const NOTES = [
  { goal: "N1", unit: "reconciles", count: 40_000 },
  { goal: "N1", unit: "reconciles", count: 10_000 },
  { goal: "N4", unit: "kills", count: 7 },
  { goal: "N8", unit: "seconds", count: 5, most: true },
  { goal: "N8", unit: "seconds", count: 3, most: true },
].map((note) => JSON.stringify(note)).join("\n") + '\n{"goal":"N4","un';

const TWO: readonly Goal[] = [
  {
    id: "N1",
    about: "plans",
    asked: [{ unit: "reconciles", count: 50_000 }],
    lacking: "folding",
  },
  { id: "N8", about: "races", asked: [{ unit: "minutes", count: 1 }] },
];

Deno.test("readProof() adds up what was noted, but for what is measured, and leaves out half a line", () => {
  const proof = readProof(NOTES);
  assertEquals(proof.get("N1"), new Map([["reconciles", 50_000]]));
  assertEquals(proof.get("N4"), new Map([["kills", 7]]));
  assertEquals(proof.get("N8"), new Map([["seconds", 5]]));
});

Deno.test("renderProof() tells what was reached, what not, and what is lacking", () => {
  assertEquals(renderProof(TWO, readProof(NOTES)), [
    "Asked before a release, and gone through just now without a fault:",
    "  N1   reached      50,000 of 50,000 reconciles  (plans)",
    "       not: folding",
    "  N8   not reached  0 of 1 minutes  (races)",
    "       also: 5 seconds",
    "All  1 of 2",
  ]);
});

Deno.test("renderTotals() names only what was noted", () => {
  assertEquals(
    renderTotals(readProof(NOTES)),
    "Shown now: 50,000 reconciles, 7 kills",
  );
  assertEquals(renderTotals(readProof("")), "Shown now: nothing");
});

Deno.test("every unit that a goal asks for is noted by a test", async () => {
  const noted = new Set<string>();
  const root = new URL("../../", import.meta.url);
  for (
    const folder of [
      ...["property", "simulation", "wire", "e2e", "support"],
      "contract",
      "unit/net",
    ]
  ) {
    for await (const { name } of Deno.readDir(new URL(folder, root))) {
      if (!name.endsWith(".ts")) continue;
      const text = Deno.readTextFileSync(new URL(`${folder}/${name}`, root));
      const notes = text.matchAll(
        /\bnote(?:Most)?\(\s*"(N\d+)",\s*"([^"]+)"/g,
      );
      for (const [, goal, unit] of notes) noted.add(`${goal} ${unit}`);
    }
  }
  for (const { id, asked } of GOALS) {
    for (const { unit } of asked) assert(noted.has(`${id} ${unit}`), unit);
  }
});
