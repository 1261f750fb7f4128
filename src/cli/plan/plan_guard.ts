/** Keeps a run to a saved plan: exactly that, or nothing. */
import type { Change } from "../../core/change.ts";
import { displayPath, type RelPath } from "../../core/path.ts";
import { actionsOf } from "../../core/plan.ts";
import type { Problem } from "../../core/problem.ts";
import { GuardError } from "../../errors.ts";
import type { Comparison } from "../../session/events.ts";
import type { Review, RoundGuard } from "../../session/round_guard.ts";
import { formatCount } from "../format.ts";
import { formatMode, formatReason, formatTime } from "../format_action.ts";
import {
  type Fingerprint,
  parseStep,
  type PlannedStep,
  stepOf,
} from "./plan_format.ts";
import type { SavedPlan } from "./saved_plan.ts";

/** So many differences are named. */
const MAX_SAMPLES = 5;

/** Lets the first round through if it is the plan, and later ones as far as they are in it. */
export class PlanGuard implements RoundGuard {
  readonly #plan: SavedPlan;
  #isApproved = false;

  constructor(plan: SavedPlan) {
    this.#plan = plan;
  }

  /** @throws {GuardError} If the sides are not any more what the plan saw. */
  review(round: Comparison): Review {
    if (this.#isApproved) return this.#restrict(round);
    this.#require(round);
    this.#isApproved = true;
    return { changes: round.changes, problems: [] };
  }

  completed(): Promise<void> {
    return Promise.resolve();
  }

  #require({ changes, modes }: Comparison): void {
    const { steps, name } = this.#plan;
    const samples: string[] = [];
    let differences = 0;
    const differ = (
      path: RelPath,
      planned: PlannedStep | undefined,
      now: PlannedStep | undefined,
    ): void => {
      if (++differences > MAX_SAMPLES) return;
      samples.push(
        `${displayPath(path)} (planned: ${describe(planned)}; now: ${
          describe(now)
        })`,
      );
    };
    const seen = new Set<RelPath>();
    for (const action of actionsOf(changes, { modes })) {
      const { path } = action;
      const planned = steps.get(path);
      const now = stepOf(action);
      if (planned !== undefined) seen.add(path);
      if (planned !== now) differ(path, planned, now);
    }
    if (seen.size < steps.size) {
      for (const [path, planned] of steps) {
        if (!seen.has(path)) differ(path, planned, undefined);
      }
    }
    if (differences === 0) return;
    const more = differences > MAX_SAMPLES ? "; …" : "";
    throw new GuardError(
      `The plan ${name} does not fit any more, nothing was changed: ${differences} ${
        differences === 1 ? "path differs" : "paths differ"
      }: ${samples.join("; ")}${more}`,
    );
  }

  /** What goes beyond the plan by now is left as it is. */
  #restrict({ changes, modes }: Comparison): Review {
    const kept: Change[] = [];
    const problems: Problem[] = [];
    for (const change of changes) {
      if (this.#holds(change, modes)) kept.push(change);
      else {
        const { path } = change;
        problems.push({
          path,
          code: "stale",
          message: `${
            displayPath(path)
          } has changed since the plan was made: this is not in it`,
        });
      }
    }
    return { changes: kept, problems };
  }

  /** Whether the plan ends with the same at each path that `change` alters. */
  #holds(change: Change, modes: boolean): boolean {
    for (const action of actionsOf([change], { modes })) {
      const planned = this.#plan.steps.get(action.path);
      if (planned === undefined) return false;
      const wanted = parseStep(stepOf(action)).new;
      const allowed = parseStep(planned).new;
      if (JSON.stringify(wanted) !== JSON.stringify(allowed)) return false;
    }
    return true;
  }
}

/** "create (new), a file of 2 bytes from 2026-01-31 12:00:00.000Z" */
function describe(step: PlannedStep | undefined): string {
  if (step === undefined) return "nothing to do";
  const { action, reason, old, new: wanted } = parseStep(step);
  const entry = wanted ?? old;
  const facts = entry === null ? "" : `, ${describeEntry(entry)}`;
  return `${action} (${formatReason(reason)})${facts}`;
}

function describeEntry(entry: Fingerprint): string {
  const { kind, mtime, size, mode, digest } = entry;
  return [
    size === undefined
      ? `a ${kind}`
      : `a ${kind} of ${formatCount(size)} bytes`,
    `from ${formatTime(mtime)}`,
    ...(mode === undefined ? [] : [`mode ${formatMode(mode)}`]),
    ...(digest === undefined ? [] : [`digest ${digest.slice(0, 12)}`]),
  ].join(" ");
}
