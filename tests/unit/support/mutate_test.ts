import { assert, assertEquals } from "@std/assert";
import { mutantsOf } from "../../support/mutate.ts";

const FILE = `function f(a: number): string | undefined {
  // if (a) throw
  if (a > 1 && g(")")) throw new Error("too much");
  if (a === 0) {
    throw new Error("none");
  }
  check(a, () => {});
  const b = check(a);
  if (a === 5) b.add(a);
  if (a === 3) return undefined;
  if (a < 1) return "fine";
  throw new Error("else");
}
`;

Deno.test("mutantsOf() takes out each guard, once, and nothing else", () => {
  const mutants = mutantsOf(FILE);
  assertEquals(mutants.map(({ line, guard }) => [line, guard]), [
    [3, 'if (a > 1 && g(")"))'],
    [4, "if (a === 0)"],
    [7, "check(a, () => {});"],
    [10, "if (a === 3)"],
    [11, "if (a < 1)"],
  ]);
  const [first, , check, , last] = mutants.map(({ text }) => text);
  assert(first!.includes('if (false && (a > 1 && g(")"))) throw'));
  assert(!check!.includes("check(a, "));
  assert(check!.includes("const b = check(a);"));
  assert(last!.includes('if (true || (a < 1)) return "fine";'));
});
