/** Deciding what makes a target equal to its source, once both are known. */
import type { Change } from "../core/change.ts";
import { diff, type Difference, type DiffOptions } from "../core/diff.ts";
import {
  applyMoves,
  findMoves,
  type FoundMoves,
  type Move,
} from "../core/moves.ts";
import type { Origins } from "../core/origins.ts";
import type { RelPath } from "../core/path.ts";
import type { Problem } from "../core/problem.ts";
import type { Snapshot } from "../core/snapshot.ts";
import type { Endpoint } from "./endpoint.ts";

/** What is to be done at the target: first the moves, then the changes. */
export interface Decision extends Difference, FoundMoves {}

/** How it is decided. */
export interface DecideOptions extends DiffOptions {
  /** Looks up evidence, where there is no other. */
  readonly recall?:
    | ((changes: readonly Change[]) => Origins | Promise<Origins>)
    | undefined;
}

/** Compares the trees, as if all had been moved that can be. */
export async function decide(
  there: Snapshot,
  here: Snapshot,
  origins: Origins,
  options: DecideOptions,
): Promise<Decision> {
  const { recall } = options;
  const plain = diff(there.root, here.root, options);
  const unmoved = { ...plain, moves: [], settled: new Set<RelPath>() };
  if (origins.size === 0 && recall === undefined) return unmoved;
  // What is moved is both: gone from one place, and new at another.
  const { changes } = plain;
  if (!changes.some((change) => change.new === undefined)) return unmoved;
  if (!changes.some((change) => change.old === undefined)) return unmoved;
  const evidence = origins.size > 0 || recall === undefined
    ? origins
    : await recall(changes);
  const found = findMoves(there.root, here.root, evidence);
  if (found.moves.length === 0) return { ...unmoved, ...found };
  const root = applyMoves(there.root, found.moves);
  return { ...diff(root, here.root, options), ...found };
}

/**
 * Whether all directories that were not listed (see `Snapshot.presumed`) get the
 * place of what they were held against: of nothing else it is known what they hold.
 */
export function coversPresumed(
  { presumed }: Snapshot,
  origins: Origins,
  { settled }: Decision,
): boolean {
  if (presumed === undefined) return true;
  const open = new Set(presumed);
  for (const [to, from] of origins) if (settled.has(to)) open.delete(from);
  return open.size === 0;
}

/** What a source says of the absence of what is to go. */
export interface Confirmation {
  /** The changes, without the deletions that it could not confirm. */
  readonly changes: readonly Change[];
  readonly doubts: readonly Problem[];
  /** Whether all that moves away is absent. */
  readonly canMove: boolean;
}

/** Asks `source` about all that is to be deleted, or to be moved away. */
export async function confirmAbsence(
  source: Endpoint,
  { changes, moves }: {
    readonly changes: readonly Change[];
    readonly moves: readonly Move[];
  },
  signal: AbortSignal | undefined,
): Promise<Confirmation> {
  const absent = changes.filter((change) => change.new === undefined)
    .map(({ path }) => path)
    .concat(moves.map(({ from }) => from));
  if (absent.length === 0) return { changes, doubts: [], canMove: true };
  const doubts = await source.confirmAbsent(absent, signal);
  if (doubts.length === 0) return { changes, doubts, canMove: true };
  const doubted = new Set(doubts.map(({ path }) => path));
  return {
    changes: changes.filter((change) =>
      change.new !== undefined || !doubted.has(change.path)
    ),
    doubts,
    canMove: moves.every(({ from }) => !doubted.has(from)),
  };
}
