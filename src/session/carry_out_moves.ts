/** Moves at a target, before the content of a round. */
import type { Change } from "../core/change.ts";
import type { DirectoryEntry } from "../core/entry.ts";
import type { Move } from "../core/moves.ts";
import type { Moved } from "../core/operation.ts";
import { entryAt } from "../core/snapshot.ts";
import { onSide } from "./compare_sides.ts";
import type { Endpoint, MoveResult } from "./endpoint.ts";
import type { EventListener, SidedProblem } from "./events.ts";

/** What of a list of moves was done. */
export interface CarriedOutMoves extends MoveResult {
  readonly moved: readonly Move[];
  /**
   * Whether that is all of them, and nothing went wrong beside; else the target has
   * to be looked at again.
   */
  readonly isAll: boolean;
  /** What had to be kept aside; nothing else would tell of it. */
  readonly kept: readonly SidedProblem[];
}

/** Makes `target` carry out `moves`, and tells of each that was done. */
export async function carryOutMoves(
  target: Endpoint,
  moves: readonly Move[],
  { signal, onEvent }: {
    readonly signal?: AbortSignal | undefined;
    readonly onEvent?: EventListener | undefined;
  },
): Promise<CarriedOutMoves> {
  const result = await target.move(moves, signal);
  const moved = moves.filter((_, i) => result.done[i] === 1);
  for (const { from, to } of moved) onEvent?.({ kind: "moved", from, to });
  const { problems } = result;
  return {
    ...result,
    moved,
    isAll: moved.length === moves.length && problems.length === 0,
    kept: problems.filter(({ code }) => code === "kept").map(onSide("target")),
  };
}

/**
 * `changes`, in which files that were moved have the ctimes that they have since:
 * at a target on this machine they are known again by these.
 */
export function withCtimes(
  changes: readonly Change[],
  moves: readonly Move[],
  ctimes: MoveResult["ctimes"],
): readonly Change[] {
  if (ctimes.length === 0) return changes;
  const byPath = new Map(moves.map(({ to }, i) => [to, ctimes[i]] as const));
  return changes.map((change): Change => {
    const { path, old } = change;
    if (old?.kind !== "file" || !byPath.has(path)) return change;
    return { ...change, old: { ...old, ctime: byPath.get(path) } };
  });
}

/** `moves` with their entries as they are in the tree `root` of the source. */
export function movedAt(
  root: DirectoryEntry,
  moves: readonly Move[],
): readonly Moved[] {
  return moves.map((move): Moved => {
    const entry = entryAt(root, move.to);
    return entry?.kind === move.entry.kind ? { ...move, entry } : move;
  });
}
