import { assert, assertEquals } from "@std/assert";
import type { Gap } from "../../../src/content/gap.ts";
import { shapeFor } from "../../../src/content/signature.ts";
import { SigningBudget } from "../../../src/content/signing_budget.ts";

const LENGTH = 64 * 1024;
const REGION = { base: 0, offset: 0, length: LENGTH };
const GAP: Gap = {
  first: 0,
  count: 1,
  offset: 0,
  length: LENGTH,
  region: [REGION],
};

Deno.test("SigningBudget gives shapes while there is room for their sums", () => {
  const shape = shapeFor(LENGTH, LENGTH);
  const one = LENGTH / shape.blockBytes * (3 + shape.strongBytes);
  const budget = new SigningBudget(2.5 * one);
  assertEquals(budget.shapeOf(GAP), shape);
  assertEquals(budget.shapeOf({ ...GAP, region: [] }), undefined);
  assert(budget.shapeOf(GAP) !== undefined);
  assertEquals(budget.shapeOf(GAP), undefined);
});
