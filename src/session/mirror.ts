/**
 * The one-way cycle: scan both sides, find the changes that make the target
 * equal to the source, stage their content at the target, carry them out. What
 * somebody changed meanwhile is left alone and looked at again in the next round.
 */
import { type Change, filesOf, totalsOfChanges } from "../core/change.ts";
import { diff } from "../core/diff.ts";
import { NO_IGNORE_FILES } from "../core/ignore_digest.ts";
import { markIgnored } from "../core/mark_ignored.ts";
import { comparePaths, type RelPath, ROOT } from "../core/path.ts";
import type { Clock } from "../core/clock.ts";
import type { Digest } from "../core/entry.ts";
import { systemClock } from "./system_clock.ts";
import type { ContentBatch, SupplyRequest, Want } from "../core/piece.ts";
import type { Problem } from "../core/problem.ts";
import {
  type IgnoreOptions,
  NO_IGNORE,
  type ScanOptions,
  type Snapshot,
  type SymlinkPolicy,
} from "../core/snapshot.ts";
import { GuardError, ProtocolError } from "../errors.ts";
import { achievedChanges, unexplained } from "./achieved.ts";
import type { Endpoint, ScanContext, TransitionResult } from "./endpoint.ts";
import type {
  Comparison,
  EventListener,
  MirrorSummary,
  Side,
  SidedProblem,
} from "./events.ts";
import type { RoundGuard } from "./round_guard.ts";

/** Rounds at the most: what is still being changed then is reported. */
const MAX_ROUNDS = 3;

/** How long to leave a tree that is being written to alone, by round. */
const SETTLE_MS = 200;

/** How to mirror. */
export interface MirrorOptions {
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
  /** The time between rounds; that of the system unless said. */
  readonly clock?: Clock;
  /** Asked in this order before each round changes anything. */
  readonly guards?: readonly RoundGuard[];
}

/**
 * Makes the tree of `target` equal to that of `source`, and returns when the
 * target has confirmed it. Paths that could not be made equal are in the
 * summary's problems.
 * @throws {GuardError} If one of the guards halts it.
 * @throws {SyncError} If either side fails as a whole; what was staged is kept.
 */
export async function mirror(
  source: Endpoint,
  target: Endpoint,
  options: MirrorOptions,
): Promise<MirrorSummary> {
  const changes: Change[] = [];
  // What was kept elsewhere stays there, whatever later rounds do.
  const kept: SidedProblem[] = [];
  let last: Round | undefined;
  let halted = false;
  for (let round = 1;; round++) {
    const result = await nextRound(round);
    for (const change of result.achieved) changes.push(change);
    last = result;
    const isStale = result.problems.some(({ problem }) =>
      problem.code === "stale"
    );
    if (isStale && !halted && round < MAX_ROUNDS) {
      kept.push(
        ...result.problems.filter(({ problem }) => problem.code === "kept"),
      );
      await settle(round * SETTLE_MS, options);
      continue;
    }
    const problems = [...kept, ...result.problems].sort((a, b) =>
      comparePaths(a.problem.path, b.problem.path)
    );
    for (const { side, problem } of problems) {
      options.onEvent?.({ kind: "problem", side, problem });
    }
    return {
      changes: totalsOfChanges(
        changes,
        source.traits.modes && target.traits.modes,
      ),
      totals: result.totals,
      digest: result.digest,
      rounds: round,
      problems,
    };
  }

  /** "Halted" says that nothing was changed: later on, it is a problem instead. */
  async function nextRound(round: number): Promise<Round> {
    try {
      return await mirrorOnce(source, target, options, round);
    } catch (error) {
      if (last === undefined || !(error instanceof GuardError)) throw error;
      halted = true;
      const message = `What came later was not carried out: ${error.message}`;
      const problem: Problem = { path: ROOT, code: "blocked", message };
      const problems = [...last.problems, { side: "target", problem } as const];
      return { ...last, achieved: [], problems };
    }
  }
}

interface Round {
  readonly achieved: readonly Change[];
  readonly totals: MirrorSummary["totals"];
  readonly digest: MirrorSummary["digest"];
  readonly problems: readonly SidedProblem[];
}

async function mirrorOnce(
  source: Endpoint,
  target: Endpoint,
  options: MirrorOptions,
  round: number,
): Promise<Round> {
  const { onEvent, guards = [] } = options;
  const comparison = await compareSides(source, target, options);
  const { totals } = comparison;
  onEvent?.({ kind: "planned", round, totals });
  let { changes, problems } = comparison;
  for (const guard of guards) {
    const reviewed = guard.review({ ...comparison, changes });
    changes = reviewed.changes;
    problems = problems.concat(reviewed.problems.map(at("source")));
  }

  let achieved: readonly Change[] = [];
  if (changes.length > 0) {
    const result = await carryOut(source, target, changes, options);
    problems = problems.concat(
      result.problems.map(at("target")),
      unexplained(changes, result).map(at("target")),
    );
    achieved = achievedChanges(changes, result);
  }
  for (const guard of guards) await guard.completed(comparison);
  const { digest } = comparison.source.root;
  if (digest === undefined) throw new TypeError("A scan gave no digest");
  return { achieved, totals: comparison.source.totals, digest, problems };
}

