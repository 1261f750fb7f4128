/** Content from one endpoint to another: what is lacking there for its changes. */
import type { ContentRequest, GapRequest } from "../content/description.ts";
import { type Change, filesOf, type PlannedFile } from "../core/change.ts";
import { parentOf, type RelPath } from "../core/path.ts";
import { type ContentBatch, lengthOf, type Want } from "../core/piece.ts";
import type { Endpoint, RecipeCalls } from "./endpoint.ts";
import { negotiate } from "./negotiate.ts";
import type { RoundObserver } from "./round_observer.ts";

/** What was handed over so far. */
export interface HandedOver {
  /** Files that are through, and bytes that have passed. */
  readonly files: number;
  readonly bytes: number;
  /** The file that was asked for last, at the taker. */
  readonly path: RelPath | undefined;
}

/** How content is handed over. */
export interface HandOverOptions {
  /** Where the giver has what is at another path there, by that path. */
  readonly origins?: ReadonlyMap<RelPath, RelPath>;
  readonly signal?: AbortSignal | undefined;
  /** Breaks off the content alone; as a rule, `signal`. */
  readonly supplying?: AbortSignal | undefined;
  readonly observers?: readonly RoundObserver[] | undefined;
  /** Comes often. */
  readonly onProgress?: (done: HandedOver) => void;
  /** Called with the path of each file that the giver could not supply. */
  readonly onUnavailable?: ((path: RelPath) => void) | undefined;
}

const NO_ORIGINS: ReadonlyMap<RelPath, RelPath> = new Map();

/**
 * Stages `changes` at `taker` with the content that `giver` has. Neither tree
 * changes; the transition is left to the caller.
 */
export async function handOver(
  giver: Endpoint,
  taker: Endpoint,
  changes: readonly Change[],
  options: HandOverOptions,
): Promise<void> {
  const { origins = NO_ORIGINS, signal, observers = [] } = options;
  const { onProgress, onUnavailable, supplying = signal } = options;
  const calls = recipeCalls(giver, taker);
  const recipes = calls !== undefined;
  const { wants, writable } = await taker.stage(changes, signal, { recipes });
  for (const observer of observers) observer.staging(changes);
  let path: RelPath | undefined;
  const asked = new Map<number, RelPath>();
  let files = 0;
  let bytes = 0;
  let gaps: ReadonlyMap<number, readonly GapRequest[]> = new Map();
  const described = wants.filter((want) => want.recipe === true);
  if (calls !== undefined && described.length > 0) {
    try {
      const wanted = atOrigins(filesFor(changes, described), origins);
      gaps = await negotiate(calls, wanted, {
        signal: supplying,
        onProgress: (path) => onProgress?.({ files, bytes, path }),
      });
    } catch (error) {
      await writable.abort(error).catch(() => {});
      throw error;
    }
  }
  const wanted = filesFor(changes, wants, (next, index) => {
    path = next;
    if (onUnavailable !== undefined) asked.set(index, next);
  });
  const requests = requestsFor(atOrigins(wanted, origins), gaps);
  const meter = new TransformStream<ContentBatch, ContentBatch>({
    transform(batch, controller): void {
      // Once it is handed on, its bytes may be used again.
      for (const observer of observers) observer.passing(batch);
      controller.enqueue(batch);
      for (const piece of batch.pieces) {
        if (piece.kind === "unavailable") {
          onUnavailable?.(asked.get(piece.index)!);
          continue;
        }
        bytes += lengthOf(piece);
        if (!piece.last) continue;
        files++;
        asked.delete(piece.index);
      }
      onProgress?.({ files, bytes, path });
    },
  });
  await giver.supply(requests, supplying).pipeThrough(meter).pipeTo(
    writable,
    supplying && { signal: supplying },
  );
}

/** What both sides can do to send less; undefined where whole files are better. */
function recipeCalls(
  source: Endpoint,
  target: Endpoint,
): { source: RecipeCalls; target: RecipeCalls } | undefined {
  if (source.recipes === undefined || target.recipes === undefined) {
    return undefined;
  }
  const isRemote = source.recipes.isRemote || target.recipes.isRemote;
  return isRemote
    ? { source: source.recipes, target: target.recipes }
    : undefined;
}

/** A file, and how much of it is there. */
type WantedFile = PlannedFile & Pick<Want, "resume">;

/** The requests for `files`, as the giver has them. */
function* requestsFor(
  files: Iterable<WantedFile>,
  gaps: ReadonlyMap<number, readonly GapRequest[]>,
): Generator<ContentRequest> {
  for (const file of files) {
    const lacking = gaps.get(file.index);
    yield lacking === undefined ? file : { ...file, gaps: lacking };
  }
}

/** The files that `wants` name, in order; `onFile` hears of each when its turn comes. */
function* filesFor(
  changes: readonly Change[],
  wants: readonly Want[],
  onFile?: (path: RelPath, index: number) => void,
): Generator<WantedFile> {
  let at = 0;
  for (const file of filesOf(changes)) {
    while (at < wants.length && file.index >= endOf(wants[at]!)) at++;
    const want = wants[at];
    if (want === undefined) return;
    if (file.index < want.first) continue;
    onFile?.(file.path, file.index);
    yield { ...file, resume: want.resume };
  }
}

/** `files` where the giver has them. */
function* atOrigins(
  files: Iterable<WantedFile>,
  origins: ReadonlyMap<RelPath, RelPath>,
): Generator<WantedFile> {
  for (const file of files) {
    yield origins.size === 0
      ? file
      : { ...file, path: originOf(file.path, origins) };
  }
}

/** A copy may be a file, or a directory that holds `path`. */
function originOf(
  path: RelPath,
  origins: ReadonlyMap<RelPath, RelPath>,
): RelPath {
  let copy: RelPath | undefined = path;
  while (copy !== undefined) {
    const origin = origins.get(copy);
    if (origin !== undefined) {
      return `${origin}${path.slice(copy.length)}` as RelPath;
    }
    copy = parentOf(copy);
  }
  return path;
}

function endOf({ first, count }: Want): number {
  return first + count;
}
