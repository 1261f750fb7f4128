/**
 * Looks at both sides of a two-way sync: all content counts, by its digest, and
 * what the rules of either side ignore takes no part on both.
 */
import type { DirectoryEntry } from "../core/entry.ts";
import type { TwoWaySide } from "../core/conflict.ts";
import { markIgnored } from "../core/mark_ignored.ts";
import { haveDigests, othersAmong } from "../core/packed_children.ts";
import {
  type IgnoreOptions,
  NO_IGNORE,
  type ScanOptions,
  type Snapshot,
} from "../core/snapshot.ts";
import { ProtocolError } from "../errors.ts";
import type { Endpoint, ScanContext } from "./endpoint.ts";
import type { TwoWayListener } from "./two_way_events.ts";

/** What takes part, and who hears of the work. */
export interface TwoWayScan {
  /** Links are copied as they are, or take no part. */
  readonly symlinks: "copy" | "skip";
  /** What takes no part at either side; by default nothing. */
  readonly ignore?: IgnoreOptions;
  /** What beta had last, as far as that is known: only what differs is fetched. */
  readonly known?: Snapshot | undefined;
  readonly signal?: AbortSignal;
  readonly onEvent?: TwoWayListener;
}

/** Both sides of a two-way sync, as they were seen. */
export interface SeenSides {
  /** Without what takes no part on the other side. */
  readonly snapshots: Readonly<Record<TwoWaySide, Snapshot>>;
  /** Beta with all that it has. */
  readonly beta: Snapshot;
}

/**
 * Scans both sides at once. Files have digests in both snapshots.
 * @param modes Whether both sides keep mode bits.
 */
export async function scanTwoWay(
  sides: Readonly<Record<TwoWaySide, Endpoint>>,
  modes: boolean,
  { symlinks, ignore = NO_IGNORE, known, signal, onEvent }: TwoWayScan,
): Promise<SeenSides> {
  const options: ScanOptions = { checksum: true, symlinks, modes, ignore };
  const scan = (
    side: TwoWaySide,
    known?: Promise<Snapshot>,
  ): Promise<Snapshot> => {
    const context: ScanContext = {
      ...(known && { known }),
      ...(signal && { signal }),
      onProgress: (entries) => onEvent?.({ kind: "scanning", side, entries }),
    };
    return sides[side].scan(options, context);
  };
  const near = scan("alpha");
  const there = known === undefined ? near : Promise.resolve(known);
  const [alpha, beta] = await Promise.all([near, scan("beta", there)]);
  requireDigests(sides.alpha, alpha);
  requireDigests(sides.beta, beta);
  onEvent?.({ kind: "scanned", side: "alpha", totals: alpha.totals });
  onEvent?.({ kind: "scanned", side: "beta", totals: beta.totals });
  const snapshots = {
    alpha: withoutIgnored(alpha, beta, modes),
    beta: withoutIgnored(beta, alpha, modes),
  };
  return { snapshots, beta };
}

/** `snapshot`, less what the rules of `other` ignore, where they are known. */
function withoutIgnored(
  snapshot: Snapshot,
  other: Snapshot,
  modes: boolean,
): Snapshot {
  const { ignoreTree } = other;
  if (ignoreTree === undefined) return snapshot;
  const root = markIgnored(snapshot.root, other.root, ignoreTree, modes);
  return { ...snapshot, root };
}

/** Without them, different content could be taken for equal. */
function requireDigests({ name }: Endpoint, { root }: Snapshot): void {
  if (hasDigests(root)) return;
  throw new ProtocolError(`${name} shows files without their digests`);
}

/** Directories that were looked through: they never change. */
const WITH_DIGESTS = new WeakSet<DirectoryEntry>();

function hasDigests(directory: DirectoryEntry): boolean {
  if (WITH_DIGESTS.has(directory)) return true;
  if (!haveDigests(directory.children)) return false;
  for (const [, entry] of othersAmong(directory.children)) {
    if (entry.kind === "directory" && !hasDigests(entry)) return false;
  }
  WITH_DIGESTS.add(directory);
  return true;
}
