/** What was noted of the goals, for people: a table, or one line. */
import type { Goal } from "../faults/goals.ts";
import type { Proof } from "./proof.ts";

/** What the line of totals names, in order. */
const TOTALS: readonly (readonly [goal: string, unit: string])[] = [
  ["N1", "reconciles"],
  ["N2", "schedules"],
  ["N4", "kills"],
  ["N5", "frames"],
  ["N7", "paths"],
  ["N15", "failed calls"],
  ["N16", "damages"],
];

/** The most important counts in one line. */
export function renderTotals(proof: Proof): string {
  const shown = TOTALS.flatMap(([goal, unit]) => {
    const count = proof.get(goal)?.get(unit);
    return count === undefined ? [] : [`${number(count)} ${unit}`];
  });
  return `Shown now: ${shown.length === 0 ? "nothing" : shown.join(", ")}`;
}

/** Each goal with what was asked and reached, as lines of text. */
export function renderProof(goals: readonly Goal[], proof: Proof): string[] {
  const rows = goals.map((goal) => ({ goal, ...judge(goal, proof) }));
  const reached = rows.filter(({ isReached }) => isReached).length;
  return [
    "Asked before a release, and gone through just now without a fault:",
    ...rows.flatMap(({ goal, isReached, counts, others }) => [
      `  ${goal.id.padEnd(3)}  ${
        isReached ? "reached    " : "not reached"
      }  ${counts}  (${goal.about})`,
      ...(others === "" ? [] : [`       also: ${others}`]),
      ...(goal.lacking === undefined ? [] : [`       not: ${goal.lacking}`]),
    ]),
    `All  ${reached} of ${goals.length}`,
  ];
}

function judge(
  { id, asked }: Goal,
  proof: Proof,
): { isReached: boolean; counts: string; others: string } {
  const found = proof.get(id) ?? new Map<string, number>();
  const has = (unit: string): number => found.get(unit) ?? 0;
  const named = new Set(asked.map(({ unit }) => unit));
  return {
    isReached: asked.every(({ unit, count }) => has(unit) >= count),
    counts: asked.map(({ unit, count }) =>
      `${number(has(unit))} of ${number(count)} ${unit}`
    ).join(", "),
    others: [...found].filter(([unit]) => !named.has(unit))
      .map(([unit, count]) => `${number(count)} ${unit}`).join(", "),
  };
}

function number(count: number): string {
  return count.toLocaleString("en-US", { maximumFractionDigits: 1 });
}
