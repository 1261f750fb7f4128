/** Two-way rounds on trees of the model: what a disk would do, without one. */
import type { Change } from "../../src/core/change.ts";
import type { Conflict, ConflictPolicy } from "../../src/core/conflict.ts";
import type { DirectoryEntry, Entry } from "../../src/core/entry.ts";
import { keepAncestor } from "../../src/core/keep_ancestor.ts";
import {
  reconcile,
  type ReconcileMode,
  type Reconciliation,
} from "../../src/core/reconcile.ts";
import { applyChanges } from "./trees.ts";

/** Two sides, and what they agreed on last. */
export interface Sides {
  readonly ancestor: DirectoryEntry | undefined;
  readonly alpha: DirectoryEntry;
  readonly beta: DirectoryEntry;
}

/** What a run of the model did. */
export interface ModelRun extends Sides {
  readonly rounds: readonly Reconciliation[];
  readonly conflicts: readonly Conflict[];
}

/** Which changes of a round fail; they are left out on the model's disk. */
export type Failure = (side: "alpha" | "beta", change: Change) => boolean;

/** A mode of reconciling, as the command line would have it. */
export function modeOf(
  policy: ConflictPolicy = "newest",
  modes = true,
): ReconcileMode {
  return { policy, modes, labels: { alpha: "from", beta: "to" } };
}

/** Rounds until nothing is pending, as a two-way sync makes them. */
export function runModel(
  sides: Sides,
  mode: ReconcileMode = modeOf(),
  fails: Failure = () => false,
): ModelRun {
  let { ancestor, alpha, beta } = sides;
  const rounds: Reconciliation[] = [];
  for (;;) {
    const round = reconcile(ancestor, alpha, beta, mode);
    rounds.push(round);
    const failed: Change[] = [];
    const carriedOut = (side: "alpha" | "beta"): Change[] =>
      round[side].changes.filter((change) => {
        if (!fails(side, change)) return true;
        failed.push(change);
        return false;
      });
    alpha = applyChanges(alpha, carriedOut("alpha"));
    beta = applyChanges(beta, carriedOut("beta"));
    ancestor = keepAncestor(round.ancestor, ancestor, failed);
    if (round.pending.length > 0 && failed.length === 0 && rounds.length < 4) {
      continue;
    }
    const { conflicts } = rounds.at(-1)!;
    return { ancestor, alpha, beta, rounds, conflicts };
  }
}

/** The same sides, the other way round. */
export function swapped(sides: Sides): Sides {
  return { ...sides, alpha: sides.beta, beta: sides.alpha };
}

/** Paths of `entry` and what is at each: content, target or kind. */
export function contentsOf(
  entry: Entry,
  path = "",
  found: Map<string, string> = new Map(),
): Map<string, string> {
  switch (entry.kind) {
    case "directory":
      if (path !== "") found.set(path, "directory");
      for (const [name, child] of entry.children) {
        contentsOf(child, path === "" ? name : `${path}/${name}`, found);
      }
      break;
    case "file":
      found.set(path, `file ${entry.digest}`);
      break;
    case "symlink":
      found.set(path, `symlink ${entry.target}`);
      break;
    case "untracked":
    case "problem":
      break;
    default:
      entry satisfies never;
  }
  return found;
}
