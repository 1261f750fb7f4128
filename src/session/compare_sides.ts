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
import { nextTurn } from "../core/turn.ts";
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
  refuseOwners(target, options);
  const modes = source.traits.modes && target.traits.modes;
  const scanOptions = scanOptionsOf(options, modes);
  const isMovable = mayMove(target, options);
  const seen = await scanBoth(source, target, scanOptions, {
    signal: options.signal,
    onEvent: options.onEvent,
    origins: isMovable ? options.origins : undefined,
  });
  const { here, origins } = seen;
  const recall = isMovable ? options.recall : undefined;
  let there = withoutIgnored(here, seen.there, scanOptions);
  const diffOptions = { deletes: options.deletes, modes };
  const decision = await decide(there, here, origins, {
    ...diffOptions,
    recall,
  });
  if (!coversPresumed(there, origins, decision)) {
    there = withoutIgnored(here, await seen.listAgain(), scanOptions);
  }
  return await compareSnapshots(source, { here, there, modes }, options, {
    origins,
    recall,
    listAgain: async () =>
      withoutIgnored(here, await seen.listAgain(), scanOptions),
  });
}

/** Whether anything may be moved at `target`. */
export function mayMove(
  target: Endpoint,
  { deletes, symlinks }: CompareOptions,
): boolean {
  return deletes && symlinks !== "follow" && target.moves;
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

/** What is known of where the source's entries came from. */
export interface Evidence {
  readonly origins: Origins;
  readonly recall?: CompareOptions["recall"];
  /** Looks at the target once more, where a directory was only presumed equal. */
  readonly listAgain?: () => Promise<Snapshot>;
}

/** Finds what would make `there` equal to `here`, as both are known to be. */
export async function compareSnapshots(
  source: Endpoint,
  sides: {
    readonly here: Snapshot;
    readonly there: Snapshot;
    readonly modes: boolean;
  },
  { deletes, signal }: CompareOptions,
  { origins, recall, listAgain }: Evidence = { origins: NO_ORIGINS },
): Promise<Comparison> {
  const { here, modes } = sides;
  let { there } = sides;
  const diffOptions = { deletes, modes };
  // Both trees are known: what has to be done is a matter of comparing them.
  let decision = await decide(there, here, origins, { ...diffOptions, recall });

  // "Not listed" must be known to mean "not there" before anything is deleted.
  let confirmation = await confirmAbsence(source, decision, signal);
  if (!confirmation.canMove) {
    if (there.presumed !== undefined && listAgain !== undefined) {
      there = await listAgain();
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

/** The target, as it was seen. */
export interface SeenTarget {
  readonly there: Snapshot;
  /** Scans it again, and presumes nothing. */
  listAgain(): Promise<Snapshot>;
}

/** Both sides, as they were seen. */
interface SeenSides extends SeenTarget {
  readonly here: Snapshot;
  readonly origins: Origins;
}

/** Who is told of a scan, and who may stop it. */
export interface ScanAudience {
  readonly signal: AbortSignal | undefined;
  readonly onEvent: EventListener | undefined;
}

async function scanBoth(
  source: Endpoint,
  target: Endpoint,
  scanOptions: ScanOptions,
  { origins: find, ...audience }: ScanAudience & {
    readonly origins: CompareOptions["origins"];
  },
): Promise<SeenSides> {
  const { onEvent } = audience;
  const { promise: here, resolve } = Promise.withResolvers<Snapshot>();
  const origins = originsIn(here, find);
  // Where the target fails, nobody may wait for it any more.
  origins.catch(() => {});
  const seen = scanTarget(target, here, scanOptions, audience, origins);
  let failure: { readonly error: unknown } | undefined;
  seen.catch((error) => failure = { error });
  // A target that is far away looks at its tree while this side does. The question
  // is given to the socket in the first turn and leaves in the second, which this
  // side's look would hold up: it lets go every 10 ms only.
  resolve(
    nextTurn().then(nextTurn).then(() => {
      audience.signal?.throwIfAborted();
      if (failure !== undefined) throw failure.error;
      return source.scan(scanOptions, contextOf("source", audience));
    }),
  );
  const [a, b] = await Promise.all([here, seen]);
  onEvent?.({ kind: "scanned", side: "source", totals: a.totals });
  onEvent?.({ kind: "scanned", side: "target", totals: b.there.totals });
  return { ...b, here: a, origins: await origins };
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
  origins: Promise<Origins> = Promise.resolve(NO_ORIGINS),
): Promise<SeenTarget> {
  // Only a source has its links followed: what is sent takes their place.
  const { symlinks, ignore } = scanOptions;
  let thereOptions: ScanOptions = {
    ...scanOptions,
    symlinks: symlinks === "follow" ? "copy" : symlinks,
  };
  const context = contextOf("target", audience);
  const thereContext = { ...context, isTarget: true, known: here };
  let there = await target.scan(thereOptions, { ...thereContext, origins });
  // A target that went by other ignore files may have kept back what the source
  // does not ignore: it is to show all, but for the rules that both were given.
  if (ignoreDigestOf(await here) !== ignoreDigestOf(there)) {
    thereOptions = { ...thereOptions, ignore: { ...ignore, files: [] } };
    there = await target.scan(thereOptions, { ...thereContext, origins });
  }
  return { there, listAgain: () => target.scan(thereOptions, thereContext) };
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

/** Says of problems on which side they are. */
export function onSide(side: Side): (problem: Problem) => SidedProblem {
  return (problem) => ({ side, problem });
}
