import { assertEquals } from "@std/assert";
import type { Change } from "../../../src/core/change.ts";
import type { Totals } from "../../../src/core/entry.ts";
import type { Problem } from "../../../src/core/problem.ts";
import type { Comparison } from "../../../src/session/events.ts";
import {
  type Review,
  reviewRound,
  type RoundGuard,
} from "../../../src/session/round_guard.ts";
import { directory, file, path } from "../../support/trees.ts";

function deletion(at: string): Change {
  return { path: path(at), old: file({ size: 7 }), new: undefined };
}

function comparison(changes: readonly Change[]): Comparison {
  const totals = { directories: 1, files: 3, symlinks: 0, bytes: 21 };
  const side = { root: directory(), totals, problems: [] };
  const none = { created: 0, replaced: 0, touched: 0, deleted: 0, moved: 0 };
  return {
    source: side,
    target: side,
    moves: [],
    changes,
    totals: { ...none, files: 0, bytes: 0 },
    problems: [],
    modes: true,
  };
}

/** Keeps back the change at `at`, and notes what it was asked. */
function guard(
  at: string,
  asked: [string[], Totals | undefined][],
): RoundGuard {
  const problem: Problem = { path: path(at), code: "blocked", message: "no" };
  return {
    review({ changes, target }): Review {
      asked.push([changes.map(({ path }) => path), target?.totals]);
      return {
        changes: changes.filter(({ path }) => path !== problem.path),
        problems: [problem],
      };
    },
    completed: () => Promise.resolve(),
  };
}

Deno.test("each guard is given what the one before has left, as if late deletions came with it", () => {
  const asked: [string[], Totals | undefined][] = [];
  const [a, b, c] = [deletion("a"), deletion("b"), deletion("c")];
  const gone = deletion("gone");
  const reviewed = reviewRound(
    comparison([a, b, c]),
    [guard("a", asked), guard("b", asked)],
    [gone],
  );
  assertEquals(reviewed.changes, [c]);
  assertEquals(
    reviewed.problems.map(({ side, problem }) => [side, problem.path]),
    [["source", path("a")], ["source", path("b")]],
  );
  // The target as it was before all of that.
  const totals = { directories: 1, files: 4, symlinks: 0, bytes: 28 };
  assertEquals(asked, [
    [["gone", "a", "b", "c"], totals],
    [["gone", "b", "c"], totals],
  ]);
});

Deno.test("without guards a round is carried out as it is", () => {
  const changes = [deletion("a")];
  assertEquals(reviewRound(comparison(changes), []), { changes, problems: [] });
});
