/**
 * The one-way cycle: scan both sides, find the changes that make the target
 * equal to the source, stage their content at the target, carry them out. What
 * somebody changed meanwhile is left alone and looked at again in the next round.
 */
import { type Change, filesOf, totalsOfChanges } from "../core/change.ts";
import { diff } from "../core/diff.ts";
import type { DirectoryEntry, Entry } from "../core/entry.ts";
import {
  comparePaths,
  displayPath,
  join,
  type Name,
  parentOf,
  type RelPath,
} from "../core/path.ts";
import type { Clock } from "../core/clock.ts";
import { systemClock } from "./system_clock.ts";
import type { ContentBatch, SupplyRequest, Want } from "../core/piece.ts";
import type { Problem } from "../core/problem.ts";
import type { ScanOptions, Snapshot, SymlinkPolicy } from "../core/snapshot.ts";
import type { Endpoint, ScanContext, TransitionResult } from "./endpoint.ts";
import type { EventListener, MirrorSummary, Side } from "./events.ts";

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
  readonly signal?: AbortSignal;
  readonly onEvent?: EventListener;
  /** The time between rounds; that of the system unless said. */
  readonly clock?: Clock;
}

interface SidedProblem {
  readonly side: Side;
  readonly problem: Problem;
}

/**
 * Makes the tree of `target` equal to that of `source`, and returns when the
 * target has confirmed it. Paths that could not be made equal are in the
 * summary's problems.
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
  for (let round = 1;; round++) {
    const result = await mirrorOnce(source, target, options, round);
    for (const change of result.achieved) changes.push(change);
    const isStale = result.problems.some(({ problem }) =>
      problem.code === "stale"
    );
    if (isStale && round < MAX_ROUNDS) {
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
      changes: totalsOfChanges(changes),
      totals: result.totals,
      digest: result.digest,
      rounds: round,
      problems,
    };
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
  const { signal, onEvent } = options;
  const modes = source.traits.modes && target.traits.modes;
  const scanOptions = {
    checksum: options.checksum,
    symlinks: options.symlinks,
    modes,
  };
  const [here, there] = await scanBoth(source, target, scanOptions, options);
  let problems: readonly SidedProblem[] = [
    ...here.problems.map(at("source")),
    ...there.problems.map(at("target")),
  ];

  // Both trees are known: what has to be done is a matter of comparing them.
  const difference = diff(there.root, here.root, {
    deletes: options.deletes,
    modes,
  });
  problems = problems.concat(difference.problems.map(at("target")));

  // "Not listed" must be known to mean "not there" before anything is deleted.
  const { changes, doubts } = await confirmDeletions(
    source,
    difference.changes,
    signal,
  );
  problems = problems.concat(doubts.map(at("source")));
  const totals = totalsOfChanges(changes);
  onEvent?.({ kind: "planned", round, totals });

  let achieved: readonly Change[] = [];
  if (changes.length > 0) {
    const result = await carryOut(source, target, changes, options);
    problems = problems.concat(
      result.problems.map(at("target")),
      unexplained(changes, result).map(at("target")),
    );
    achieved = achievedChanges(changes, result);
  }
  const { digest } = here.root;
  if (digest === undefined) throw new TypeError("A scan gave no digest");
  return { achieved, totals: here.totals, digest, problems };
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
  const { symlinks } = scanOptions;
  const there = target.scan(
    { ...scanOptions, symlinks: symlinks === "follow" ? "copy" : symlinks },
    { ...context("target"), known: here },
  );
  const [a, b] = await Promise.all([here, there]);
  onEvent?.({ kind: "scanned", side: "source", totals: a.totals });
  onEvent?.({ kind: "scanned", side: "target", totals: b.totals });
  return [a, b];
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

/** A problem for each change that is not done, though nothing is said against it. */
function unexplained(
  changes: readonly Change[],
  { done, problems }: TransitionResult,
): Problem[] {
  if (done.every((isDone) => isDone === 1)) return [];
  const explained = new Set<RelPath>();
  for (const problem of problems) {
    let path: RelPath | undefined = problem.path;
    while (path !== undefined && !explained.has(path)) {
      explained.add(path);
      path = parentOf(path);
    }
  }
  return changes.filter(({ path }, i) => done[i] !== 1 && !explained.has(path))
    .map(({ path }) => ({
      path,
      code: "failed",
      message: `${displayPath(path)} was not changed, for an unknown reason`,
    }));
}

/** The changes that `result` says are done, in part where only a part is. */
function achievedChanges(
  changes: readonly Change[],
  { done, problems }: TransitionResult,
): Change[] {
  const failed = new Set(problems.map(({ path }) => path));
  const achieved: Change[] = [];
  for (const [i, change] of changes.entries()) {
    if (done[i] === 1) achieved.push(change);
    else if (change.new?.kind === "directory" && !failed.has(change.path)) {
      achieved.push({
        ...change,
        new: withoutPaths(change.new, change.path, failed),
      });
    }
  }
  return achieved;
}

function withoutPaths(
  directory: DirectoryEntry,
  path: RelPath,
  left: ReadonlySet<RelPath>,
): DirectoryEntry {
  const children = new Map<Name, Entry>();
  for (const [name, child] of directory.children) {
    const childPath = join(path, name);
    if (left.has(childPath)) continue;
    children.set(
      name,
      child.kind === "directory" ? withoutPaths(child, childPath, left) : child,
    );
  }
  return { ...directory, children, digest: undefined };
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
