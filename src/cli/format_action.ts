/** Actions of a plan as people read them. */
import type { Owner } from "../core/entry.ts";
import type { Move } from "../core/moves.ts";
import { displayPath, quote } from "../core/path.ts";
import type { Action, Reason } from "../core/plan.ts";
import { differenceOf } from "./differences.ts";
import { formatCount } from "./format.ts";

/** As wide as the longest name of an action. */
const ACTION_COLUMNS = 7;

/** "replace  a/b.txt  (size: 120 -> 133 bytes)"; directories end with "/". */
export function formatAction({ path, action, kind, reason }: Action): string {
  const slash = kind === "directory" ? "/" : "";
  const shown = `${displayPath(path)}${slash}`;
  return `${action.padEnd(ACTION_COLUMNS)}  ${shown}  (${
    formatReason(reason)
  })`;
}

/** "rename   a/b.txt -> c.txt  (moved at the source)" */
export function formatMove({ from, to, entry }: Move): string {
  const slash = entry.kind === "directory" ? "/" : "";
  const shown = `${displayPath(from)}${slash} -> ${displayPath(to)}${slash}`;
  return `${"rename".padEnd(ACTION_COLUMNS)}  ${shown}  (moved at the source)`;
}

/** "size: 120 -> 133 bytes": what it is about, what is there, what shall be. */
export function formatReason(reason: Reason): string {
  switch (reason.kind) {
    case "new":
    case "extra":
      return reason.kind;
    case "content":
      return "content: other digest";
    case "kind":
      return `kind: ${reason.from} -> ${reason.to}`;
    case "target":
      return `target: ${quote(reason.from)} -> ${quote(reason.to)}`;
    case "size": {
      const { from, to } = reason;
      return `size: ${formatCount(from)} -> ${formatCount(to)} bytes`;
    }
    case "newer":
    case "older":
    case "time": {
      const { kind, from, to } = reason;
      return `${kind}: ${formatTime(from)} -> ${formatTime(to)}`;
    }
    case "mode":
      return `mode: ${formatMode(reason.from)} -> ${formatMode(reason.to)}`;
    case "owner":
      return `owner: ${formatOwner(reason.from)} -> ${formatOwner(reason.to)}`;
    default:
      return reason satisfies never;
  }
}

/** "2026-01-31 12:00:00.000Z" */
export function formatTime(ms: number): string {
  return new Date(ms).toISOString().replace("T", " ");
}

/** "missing  a/b.txt"; what differs with what, as {@link formatAction}. */
export function formatDifference(action: Action): string {
  const { path, kind, reason } = action;
  const slash = kind === "directory" ? "/" : "";
  const difference = differenceOf(action);
  const what = difference.padEnd(ACTION_COLUMNS);
  const why = difference === "differs" ? `  (${formatReason(reason)})` : "";
  return `${what}  ${displayPath(path)}${slash}${why}`;
}

/** "1000:100" */
function formatOwner({ uid, gid }: Owner): string {
  return `${uid}:${gid}`;
}

/** "0644" */
export function formatMode(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}
