/** One round's work at a target: content is staged, then all changes at once. */
import { type Change, filesOf } from "../core/change.ts";
import type { RelPath } from "../core/path.ts";
import type { ContentBatch, SupplyRequest, Want } from "../core/piece.ts";
import type { Endpoint, TransitionResult } from "./endpoint.ts";
import type { EventListener } from "./events.ts";

/** Who hears of the work, and may stop it. */
export interface CarryOutOptions {
  readonly signal?: AbortSignal;
  readonly onEvent?: EventListener;
  /** Called with the path of each file that the source could not supply. */
  readonly onUnavailable?: (path: RelPath) => void;
}

/** Makes `target` carry out `changes` with content of `source`. */
export async function carryOut(
  source: Endpoint,
  target: Endpoint,
  changes: readonly Change[],
  { signal, onEvent, onUnavailable }: CarryOutOptions,
): Promise<TransitionResult> {
  const { wants, writable } = await target.stage(changes, signal);
  let path: RelPath | undefined;
  const asked = new Map<number, RelPath>();
  const requests = requestsFor(changes, wants, (next, index) => {
    path = next;
    if (onUnavailable !== undefined) asked.set(index, next);
  });
  let files = 0;
  let bytes = 0;
  const meter = new TransformStream<ContentBatch, ContentBatch>({
    transform(batch, controller): void {
      controller.enqueue(batch);
      for (const piece of batch.pieces) {
        if (piece.kind === "unavailable") {
          onUnavailable?.(asked.get(piece.index)!);
          continue;
        }
        bytes += piece.kind === "hole" ? piece.length : piece.bytes.length;
        if (!piece.last) continue;
        files++;
        asked.delete(piece.index);
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
  onPath: (path: RelPath, index: number) => void,
): Generator<SupplyRequest> {
  let at = 0;
  for (const file of filesOf(changes)) {
    while (at < wants.length && file.index >= endOf(wants[at]!)) at++;
    const want = wants[at];
    if (want === undefined) return;
    if (file.index < want.first) continue;
    onPath(file.path, file.index);
    yield { ...file, resume: want.resume };
  }
}

function endOf({ first, count }: Want): number {
  return first + count;
}
