/** Content on its way out of a hub, cut into batches of pieces. */
import { createHash } from "node:crypto";
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
import type { HubRecord } from "./record.ts";
import type { HubStore } from "./store.ts";

/** Most unavailable files in one batch: their messages have to fit it too. */
const MAX_UNAVAILABLE = 12;

/**
 * The content of the files that `requests` ask for, in that order, as it was at
 * `revision`; what has changed since is unavailable.
 */
export function supplyFrom(
  store: HubStore,
  requests: Iterable<SupplyRequest>,
  revision: number,
  signal?: AbortSignal,
): ReadableStream<ContentBatch> {
  const batches = inBatches(piecesOf(store, requests, revision));
  return new ReadableStream<ContentBatch>({
    async pull(controller): Promise<void> {
      signal?.throwIfAborted();
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
  requests: Iterable<SupplyRequest>,
  revision: number,
): AsyncGenerator<Piece> {
  for (const request of requests) {
    const { index, path, entry } = request;
    const record = await store.latest(path);
    const isSame = record?.kind === "file" && record.revision <= revision &&
      record.size === entry.size && record.mtime === entry.mtime;
    if (!isSame) {
      const message = `${displayPath(path)} was changed at the hub meanwhile`;
      yield { kind: "unavailable", index, code: "stale", message };
      continue;
    }
    try {
      const offset = await resumeAt(store, request, record);
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

/** From where on the content is wanted: what is there already has to be this. */
async function resumeAt(
  store: HubStore,
  { resume }: SupplyRequest,
  { digest, size }: HubRecord,
): Promise<number> {
  if (resume === undefined || resume.offset > size) return 0;
  const hash = createHash("sha256");
  const range = { start: 0, end: resume.offset };
  for await (const part of store.read(digest!, range)) hash.update(part);
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
    const bytes = piece.kind === "data" ? piece.bytes.length : 0;
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
