/**
 * What would make a target equal to its source: both sides are looked at, the
 * rules of the source are applied to both, and the trees are compared. Changes
 * nothing at either side.
 */
import { type Change, totalsOfChanges } from "../core/change.ts";
import { diff } from "../core/diff.ts";
import type { Digest } from "../core/entry.ts";
import { NO_IGNORE_FILES } from "../core/ignore_digest.ts";
import { markIgnored } from "../core/mark_ignored.ts";
import type { Problem } from "../core/problem.ts";
import {
  type IgnoreOptions,
  NO_IGNORE,
  type ScanOptions,
  type Snapshot,
  type SymlinkPolicy,
} from "../core/snapshot.ts";
import { ProtocolError } from "../errors.ts";
import type { Endpoint, ScanContext } from "./endpoint.ts";
import type {
  Comparison,
  EventListener,
  Side,
  SidedProblem,
} from "./events.ts";

/** What is to be equal, and who hears of the work. */
export interface CompareOptions {
  /** Compare by content, not by size and mtime. */
  readonly checksum: boolean;
  readonly symlinks: SymlinkPolicy;
  /** Whether what is extra at the target is deleted. */
  readonly deletes: boolean;
  /** Make owners equal as well; the target must be able to set them. */
  readonly owners?: boolean;
  /** What takes no part, at either side, by the rules of the source; by default nothing. */
  readonly ignore?: IgnoreOptions;
  readonly signal?: AbortSignal;
  readonly onEvent?: EventListener;
}

/**
 * Finds what would make the target equal to the source, as both are now;
 * changes nothing.
 * @throws {SyncError} If either side fails as a whole.
 */
export async function compareSides(
  source: Endpoint,
  target: Endpoint,
  options: CompareOptions,
): Promise<Comparison> {
  refuseOwners(target, options);
  const modes = source.traits.modes && target.traits.modes;
  const scanOptions = scanOptionsOf(options, modes);
  const [here, seen] = await scanBoth(source, target, scanOptions, options);
  const there = withoutIgnored(here, seen, scanOptions);
  return await compareSnapshots(source, { here, there, modes }, options);
}

/** @throws {ProtocolError} If owners are to be equal, and the target can't set them. */
export function refuseOwners(
  target: Endpoint,
  { owners = false }: CompareOptions,
): void {
  if (!owners || target.traits.owners) return;
  throw new ProtocolError(
    `${target.name} can't set owners: it has to run as root, and to allow it`,
    "refused",
  );
}

/** How both sides are to be looked at. */
export function scanOptionsOf(
  options: CompareOptions,
  modes: boolean,
): ScanOptions {
  const { checksum, symlinks, owners = false, ignore = NO_IGNORE } = options;
  return { checksum, symlinks, modes, owners, ignore };
}

/** Finds what would make `there` equal to `here`, as both are known to be. */
export async function compareSnapshots(
  source: Endpoint,
  sides: {
    readonly here: Snapshot;
    readonly there: Snapshot;
    readonly modes: boolean;
  },
  options: CompareOptions,
): Promise<Comparison> {
  const { here, there, modes } = sides;
  // Both trees are known: what has to be done is a matter of comparing them.
  const difference = diff(there.root, here.root, {
    deletes: options.deletes,
    modes,
  });

  // "Not listed" must be known to mean "not there" before anything is deleted.
  const { changes, doubts } = await confirmDeletions(
    source,
    difference.changes,
    options.signal,
  );
  return {
    source: here,
    target: there,
    changes,
    totals: totalsOfChanges(changes, modes),
    problems: [
      ...here.problems.map(onSide("source")),
      ...there.problems.map(onSide("target")),
      ...difference.problems.map(onSide("target")),
      ...doubts.map(onSide("source")),
    ],
    modes,
  };
}

async function scanBoth(
  source: Endpoint,
  target: Endpoint,
  scanOptions: ScanOptions,
  { signal, onEvent }: CompareOptions,
): Promise<[Snapshot, Snapshot]> {
  const here = source.scan(
    scanOptions,
    contextOf("source", { signal, onEvent }),
  );
  const there = scanTarget(target, here, scanOptions, { signal, onEvent });
  const [a, b] = await Promise.all([here, there]);
  onEvent?.({ kind: "scanned", side: "source", totals: a.totals });
  onEvent?.({ kind: "scanned", side: "target", totals: b.totals });
  return [a, b];
}

/** Who is told of a scan, and who may stop it. */
interface ScanAudience {
  readonly signal: AbortSignal | undefined;
  readonly onEvent: EventListener | undefined;
}

function contextOf(
  side: Side,
  { signal, onEvent }: ScanAudience,
): ScanContext {
  return {
    ...(signal && { signal }),
    ...(onEvent && {
      onProgress: (entries: number): void =>
        onEvent({ kind: "scanning", side, entries }),
    }),
  };
}

/** Scans the target by the rules of the source, whose snapshot is `here`. */
export async function scanTarget(
  target: Endpoint,
  here: Promise<Snapshot>,
  scanOptions: ScanOptions,
  audience: ScanAudience,
): Promise<Snapshot> {
  // Only a source has its links followed: what is sent takes their place.
  const { symlinks, ignore } = scanOptions;
  const thereOptions: ScanOptions = {
    ...scanOptions,
    symlinks: symlinks === "follow" ? "copy" : symlinks,
  };
  const context = contextOf("target", audience);
  const thereContext = { ...context, isTarget: true, known: here };
  const there = await target.scan(thereOptions, thereContext);
  // A target that went by other ignore files may have kept back what the source
  // does not ignore: it is to show all, but for the rules that both were given.
  if (ignoreDigestOf(await here) === ignoreDigestOf(there)) return there;
  const given = { ...thereOptions, ignore: { ...ignore, files: [] } };
  return await target.scan(given, thereContext);
}

function ignoreDigestOf({ ignoreDigest = NO_IGNORE_FILES }: Snapshot): Digest {
  return ignoreDigest;
}

/** What the target has, less what the rules of the source ignore. */
export function withoutIgnored(
  source: Snapshot,
  target: Snapshot,
  { ignore: { rules, files }, modes }: ScanOptions,
): Snapshot {
  const { ignoreTree } = source;
  if (ignoreTree === undefined) {
    if (rules.length + files.length === 0) return target;
    throw new TypeError("What a source at the other end ignores is not known");
  }
  const root = markIgnored(target.root, source.root, ignoreTree, modes);
  return { ...target, root };
}

/** The changes without the deletions that the source could not confirm. */
async function confirmDeletions(
  source: Endpoint,
  changes: readonly Change[],
  signal: AbortSignal | undefined,
): Promise<{ changes: readonly Change[]; doubts: readonly Problem[] }> {
  const absent = changes.filter((change) => change.new === undefined)
    .map(({ path }) => path);
  if (absent.length === 0) return { changes, doubts: [] };
  const doubts = await source.confirmAbsent(absent, signal);
  if (doubts.length === 0) return { changes, doubts };
  const doubted = new Set(doubts.map(({ path }) => path));
  return {
    changes: changes.filter((change) =>
      change.new !== undefined || !doubted.has(change.path)
    ),
    doubts,
  };
}

/** Says of problems on which side they are. */
export function onSide(side: Side): (problem: Problem) => SidedProblem {
  return (problem) => ({ side, problem });
}
