/** Small before large: which changes of a round are carried out first. */
import { type Change, isIdle, isTouch, needsContent } from "./change.ts";
import type { TwoWaySide } from "./conflict.ts";
import type { Entry } from "./entry.ts";
import { parentOf, type RelPath } from "./path.ts";

/**
 * A change with this much content comes after all others: it takes half a second
 * on a fast link and minutes on a slow one, while a part of its own costs a round
 * trip and a flush of the disk.
 */
export const LARGE_BYTES: number = 64 * 1024 * 1024;

/** Some changes of a list, in its order, that are carried out together. */
export interface Part {
  readonly changes: readonly Change[];
  /** Where each of them stands in the whole list; undefined where this is all of it. */
  readonly places: readonly number[] | undefined;
  /** Whether content of this part is large. */
  readonly isLarge: boolean;
}

/**
 * Divides `changes`, as `diff` lists them, into what is small and what is large,
 * in this order; into one part where they had better be carried out at once.
 *
 * - A file that is replaced and was large goes with the large ones, which may be
 *   made of it.
 * - All that is deleted goes first, so that a limit on deletions sees all of it
 *   before anything is done. Where something large goes, nothing is divided: what
 *   is large may be made of it.
 * - The touch of a directory goes with the changes in it; where these are in both
 *   parts it goes with both, the second time from what the first has made of it.
 *
 * @param most Content of this many bytes is large.
 */
export function orderBySize(
  changes: readonly Change[],
  most: number = LARGE_BYTES,
): readonly Part[] {
  const isLarge = (entry: Entry | undefined): boolean =>
    entry !== undefined && bytesUpTo(entry, most) >= most;
  const whole = { changes, places: undefined };
  // Most rounds have nothing large, and are through with it here.
  if (!changes.some((change) => needsContent(change) && isLarge(change.new))) {
    return [{ ...whole, isLarge: false }];
  }
  const comesLast = new Uint8Array(changes.length);
  const parents = { small: new Set<RelPath>(), large: new Set<RelPath>() };
  for (const [i, change] of changes.entries()) {
    if (isTouch(change)) continue;
    const { path, old, new: wanted } = change;
    const isOneOf = isLarge(old) || isLarge(wanted);
    if (isOneOf && old !== undefined && old.kind !== wanted?.kind) {
      return [{ ...whole, isLarge: true }];
    }
    if (isOneOf) comesLast[i] = 1;
    const parent = parentOf(path);
    if (parent !== undefined) {
      (isOneOf ? parents.large : parents.small).add(parent);
    }
  }
  const small = new PartBuilder(false);
  const large = new PartBuilder(true);
  for (const [i, change] of changes.entries()) {
    const { path, new: wanted } = change;
    const isDirectory = isTouch(change) && wanted?.kind === "directory";
    if (!isDirectory || !parents.large.has(path)) {
      (comesLast[i] === 1 ? large : small).add(change, i);
    } else if (parents.small.has(path)) {
      small.add(change, i);
      large.add({ path, old: wanted, new: wanted }, i);
    } else large.add(change, i);
  }
  const isWorthIt = small.changes.some((change) => !isIdle(change, true));
  return isWorthIt ? [small, large] : [{ ...whole, isLarge: true }];
}

/**
 * What of a two-way round need not wait for large content; undefined where nothing
 * is large, or nothing else is worth a part of its own.
 * @param modes Whether mode bits count.
 */
export function smallOfBoth(
  changes: BothChanges,
  modes: boolean,
): BothChanges | undefined {
  const alpha = orderBySize(changes.alpha);
  const beta = orderBySize(changes.beta);
  if (![...alpha, ...beta].some(({ isLarge }) => isLarge)) return undefined;
  const small = { alpha: smallOf(alpha), beta: smallOf(beta) };
  const isWorthIt = [...small.alpha, ...small.beta]
    .some((change) => !isIdle(change, modes));
  return isWorthIt ? small : undefined;
}

/** What of a two-way round is done at each side. */
type BothChanges = Readonly<Record<TwoWaySide, readonly Change[]>>;

function smallOf(parts: readonly Part[]): readonly Change[] {
  return parts.filter(({ isLarge }) => !isLarge)
    .flatMap(({ changes }) => changes);
}

class PartBuilder implements Part {
  readonly changes: Change[] = [];
  readonly places: number[] = [];
  readonly isLarge: boolean;

  constructor(isLarge: boolean) {
    this.isLarge = isLarge;
  }

  add(change: Change, place: number): void {
    this.changes.push(change);
    this.places.push(place);
  }
}

/** Bytes of all files of `entry`; counted no further than `most`. */
function bytesUpTo(entry: Entry, most: number): number {
  if (entry.kind === "file") return entry.size;
  if (entry.kind !== "directory") return 0;
  let sum = 0;
  for (const child of entry.children.values()) {
    sum += bytesUpTo(child, most - sum);
    if (sum >= most) break;
  }
  return sum;
}