/**
 * Finds what would make the target equal to the source, as both are now;
 * changes nothing.
 * @throws {SyncError} If either side fails as a whole.
 */
export async function compareSides(
  source: Endpoint,
  target: Endpoint,
  options: MirrorOptions,
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
  const [here, seen] = await scanBoth(source, target, scanOptions, options);
  const there = withoutIgnored(here, seen, scanOptions);

  // Both trees are known: what has to be done is a matter of comparing them.
  const difference = diff(there.root, here.root, {
    deletes: options.deletes,
    modes,
  });

  // "Not listed" must be known to mean "not there" before anything is deleted.
  const { changes, doubts } = await confirmDeletions(
    source,
    difference.changes,
    signal,
  );
  return {
    source: here,
    target: there,
    changes,
    totals: totalsOfChanges(changes, modes),
    problems: [
      ...here.problems.map(at("source")),
      ...there.problems.map(at("target")),
      ...difference.problems.map(at("target")),
      ...doubts.map(at("source")),
    ],
    modes,
  };
}

async function scanBoth(
  source: Endpoint,
  target: Endpoint,
  scanOptions: ScanOptions,
  { signal, onEvent }: MirrorOptions,
): Promise<[Snapshot, Snapshot]> {
  const context = (side: Side): ScanContext => ({
    ...(signal && { signal }),
    ...(onEvent && {
      onProgress: (entries: number): void =>
        onEvent({ kind: "scanning", side, entries }),
    }),
  });
  const here = source.scan(scanOptions, context("source"));
  // Only a source has its links followed: what is sent takes their place.
  const { symlinks, ignore } = scanOptions;
  const thereOptions: ScanOptions = {
    ...scanOptions,
    symlinks: symlinks === "follow" ? "copy" : symlinks,
  };
  const thereContext = { ...context("target"), isTarget: true, known: here };
  const there = target.scan(thereOptions, thereContext);
  const [a, first] = await Promise.all([here, there]);
  let b = first;
  // A target that went by other ignore files may have kept back what the source
  // does not ignore: it is to show all, but for the rules that both were given.
  if (ignoreDigestOf(a) !== ignoreDigestOf(b)) {
    const given = { ...thereOptions, ignore: { ...ignore, files: [] } };
    b = await target.scan(given, thereContext);
    // It is told only once what an earlier run has left.
    const kept = first.problems.filter(({ code }) => code === "kept");
    b = { ...b, problems: [...kept, ...b.problems] };
  }
  onEvent?.({ kind: "scanned", side: "source", totals: a.totals });
  onEvent?.({ kind: "scanned", side: "target", totals: b.totals });
  return [a, b];
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

async function carryOut(
  source: Endpoint,
  target: Endpoint,
  changes: readonly Change[],
  { signal, onEvent }: MirrorOptions,
): Promise<TransitionResult> {
  const { wants, writable } = await target.stage(changes, signal);
  let path: RelPath | undefined;
  const requests = requestsFor(changes, wants, (next) => path = next);
  let files = 0;
  let bytes = 0;
  const meter = new TransformStream<ContentBatch, ContentBatch>({
    transform(batch, controller): void {
      controller.enqueue(batch);
      for (const piece of batch.pieces) {
        if (piece.kind === "unavailable") continue;
        bytes += piece.kind === "hole" ? piece.length : piece.bytes.length;
        if (piece.last) files++;
      }
      onEvent?.({ kind: "transfer", files, bytes, path });
    },
  });
  await source.supply(requests, signal).pipeThrough(meter).pipeTo(
    writable,
    signal && { signal },
  );
  onEvent?.({ kind: "applying" });
  return await target.transition(changes, signal);
}

/**
 * The files that `wants` name, as the source is asked for them; `onPath` hears
 * of each when its turn comes.
 */
function* requestsFor(
  changes: readonly Change[],
  wants: readonly Want[],
  onPath: (path: RelPath) => void,
): Generator<SupplyRequest> {
  let at = 0;
  for (const file of filesOf(changes)) {
    while (at < wants.length && file.index >= endOf(wants[at]!)) at++;
    const want = wants[at];
    if (want === undefined) return;
    if (file.index < want.first) continue;
    onPath(file.path);
    yield { ...file, resume: want.resume };
  }
}

function endOf({ first, count }: Want): number {
  return first + count;
}

function at(side: Side): (problem: Problem) => SidedProblem {
  return (problem) => ({ side, problem });
}

function settle(
  ms: number,
  { clock = systemClock, signal }: MirrorOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = (): void => {
      cancel();
      reject(signal!.reason);
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener("abort", stop);
      resolve();
    });
    signal?.addEventListener("abort", stop, { once: true });
  });
}
