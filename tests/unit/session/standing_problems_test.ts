import { assertEquals } from "@std/assert";
import type { ProblemCode } from "../../../src/core/problem.ts";
import type { SidedProblem } from "../../../src/session/events.ts";
import { Resting } from "../../../src/session/resting.ts";
import { StandingProblems } from "../../../src/session/standing_problems.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { path } from "../../support/trees.ts";

function problem(
  at: string,
  message = "broken",
  code: ProblemCode = "failed",
): SidedProblem {
  return { side: "target", problem: { path: path(at), code, message } };
}

Deno.test("a problem is told of once while it stands, and again when it comes back", () => {
  const standing = new StandingProblems(new Resting(new FakeClock()));
  const [a, b, other] = [problem("a"), problem("b"), problem("a", "other")];
  const table: [SidedProblem[], SidedProblem[]][] = [
    [[a], [a]],
    [[a, b], [b]],
    [[other, b], [other]],
    [[], []],
    [[a], [a]],
  ];
  for (const [problems, fresh] of table) {
    assertEquals(standing.replace(problems), fresh);
    assertEquals(standing.all, problems);
  }
});

Deno.test("the same at the other side is another problem", () => {
  const standing = new StandingProblems(new Resting(new FakeClock()));
  const target = problem("a");
  const source: SidedProblem = { ...target, side: "source" };
  assertEquals(standing.replace([target]), [target]);
  assertEquals(standing.replace([target, source]), [source]);
});

Deno.test("what is stale is told of when it has failed nine times in a row", () => {
  const resting = new Resting(new FakeClock());
  const standing = new StandingProblems(resting);
  const stale = problem("a", "changed", "stale");
  for (let tries = 1; tries <= 10; tries++) {
    resting.add(path("a"), "stale");
    assertEquals(standing.replace([stale]), tries === 9 ? [stale] : []);
    assertEquals(standing.all, [stale]);
  }
});
