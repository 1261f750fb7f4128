import { assertEquals } from "@std/assert";
import type { CommandEvent } from "../../../src/cli/events.ts";
import { RoundReporter } from "../../../src/cli/round_reporter.ts";
import { NO_CHANGES } from "../../../src/core/change.ts";
import type { MirrorSummary } from "../../../src/session/events.ts";
import { CHANGES, PROBLEM, TOTALS } from "./events.ts";

/** A round that changes something, or not, and leaves out what `problems` says. */
function roundOf(
  round: number,
  changes: MirrorSummary["changes"] = NO_CHANGES,
  problems: MirrorSummary["problems"] = [],
): CommandEvent[] {
  const summary = {
    changes,
    totals: TOTALS,
    digest: "3f",
    rounds: 1,
    problems,
  };
  return [
    { kind: "scanning", side: "source", entries: 1 },
    { kind: "scanned", side: "source", totals: TOTALS },
    { kind: "planned", round: 1, totals: changes },
    ...problems.map((it) => ({ kind: "problem", ...it }) as const),
    { kind: "synced", round, summary, seconds: 1 },
  ];
}

function paused(message: string): CommandEvent {
  return { kind: "paused", round: 1, error: new Error(message) };
}

/** The kinds of events that come through, by round. */
function heard(
  rounds: readonly (readonly CommandEvent[])[],
  options = { verbose: false, json: false },
): string[] {
  let kinds: string[] = [];
  const inner = {
    report: (event: CommandEvent): void => void kinds.push(event.kind),
  };
  const reporter = new RoundReporter(inner, options);
  return rounds.map((events) => {
    kinds = [];
    for (const event of events) reporter.report(event);
    return kinds.join(" ");
  });
}

const ALL = "scanning scanned planned synced";

Deno.test("RoundReporter keeps quiet about rounds that change nothing, but for the first", () => {
  const rounds = [roundOf(1), roundOf(2), roundOf(3, CHANGES), roundOf(4)];
  assertEquals(heard(rounds), [ALL, "", "scanned planned synced", ""]);
  assertEquals(heard(rounds, { verbose: true, json: false }), [
    ...[ALL, ALL, ALL, ALL],
  ]);
  assertEquals(heard(rounds, { verbose: false, json: true }), [
    ...[ALL, "synced", "scanned planned synced", "synced"],
  ]);
});

Deno.test("RoundReporter tells a problem when it comes, and when it is over", () => {
  const left = [PROBLEM];
  assertEquals(
    heard([
      roundOf(1),
      roundOf(2, NO_CHANGES, left),
      roundOf(3, NO_CHANGES, left),
      roundOf(4),
      roundOf(5),
    ]),
    [ALL, "problem synced", "", "synced", ""],
  );
});

Deno.test("RoundReporter tells once why no round is possible, and when one is again", () => {
  const [scanning, scanned] = roundOf(2);
  assertEquals(
    heard([
      roundOf(1),
      [paused("gone")],
      [scanning!, scanned!, paused("gone")],
      [paused("halted")],
      roundOf(2),
      [paused("halted")],
    ]),
    [ALL, "paused", "", "paused", "synced", "paused"],
  );
});
