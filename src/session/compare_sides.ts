/**
 * What would make a target equal to its source: both sides are looked at, the
 * rules of the source are applied to both, and the trees are compared. Changes
 * nothing at either side.
 */
import { type Change, totalsOfChanges } from "../core/change.ts";
import type { Digest } from "../core/entry.ts";
import { NO_IGNORE_FILES } from "../core/ignore_digest.ts";
import { markIgnored } from "../core/mark_ignored.ts";
import { madeBy } from "../core/moves.ts";
import { NO_ORIGINS, type Origins } from "../core/origins.ts";
import type { Problem } from "../core/problem.ts";
import {
  type IgnoreOptions,
  NO_IGNORE,
  type ScanOptions,
  type Snapshot,
  type SymlinkPolicy,
} from "../core/snapshot.ts";
import { ProtocolError } from "../errors.ts";
import { confirmAbsence, coversPresumed, decide } from "./decision.ts";
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
  /**
   * What of the source, as it is now, stood elsewhere when both sides were last
   * equal: that is moved at the target, if it can be. See `core/origins.ts`.
   */
  readonly origins?: (here: Snapshot) => Origins | Promise<Origins>;
  /**
   * The same for whoever has to look it up: asked only where something has gone
   * and something has come.
   */
  readonly recall?: (changes: readonly Change[]) => Origins | Promise<Origins>;
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
  const { signal, owners = false } = options;
  if (owners && !target.traits.owners) {
    throw new ProtocolError(
      `${target.name} can't set owners: it has to run as root, and to allow it`,
      "refused",
    );
  }
  const modes = source.traits.modes && target.traits.modes;
  const scanOptions = {
    checksum: options.checksum,
    symlinks: options.symlinks,
    modes,
    owners,
    ignore: options.ignore ?? NO_IGNORE,
  };
  const mayMove = options.deletes && options.symlinks !== "follow" &&
    target.moves;
  const diffOptions = { deletes: options.deletes, modes };
  const seen = await scanBoth(source, target, scanOptions, {
    ...options,
    origins: mayMove ? options.origins : undefined,
  });
  const { here, origins } = seen;
  let there = withoutIgnored(here, seen.there, scanOptions);

  // Both trees are known: what has to be done is a matter of comparing them.
  const decideOptions = {
    ...diffOptions,
    recall: mayMove ? options.recall : undefined,
  };
  let decision = await decide(there, here, origins, decideOptions);
  if (!coversPresumed(there, origins, decision)) {
    there = withoutIgnored(here, await seen.listAgain(), scanOptions);
    decision = await decide(there, here, origins, decideOptions);
  }

  // "Not listed" must be known to mean "not there" before anything is deleted.
  let confirmation = await confirmAbsence(source, decision, signal);
  if (!confirmation.canMove) {
    if (there.presumed !== undefined) {
      there = withoutIgnored(here, await seen.listAgain(), scanOptions);
    }
    decision = await decide(there, here, NO_ORIGINS, diffOptions);
    confirmation = await confirmAbsence(source, decision, signal);
  }
  const { changes, doubts } = confirmation;
  const { moves, problems } = decision;
  return {
    source: here,
    target: there,
    moves,
    changes,
    totals: totalsOfChanges(
      [...madeBy(moves), ...changes],
      modes,
      moves.length,
    ),
    problems: [
      ...here.problems.map(onSide("source")),
      ...there.problems.map(onSide("target")),
      ...problems.map(onSide("target")),
      ...doubts.map(onSide("source")),
    ],
    modes,
  };
}

/** Both sides, as they were seen. */
interface SeenSides {
  readonly here: Snapshot;
  readonly there: Snapshot;
  readonly origins: Origins;
  /** Scans the target again, and presumes nothing. */
  listAgain(): Promise<Snapshot>;
}

async function scanBoth(
  source: Endpoint,
  target: Endpoint,
  scanOptions: ScanOptions,
  options: Pick<CompareOptions, "signal" | "onEvent"> & {
    readonly origins: CompareOptions["origins"];
  },
): Promise<SeenSides> {
  const { signal, onEvent } = options;
  const context = (side: Side): ScanContext => ({
    ...(signal && { signal }),
    ...(onEvent && {
      onProgress: (entries: number): void =>
        onEvent({ kind: "scanning", side, entries }),
    }),
  });
  const here = source.scan(scanOptions, context("source"));
  const origins = originsIn(here, options.origins);
  // Only a source has its links followed: what is sent takes their place.
  const { symlinks, ignore } = scanOptions;
  let thereOptions: ScanOptions = {
    ...scanOptions,
    symlinks: symlinks === "follow" ? "copy" : symlinks,
  };
  const thereContext = { ...context("target"), isTarget: true, known: here };
  const there = target.scan(thereOptions, { ...thereContext, origins });
  let [a, b] = await Promise.all([here, there]);
  // A target that went by other ignore files may have kept back what the source
  // does not ignore: it is to show all, but for the rules that both were given.
  if (ignoreDigestOf(a) !== ignoreDigestOf(b)) {
    thereOptions = { ...thereOptions, ignore: { ...ignore, files: [] } };
    b = await target.scan(thereOptions, { ...thereContext, origins });
  }
  onEvent?.({ kind: "scanned", side: "source", totals: a.totals });
  onEvent?.({ kind: "scanned", side: "target", totals: b.totals });
  return {
    here: a,
    there: b,
    origins: await origins,
    listAgain: () => target.scan(thereOptions, thereContext),
  };
}

async function originsIn(
  here: Promise<Snapshot>,
  find: CompareOptions["origins"],
): Promise<Origins> {
  return find === undefined ? NO_ORIGINS : await find(await here);
}

function ignoreDigestOf({ ignoreDigest = NO_IGNORE_FILES }: Snapshot): Digest {
  return ignoreDigest;
}

/** What the target has, less what the rules of the source ignore. */
function withoutIgnored(
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

/** Says of problems on which side they are. */
export function onSide(side: Side): (problem: Problem) => SidedProblem {
  return (problem) => ({ side, problem });
}
