/** Content on its way out of a hub, cut into batches of pieces. */
import { createHash } from "node:crypto";
import type { ContentRequest, GapRequest } from "../content/description.ts";
import type { Recipe } from "../content/recipe.ts";
import { displayPath } from "../core/path.ts";
import {
  type ContentBatch,
  MAX_BATCH_BYTES,
  MAX_BATCH_PIECES,
  type Piece,
  type SupplyRequest,
} from "../core/piece.ts";
import { IntegrityError } from "../errors.ts";
import { stretchesOf } from "../fs/content.ts";
import type { RecipeSource } from "../fs/describe.ts";
import { GapPieces } from "../fs/gap_pieces.ts";
import { Pacer } from "../fs/pacer.ts";
import type { HubRecord } from "./record.ts";
import type { HubStore } from "./store.ts";

/** Most unavailable files in one batch: their messages have to fit it too. */
const MAX_UNAVAILABLE = 12;

/** The recipes of files as they were at `revision`; nothing else is read for them. */
export function recipesAt(store: HubStore, revision: number): RecipeSource {
  return {
    async recipeOf(path, entry): Promise<Recipe | undefined> {
      const record = await recordAt(store, revision, { path, entry });
      return record === undefined ? undefined : store.recipe(record.digest!);
    },
    close: () => Promise.resolve(),
  };
}

/**
 * The content of the files that `requests` ask for, in that order, as it was at
 * `revision`; what has changed since is unavailable.
 */
export function supplyFrom(
  store: HubStore,
  requests: Iterable<ContentRequest>,
  revision: number,
  signal?: AbortSignal,
): ReadableStream<ContentBatch> {
  const batches = inBatches(piecesOf(store, requests, revision, signal));
  return new ReadableStream<ContentBatch>({
    async pull(controller): Promise<void> {
      if (signal?.aborted) {
        // Nobody cancels what has failed.
        await batches.return(undefined);
        throw signal.reason;
      }
      const { done, value } = await batches.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel(): Promise<void> {
      await batches.return(undefined);
    },
  }, { highWaterMark: 2 });
}

async function* piecesOf(
  store: HubStore,
  requests: Iterable<ContentRequest>,
  revision: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Piece> {
  for (const request of requests) {
    const { index, path, gaps } = request;
    const record = await recordAt(store, revision, request);
    if (record === undefined) {
      const message = `${displayPath(path)} was changed at the hub meanwhile`;
      yield { kind: "unavailable", index, code: "stale", message };
      continue;
    }
    try {
      if (gaps !== undefined) {
        for await (const piece of piecesOfGaps(store, index, record, gaps)) {
          yield piece;
        }
        continue;
      }
      const offset = await resumeAt(store, request, record, signal);
      // One after the other by hand: to delegate costs a promise more for each.
      for (const piece of piecesOfFile(store, index, record, offset)) {
        yield piece;
      }
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error;
      const message = `${displayPath(path)}: ${error.message}`;
      yield { kind: "unavailable", index, code: "unreadable", message };
    }
  }
}

/** What stands at a path, if that is what was shown at `revision`. */
async function recordAt(
  store: HubStore,
  revision: number,
  { path, entry }: Pick<SupplyRequest, "path" | "entry">,
): Promise<HubRecord | undefined> {
  const record = await store.latest(path);
  const isSame = record?.kind === "file" && record.revision <= revision &&
    record.size === entry.size && record.mtime === entry.mtime;
  return isSame ? record : undefined;
}

/** What is lacking of a file; as deltas, where it is told what they can go by. */
async function* piecesOfGaps(
  store: HubStore,
  index: number,
  { digest, size }: HubRecord,
  gaps: readonly GapRequest[],
): AsyncGenerator<Piece> {
  const reader = store.open(digest!);
  if (reader === undefined) throw new IntegrityError("Its content is missing");
  try {
    const read = (into: Uint8Array, offset: number): Promise<number> =>
      Promise.resolve(reader.read(into, offset));
    const pieces = new GapPieces(index, size, gaps, { read });
    while (!pieces.isOver) {
      const found: Piece[] = [];
      const room = new Uint8Array(MAX_BATCH_BYTES);
      if (await pieces.next(room, found) === undefined) {
        throw new IntegrityError("It is shorter than it should be");
      }
      yield* found;
    }
  } finally {
    reader.close();
  }
}

/** From where on the content is wanted: what is there already has to be this. */
async function resumeAt(
  store: HubStore,
  { resume }: SupplyRequest,
  { digest, size }: HubRecord,
  signal: AbortSignal | undefined,
): Promise<number> {
  if (resume === undefined || resume.offset > size) return 0;
  const hash = createHash("sha256");
  const range = { start: 0, end: resume.offset };
  const pacer = new Pacer();
  for (const part of store.chunks(digest!, range)) {
    hash.update(part);
    const pause = pacer.turn();
    if (pause === undefined) continue;
    await pause;
    signal?.throwIfAborted();
  }
  return hash.digest("hex") === resume.digest ? resume.offset : 0;
}

function* piecesOfFile(
  store: HubStore,
  index: number,
  { digest, size }: HubRecord,
  from: number,
): Generator<Piece> {
  let offset = from;
  if (offset === size) {
    const bytes = new Uint8Array(0);
    yield { kind: "data", index, offset, bytes, last: true };
    return;
  }
  const range = { start: offset, end: size };
  for (const part of store.chunks(digest!, range)) {
    // Pieces of one batch at the most, and on the words that zeros are found by.
    for (let at = 0; at < part.length; at += MAX_BATCH_BYTES) {
      const bytes = part.slice(at, at + MAX_BATCH_BYTES);
      for (const { zero, start, end } of stretchesOf(bytes)) {
        const last = offset + end === size;
        const at = offset + start;
        yield zero
          ? { kind: "hole", index, offset: at, length: end - start, last }
          : {
            kind: "data",
            index,
            offset: at,
            bytes: bytes.subarray(start, end),
            last,
          };
      }
      offset += bytes.length;
    }
  }
}

async function* inBatches(
  pieces: AsyncGenerator<Piece>,
): AsyncGenerator<ContentBatch, undefined> {
  let batch: Piece[] = [];
  let byteLength = 0;
  let unavailable = 0;
  for await (const piece of pieces) {
    const bytes = piece.kind === "data" || piece.kind === "delta"
      ? piece.bytes.length
      : 0;
    const isFull = byteLength + bytes > MAX_BATCH_BYTES ||
      batch.length === MAX_BATCH_PIECES || unavailable === MAX_UNAVAILABLE;
    if (isFull) {
      yield { pieces: batch, byteLength };
      batch = [];
      byteLength = 0;
      unavailable = 0;
    }
    batch.push(piece);
    byteLength += bytes;
    if (piece.kind === "unavailable") unavailable++;
  }
  if (batch.length > 0) yield { pieces: batch, byteLength };
  return undefined;
}
