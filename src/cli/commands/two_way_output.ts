/** What `sync --two-way` tells of its work. */
import { totalsOfChanges } from "../../core/change.ts";
import { SIDES } from "../../core/conflict.ts";
import type { Outcome } from "../../core/outcome.ts";
import { comparePaths } from "../../core/path.ts";
import { actionsOf } from "../../core/plan.ts";
import { nextTurn } from "../../core/turn.ts";
import { messageOf } from "../../errors.ts";
import type { TwoWayPreview } from "../../session/bidirectional.ts";
import {
  openConflicts,
  type TwoWayEvent,
  type TwoWaySummary,
} from "../../session/two_way_events.ts";
import type { Reporter } from "../events.ts";

/** So many actions are told before other work has its turn. */
const ACTIONS_PER_TURN = 256;

/** Tells what the first round would do, and whether it would halt. */
export async function reportRound(
  { reconciled, changes, problems, modes, halt }: TwoWayPreview,
  reporter: Reporter,
): Promise<void> {
  for (const side of SIDES) {
    const actions = [...actionsOf(changes[side], { modes })]
      .sort((a, b) => comparePaths(a.path, b.path));
    for (const [i, action] of actions.entries()) {
      const event = { kind: "action", side, action } as const;
      reporter.report({ kind: "two-way", event });
      if (i % ACTIONS_PER_TURN === ACTIONS_PER_TURN - 1) await nextTurn();
    }
  }
  const conflicts = [...reconciled.conflicts, ...reconciled.pending];
  for (const conflict of conflicts) {
    const event = { kind: "expected-conflict", conflict } as const;
    reporter.report({ kind: "two-way", event });
  }
  for (const { side, problem } of problems) {
    reporter.report({ kind: "problem", side, problem });
  }
  const event = {
    kind: "previewed",
    changes: {
      alpha: totalsOfChanges(changes.alpha, modes),
      beta: totalsOfChanges(changes.beta, modes),
    },
    conflicts: conflicts.length,
    problems: problems.length,
  } as const;
  reporter.report({ kind: "two-way", event });
  if (halt === undefined) return;
  const message = `This would halt: ${messageOf(halt)}`;
  reporter.report({ kind: "warning", message });
}

/** Tells what a running sync does. */
export function reportEvent(event: TwoWayEvent, reporter: Reporter): void {
  switch (event.kind) {
    case "conflict":
      return reporter.report({ kind: "two-way", event });
    case "planned": {
      const { round, changes } = event;
      const { alpha, beta } = changes;
      const totals = {
        created: alpha.created + beta.created,
        replaced: alpha.replaced + beta.replaced,
        touched: alpha.touched + beta.touched,
        deleted: alpha.deleted + beta.deleted,
        moved: alpha.moved + beta.moved,
        files: alpha.files + beta.files,
        bytes: alpha.bytes + beta.bytes,
      };
      return reporter.report({
        kind: "planned",
        round,
        totals,
        sides: changes,
      });
    }
    case "scanning":
    case "scanned":
    case "transfer":
    case "applying":
    case "problem":
      return reporter.report(event);
    default:
      event satisfies never;
  }
}

/** "done", or "partial" where something is left out or left to people. */
export function outcomeOf(summary: TwoWaySummary): Outcome {
  const left = summary.problems.length;
  const open = openConflicts(summary).length;
  if (left + open === 0) return { kind: "done", message: "" };
  const message = `${left} paths left out, ${open} conflicts left`;
  return { kind: "partial", message };
}
