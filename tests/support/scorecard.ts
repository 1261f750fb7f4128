/** Which rows the tests that really ran have shown to be survived. */
import type { FaultRow } from "../faults/row.ts";

/** One test, as the report of a run has it. */
export interface TestResult {
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
}

/** What became of a row. */
export type RowState =
  /** A test of it passed, and none failed. */
  | "covered"
  | "failed"
  /** All its tests were skipped on this machine. */
  | "skipped"
  | "uncovered";

const IDS = /^((?:[A-K]\d\d(?:-[A-K]\d\d)?(?:, )?)+): /;

/** The tests in a report in JUnit's form, as `deno test --junit-path` writes it. */
export function parseReport(xml: string): TestResult[] {
  const cases = xml.matchAll(
    /<testcase name="([^"]*)"[^>]*>(.*?)<\/testcase>/gs,
  );
  return [...cases].map(([, name, inner]): TestResult => ({
    name: unescape(name!),
    outcome: inner!.includes("<skipped")
      ? "skipped"
      : /<(failure|error)/.test(inner!)
      ? "failed"
      : "passed",
  }));
}

/** The ids at the start of a test's name: "D02, E01-E03: …" has four. */
export function idsOf(name: string): string[] {
  const [, list] = IDS.exec(name) ?? [];
  return (list ?? "").split(", ").filter((part) => part !== "").flatMap(
    (part) => {
      const [first, last = first] = part.split("-") as [string, string?];
      const [from, to] = [first, last].map((id) => Number(id.slice(1)));
      return Array.from(
        { length: to! - from! + 1 },
        (_, i) => first[0] + String(from! + i).padStart(2, "0"),
      );
    },
  );
}

/** What became of each row, by its id. */
export function judge(
  rows: readonly FaultRow[],
  results: readonly TestResult[],
): Map<string, RowState> {
  const outcomes = new Map<string, Set<TestResult["outcome"]>>();
  for (const { name, outcome } of results) {
    for (const id of idsOf(name)) {
      outcomes.set(id, (outcomes.get(id) ?? new Set()).add(outcome));
    }
  }
  return new Map(rows.map(({ id }): [string, RowState] => {
    const found = outcomes.get(id);
    if (found === undefined) return [id, "uncovered"];
    if (found.has("failed")) return [id, "failed"];
    return [id, found.has("passed") ? "covered" : "skipped"];
  }));
}

/** The scorecard as lines of text; with `full`, each row that is not covered. */
export function renderScorecard(
  rows: readonly FaultRow[],
  results: readonly TestResult[],
  options: {
    readonly sections: Readonly<Record<string, string>>;
    readonly full: boolean;
  },
): string[] {
  const states = judge(rows, results);
  const lines = ["Survived, by tests that passed just now:"];
  for (const [letter, about] of Object.entries(options.sections)) {
    const ofSection = rows.filter(({ id }) => id[0] === letter);
    lines.push(`  ${letter}  ${score(ofSection, states)}  ${about}`);
    if (!options.full) continue;
    for (const { id, situation, uncovered } of ofSection) {
      const state = states.get(id)!;
      if (state === "covered") continue;
      const why = state === "uncovered" ? uncovered ?? "no test" : state;
      lines.push(`       ${id} ${situation}: ${why}`);
    }
  }
  lines.push(`All  ${score(rows, states)}`);
  return lines;
}

function score(
  rows: readonly FaultRow[],
  states: ReadonlyMap<string, RowState>,
): string {
  const count = (state: RowState): number =>
    rows.filter(({ id }) => states.get(id) === state).length;
  const of = `${String(count("covered")).padStart(3)} of ${
    String(rows.length).padStart(3)
  }`;
  const others = (["failed", "skipped"] as const)
    .filter((state) => count(state) > 0)
    .map((state) => `${count(state)} ${state}`);
  return others.length === 0 ? of : `${of} (${others.join(", ")})`;
}

function unescape(text: string): string {
  const characters: Record<string, string> = {
    lt: "<",
    gt: ">",
    amp: "&",
    quot: '"',
    apos: "'",
  };
  return text.replaceAll(
    /&(\w+);/g,
    (whole, name) => characters[name] ?? whole,
  );
}
