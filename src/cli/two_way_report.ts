/** What a two-way sync tells beyond a mirror, as fields for programs and lines for people. */
import type { ChangeTotals } from "../core/change.ts";
import {
  type Conflict,
  otherSide,
  SIDES,
  type TwoWaySide,
} from "../core/conflict.ts";
import { displayPath } from "../core/path.ts";
import type { Action } from "../core/plan.ts";
import type { Side } from "../session/events.ts";
import {
  openConflicts,
  type SyncedTwoWay,
  type TwoWaySummary,
} from "../session/two_way_events.ts";
import type { WireCounts } from "./events.ts";
import {
  formatChanges,
  formatDuration,
  formatNumberOf,
  formatTotals,
} from "./format.ts";
import { formatAction } from "./format_action.ts";

/** Something that only a two-way sync has to say. */
export type TwoWayReport =
  /** Both sides changed one path. */
  | { readonly kind: "conflict"; readonly conflict: Conflict }
  /** A dry run: what would be done at one path of one side. */
  | {
    readonly kind: "action";
    readonly side: TwoWaySide;
    readonly action: Action;
  }
  /** A dry run: both sides changed one path. */
  | { readonly kind: "expected-conflict"; readonly conflict: Conflict }
  /** A dry run is through: nothing was changed. */
  | {
    readonly kind: "previewed";
    readonly changes: Readonly<Record<TwoWaySide, ChangeTotals>>;
    readonly conflicts: number;
    /** Paths that would be left out. */
    readonly problems: number;
  }
  /** A round of a watch is through. */
  | { readonly kind: "synced"; readonly round: SyncedTwoWay }
  | {
    readonly kind: "done";
    readonly summary: TwoWaySummary;
    readonly seconds: number;
    /** Undefined where there was no wire. */
    readonly wire: WireCounts | undefined;
  };

type Fields = { readonly [name: string]: unknown };

const OPTIONS: Readonly<Record<TwoWaySide, string>> = {
  alpha: "--from",
  beta: "--to",
};

/** "the source", "alpha (--from)" */
export function placeOf(side: Side): string {
  return side === "alpha" || side === "beta"
    ? `${side} (${OPTIONS[side]})`
    : `the ${side}`;
}

/** The counts of `totals`, for programs. */
export function counts(totals: ChangeTotals): Fields {
  const { created, replaced, touched, deleted, moved, files, bytes } = totals;
  return { created, replaced, touched, deleted, moved, files, bytes };
}

/** The counts of both sides, for programs. */
export function bothSides(
  changes: Readonly<Record<TwoWaySide, ChangeTotals>>,
): Fields {
  return { alpha: counts(changes.alpha), beta: counts(changes.beta) };
}

/** "at alpha (--from): 2 created; at beta (--to): 1 deleted"; "" if nothing changes. */
export function formatSides(
  changes: Readonly<Record<TwoWaySide, ChangeTotals>>,
): string {
  const parts: string[] = [];
  for (const side of SIDES) {
    const text = formatChanges(changes[side]);
    if (text !== "") parts.push(`at ${placeOf(side)}: ${text}`);
  }
  return parts.join("; ");
}

/** The name and the fields of `event`, for programs. */
export function twoWayFields(event: TwoWayReport): [string, Fields] {
  switch (event.kind) {
    case "conflict":
    case "expected-conflict":
      return ["conflict", conflictFields(event.conflict)];
    case "action": {
      const { side, action: { path, action, kind, bytes, reason } } = event;
      const { kind: why, ...values } = reason;
      const about = { side, path, action, kind, reason: why };
      return ["action", { ...about, ...values, bytes }];
    }
    case "previewed": {
      const { changes, conflicts, problems } = event;
      const all = { ...bothSides(changes), conflicts, problems };
      return ["planned", { round: 1, ...all }];
    }
    case "synced": {
      const { round, digest, changes, seconds } = event.round;
      const { conflicts, open, problems } = event.round;
      return ["synced", {
        round,
        digest,
        ...bothSides(changes),
        conflicts,
        open,
        problems,
        seconds: Math.round(seconds * 1_000) / 1_000,
      }];
    }
    case "done": {
      const { summary, seconds, wire } = event;
      return ["done", {
        ...bothSides(summary.changes),
        conflicts: summary.conflicts.length,
        open: openConflicts(summary).length,
        problems: summary.problems.length,
        rounds: summary.rounds,
        seconds: Math.round(seconds * 1_000) / 1_000,
        sent: wire?.sent ?? 0,
        received: wire?.received ?? 0,
      }];
    }
    default:
      return event satisfies never;
  }
}

