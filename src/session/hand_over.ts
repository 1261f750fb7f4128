/** Content from one endpoint to another: what is lacking there for its changes. */
import { type Change, filesOf } from "../core/change.ts";
import { parentOf, type RelPath } from "../core/path.ts";
import type { ContentBatch, SupplyRequest, Want } from "../core/piece.ts";
import type { Endpoint } from "./endpoint.ts";

/** How content is handed over. */
export interface HandOverOptions {
  /** Where the giver has what is at another path there, by that path. */
  readonly origins: ReadonlyMap<RelPath, RelPath>;
  readonly signal: AbortSignal | undefined;
  /** Hears of each batch: files that ended in it, and bytes. */
  readonly onBatch: (
    files: number,
    bytes: number,
    path: RelPath | undefined,
  ) => void;
}

/**
 * Stages `changes` at `taker` with the content that `giver` has. Neither tree
 * changes; the transition is left to the caller.
 */
export async function handOver(
  giver: Endpoint,
  taker: Endpoint,
  changes: readonly Change[],
  { origins, signal, onBatch }: HandOverOptions,
): Promise<void> {
  const { wants, writable } = await taker.stage(changes, signal);
  let path: RelPath | undefined;
  const requests = requestsFor(changes, wants, origins, (at) => path = at);
  const meter = new TransformStream<ContentBatch, ContentBatch>({
    transform(batch, controller): void {
      controller.enqueue(batch);
      let files = 0;
      let bytes = 0;
      for (const piece of batch.pieces) {
        if (piece.kind === "unavailable") continue;
        bytes += piece.kind === "hole" ? piece.length : piece.bytes.length;
        if (piece.last) files++;
      }
      onBatch(files, bytes, path);
    },
  });
  await giver.supply(requests, signal).pipeThrough(meter).pipeTo(
    writable,
    signal && { signal },
  );
}

/** The files that `wants` name, where the giver has them, in order. */
function* requestsFor(
  changes: readonly Change[],
  wants: readonly Want[],
  origins: ReadonlyMap<RelPath, RelPath>,
  onPath: (path: RelPath) => void,
): Generator<SupplyRequest> {
  let at = 0;
  for (const file of filesOf(changes)) {
    while (at < wants.length && file.index >= endOf(wants[at]!)) at++;
    const want = wants[at];
    if (want === undefined) return;
    if (file.index < want.first) continue;
    onPath(file.path);
    const path = originOf(file.path, origins);
    yield { ...file, path, resume: want.resume };
  }
}

/** A copy may be a file, or a directory that holds `path`. */
function originOf(
  path: RelPath,
  origins: ReadonlyMap<RelPath, RelPath>,
): RelPath {
  if (origins.size === 0) return path;
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
