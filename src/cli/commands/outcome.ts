/** What the other side is told about a mirror that is through. */
import type { Outcome } from "../../core/outcome.ts";
import type { MirrorSummary } from "../../session/events.ts";

/** "done", or "partial" where paths were left out. */
export function outcomeOf({ problems }: MirrorSummary): Outcome {
  const count = problems.length;
  if (count === 0) return { kind: "done", message: "" };
  const message = count === 1 ? "1 path left out" : `${count} paths left out`;
  return { kind: "partial", message };
}