/** `event` for people, and whether it goes where problems go. */
export function twoWayLine(
  event: TwoWayReport,
): { readonly text: string; readonly isProblem: boolean } {
  switch (event.kind) {
    case "conflict":
      return { text: conflictLine(event.conflict, "is"), isProblem: true };
    case "expected-conflict":
      return {
        text: conflictLine(event.conflict, "would be"),
        isProblem: true,
      };
    case "action":
      return {
        text: `${event.side.padEnd(5)}  ${formatAction(event.action)}`,
        isProblem: false,
      };
    case "previewed":
      return { text: previewLine(event), isProblem: false };
    case "synced":
      return { text: syncedLine(event.round), isProblem: false };
    case "done":
      return { text: doneLine(event), isProblem: false };
    default:
      return event satisfies never;
  }
}

function conflictFields(conflict: Conflict): Fields {
  const { path, winner = null, copies, alpha, beta, reason } = conflict;
  return {
    path,
    winner,
    copies,
    alpha: alpha.new?.kind,
    beta: beta.new?.kind,
    reason,
  };
}

function conflictLine(conflict: Conflict, verb: string): string {
  const { path, winner, copies, reason } = conflict;
  const shown = displayPath(path);
  const kept = copies.map(displayPath).join(" and ");
  const both = `Conflict at ${shown}: both sides changed it; `;
  if (winner === undefined) {
    const why = reason === undefined ? "" : `, for ${reason}`;
    return `${both}it ${verb} left as it is on both${why}`;
  }
  if (winner === "none") {
    return `${both}both versions ${
      verb === "is" ? "are" : verb
    } kept, as ${kept}`;
  }
  return `${both}${placeOf(winner)} wins, and the version of ${
    placeOf(otherSide(winner))
  } ${verb} kept as ${kept}`;
}

function previewLine(event: TwoWayReport & { kind: "previewed" }): string {
  const text = formatSides(event.changes);
  const would = text === "" ? "Nothing to do" : `Would do ${text}`;
  const { conflicts, problems } = event;
  return would + conflictCount(conflicts) + leftOut(problems, " would be");
}

function syncedLine(round: SyncedTwoWay): string {
  const { changes, conflicts, open, problems, seconds, totals } = round;
  const text = formatSides(changes);
  const did = text === ""
    ? `Equal: ${formatTotals(totals)}`
    : `Synced in ${formatDuration(seconds * 1_000)}: ${text}`;
  const left = open === 0 ? "" : `, ${open} left to you`;
  return did + conflictCount(conflicts) + left + leftOut(problems, "");
}

function doneLine(event: TwoWayReport & { kind: "done" }): string {
  const { summary, seconds } = event;
  const time = formatDuration(seconds * 1_000);
  const text = formatSides(summary.changes);
  const did = text === ""
    ? `Nothing to do in ${time}: ${formatTotals(summary.totals)}`
    : `Done in ${time}, ${text}`;
  const open = openConflicts(summary).length;
  const left = open === 0 ? "" : `, ${open} left to you`;
  return did + conflictCount(summary.conflicts.length) + left +
    leftOut(summary.problems.length, "");
}

function conflictCount(count: number): string {
  return count === 0 ? "" : `; ${formatNumberOf(count, "conflict")}`;
}

function leftOut(count: number, verb: string): string {
  return count === 0
    ? ""
    : `; ${formatNumberOf(count, "path")}${verb} left out`;
}
