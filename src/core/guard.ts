/**
 * Safety stops: how much a run may delete at the target before a person has to
 * say so. Pure: it counts, and throws a {@link GuardError} with the reason.
 */
import { GuardError } from "../errors.ts";
import type { Loss } from "./losses.ts";
import { displayPath, type RelPath } from "./path.ts";

/** How many entries may be deleted. */
export type DeleteLimit =
  | { readonly kind: "count"; readonly count: number }
  /** Of the entries at the target; 0 to 100. */
  | { readonly kind: "percent"; readonly percent: number }
  | {
    readonly kind: "all";
    /** Whether that holds for every round of a process that goes on. */
    readonly always?: true;
  };

/** Which directory a root is. */
export interface RootIdentity {
  /** Free of links. */
  readonly path: string;
  /** The file system that it lies in. */
  readonly device: number;
  /** Its number there; 0 where the file system has none. */
  readonly inode: number;
  /**
   * When it was made, in milliseconds since 1970, where that is kept: numbers of
   * devices and inodes are given away again.
   */
  readonly born: number | undefined;
}

/** Losing more than this share, in percent, and more than so many entries, is no routine. */
const USUAL_PERCENT = 25;
const USUAL_ENTRIES = 20;

/** So many paths are named in a message. */
const MAX_SAMPLES = 5;

/**
 * The deletions of one run. Each path counts once, however often it is tried,
 * with all that is lost below it.
 */
export class DeletionTally {
  /** Entries lost at each path of a change, itself included. */
  readonly #counts = new Map<RelPath, number>();
  readonly #directories = new Set<RelPath>();
  #count = 0;

  /** Entries deleted and to be deleted so far. */
  get count(): number {
    return this.#count;
  }

  /** Counts `losses`; of a path that is known already, the most of them. */
  add(losses: Iterable<Loss>): void {
    for (const { path, entries, isDirectory } of losses) {
      const before = this.#counts.get(path) ?? 0;
      const now = Math.max(before, entries);
      this.#counts.set(path, now);
      this.#count += now - before;
      if (isDirectory) this.#directories.add(path);
    }
  }

  /** Some of the paths, for people. */
  describe(): string {
    const shown: string[] = [];
    for (const path of this.#counts.keys()) {
      if (shown.length === MAX_SAMPLES) return `${shown.join(", ")}, …`;
      const slash = this.#directories.has(path) ? "/" : "";
      shown.push(displayPath(path) + slash);
    }
    return shown.join(", ");
  }
}

/**
 * What is still allowed after the first complete round of a process that goes on:
 * who allows a deletion answers for what waits now, and not for what comes later.
 */
export function laterAllowance(
  allowed: DeleteLimit | undefined,
): DeleteLimit | undefined {
  return allowed?.kind === "all" && allowed.always ? allowed : undefined;
}

/** Whether losing `count` of `entries` entries is no routine. */
export function isUnusualLoss(count: number, entries: number): boolean {
  return count > USUAL_ENTRIES && count * 100 > USUAL_PERCENT * entries;
}

/** Whether deleting `count` of `entries` entries is within `limit`. */
export function isWithinLimit(
  count: number,
  entries: number,
  limit: DeleteLimit,
): boolean {
  switch (limit.kind) {
    case "count":
      return count <= limit.count;
    case "percent":
      return count * 100 <= limit.percent * entries;
    case "all":
      return true;
    default:
      return limit satisfies never;
  }
}

/**
 * Keeps to the limit that was set for a run.
 * @param entries At the target, before the run.
 * @throws {GuardError} If more would be deleted.
 */
export function checkMaxDelete(
  deletions: DeletionTally,
  entries: number,
  limit: DeleteLimit,
): void {
  if (isWithinLimit(deletions.count, entries, limit)) return;
  throw new GuardError(
    `${describeLoss(deletions, entries)}, but --max-delete is ${
      describeLimit(limit)
    }`,
  );
}

/** What is known of the sides of a run that has a completed one before it. */
export interface LossFacts {
  /** At the target, before the run. */
  readonly targetEntries: number;
  /** Of the source, now. */
  readonly sourceEntries: number;
  /** What the source had when it was last mirrored. */
  readonly sourceEntriesBefore: number;
  /** What was explicitly allowed, if anything was. */
  readonly allowed: DeleteLimit | undefined;
}

/**
 * Stops a run that looks like an accident: the source is empty and was not, or
 * an unusual share of the target would go.
 * @throws {GuardError} Unless that was allowed.
 */
export function checkUsualLoss(
  deletions: DeletionTally,
  facts: LossFacts,
): void {
  const { targetEntries, sourceEntries, sourceEntriesBefore, allowed } = facts;
  const { count } = deletions;
  if (count === 0) return;
  const isEmptied = sourceEntries === 0 && sourceEntriesBefore > 0;
  const isUnusual = isUnusualLoss(count, targetEntries);
  if (!isEmptied && !isUnusual) return;
  if (
    allowed !== undefined && isWithinLimit(count, targetEntries, allowed)
  ) return;
  const loss = describeLoss(deletions, targetEntries);
  throw new GuardError(
    `${
      isEmptied
        ? `The source has 0 of ${sourceEntriesBefore} entries; ${loss}`
        : `${loss}, which is more than ${USUAL_PERCENT}% and more than ${USUAL_ENTRIES}`
    } (to allow it: --allow-delete ${count})`,
  );
}

/**
 * Stops a run whose source is another directory than before, under the same
 * path, if it would take something away from the target.
 * @throws {GuardError}
 */
export function checkSameRoot(
  before: RootIdentity,
  now: RootIdentity,
  losses: { readonly deleted: number; readonly replaced: number },
): void {
  if (isSameRoot(before, now)) return;
  const { deleted, replaced } = losses;
  if (deleted === 0 && replaced === 0) return;
  throw new GuardError(
    `The source is another directory than in the last run: it was ${
      describeRoot(before)
    } and is ${
      describeRoot(now)
    }; at the target ${deleted} entries would be deleted and ${replaced} replaced (to allow it: --allow-new-root)`,
  );
}

/** Whether two identities are of one directory, as far as that can be told. */
export function isSameRoot(a: RootIdentity, b: RootIdentity): boolean {
  if (a.inode === 0 || b.inode === 0) return a.path === b.path;
  if (a.inode !== b.inode) return false;
  // Devices are numbered anew when they are mounted anew; a birth stays.
  return a.born === undefined || b.born === undefined
    ? a.device === b.device
    : a.born === b.born;
}

function describeLoss(deletions: DeletionTally, entries: number): string {
  const { count } = deletions;
  const percent = entries === 0 ? 100 : Math.floor(count * 100 / entries);
  return `${count} of ${entries} entries at the target would be deleted (${percent}%: ${deletions.describe()})`;
}

function describeLimit(limit: DeleteLimit): string {
  switch (limit.kind) {
    case "count":
      return String(limit.count);
    case "percent":
      return `${limit.percent}%`;
    case "all":
      return "all";
    default:
      return limit satisfies never;
  }
}

function describeRoot({ path, device, inode, born }: RootIdentity): string {
  const made = born === undefined
    ? ""
    : `, made ${new Date(born).toISOString()}`;
  return `${displayPath(path)} (device ${device}, inode ${inode}${made})`;
}
