/** One round's work at a target: content is staged, then all changes at once. */
import type { ContentRequest, GapRequest } from "../content/description.ts";
import { type Change, filesOf, type PlannedFile } from "../core/change.ts";
import type { RelPath } from "../core/path.ts";
import { type ContentBatch, lengthOf, type Want } from "../core/piece.ts";
import type { Endpoint, RecipeCalls, TransitionResult } from "./endpoint.ts";
import type { EventListener } from "./events.ts";
import { negotiate } from "./negotiate.ts";
import type { RoundObserver } from "./round_observer.ts";

/** Who hears of the work, and may stop it. */
export interface CarryOutOptions {
  readonly signal?: AbortSignal;
  /** Breaks off the content alone: what is staged stays, nothing is carried out. */
  readonly stop?: AbortSignal;
  /** Called when all content has passed. */
  readonly onSupplied?: () => void;
  readonly onEvent?: EventListener;
  readonly observers?: readonly RoundObserver[];
  /** Called with the path of each file that the source could not supply. */
  readonly onUnavailable?: (path: RelPath) => void;
}

/** Makes `target` carry out `changes` with content of `source`. */
export async function carryOut(
  source: Endpoint,
  target: Endpoint,
  changes: readonly Change[],
  options: CarryOutOptions,
): Promise<TransitionResult> {
  const { signal, onEvent, observers = [], onUnavailable } = options;
  const supplying = signal && options.stop
    ? AbortSignal.any([signal, options.stop])
    : options.stop ?? signal;
  const calls = recipeCalls(source, target);
  const recipes = calls !== undefined;
  const { wants, writable } = await target.stage(changes, signal, { recipes });
  for (const observer of observers) observer.staging(changes);
  let path: RelPath | undefined;
  const asked = new Map<number, RelPath>();
  let files = 0;
  let bytes = 0;
  let gaps: ReadonlyMap<number, readonly GapRequest[]> = new Map();
  const described = wants.filter((want) => want.recipe === true);
  if (calls !== undefined && described.length > 0) {
    try {
      gaps = await negotiate(calls, filesFor(changes, described), {
        signal: supplying,
        onProgress: (path) =>
          onEvent?.({ kind: "transfer", files, bytes, path }),
      });
    } catch (error) {
      await writable.abort(error).catch(() => {});
      throw error;
    }
  }
  const requests = requestsFor(changes, wants, gaps, (next, index) => {
    path = next;
    if (onUnavailable !== undefined) asked.set(index, next);
  });
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
      onEvent?.({ kind: "transfer", files, bytes, path });
    },
  });
  await source.supply(requests, supplying).pipeThrough(meter).pipeTo(
    writable,
    supplying && { signal: supplying },
  );
  options.onSupplied?.();
  onEvent?.({ kind: "applying" });
  return await target.transition(changes, signal);
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

/**
 * The files that `wants` name, as the source is asked for them; `onPath` hears
 * of each when its turn comes.
 */
function* requestsFor(
  changes: readonly Change[],
  wants: readonly Want[],
  gaps: ReadonlyMap<number, readonly GapRequest[]>,
  onPath: (path: RelPath, index: number) => void,
): Generator<ContentRequest> {
  for (const file of filesFor(changes, wants)) {
    onPath(file.path, file.index);
    const lacking = gaps.get(file.index);
    const { resume } = file;
    yield lacking === undefined
      ? { ...file, resume }
      : { ...file, resume, gaps: lacking };
  }
}

/** The files that `wants` name, in order. */
function* filesFor(
  changes: readonly Change[],
  wants: readonly Want[],
): Generator<PlannedFile & Pick<Want, "resume">> {
  let at = 0;
  for (const file of filesOf(changes)) {
    while (at < wants.length && file.index >= endOf(wants[at]!)) at++;
    const want = wants[at];
    if (want === undefined) return;
    if (file.index < want.first) continue;
    yield { ...file, resume: want.resume };
  }
}

function endOf({ first, count }: Want): number {
  return first + count;
}
