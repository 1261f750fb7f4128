/**
 * Answers a peer that asks for the content of a source of ours: descriptions of
 * files, and their bytes. Nothing is given away but files that it was shown.
 */
import type {
  ContentRequest,
  DescribeRequest,
} from "../content/description.ts";
import type { PlannedFile } from "../core/change.ts";
import type { DirectoryEntry } from "../core/entry.ts";
import { displayPath } from "../core/path.ts";
import type { ContentBatch } from "../core/piece.ts";
import { entryAt, type Snapshot } from "../core/snapshot.ts";
import { ProtocolError } from "../errors.ts";
import { ByteReader } from "../protocol/bytes.ts";
import { DescribeReader } from "../protocol/description_codec.ts";
import { FrameType } from "../protocol/frame.ts";
import { GapReader } from "../protocol/gap_codec.ts";
import { RequestReader, type WireRequest } from "../protocol/want_codec.ts";
import { type ContentLink, ContentSender } from "./content_sender.ts";
import type { Endpoint, RecipeCalls } from "./endpoint.ts";
import type { Exchange } from "./exchange.ts";
import { fromWireGaps, sendDescriptions } from "./recipe_messages.ts";

/** What a {@link ServedSource} needs of its session. */
export interface SourceLink extends ContentLink {
  /** Whether both sides describe files. */
  readonly recipes: boolean;
}

/** The content of `endpoint`, for one session. */
export class ServedSource {
  readonly #endpoint: Endpoint;
  readonly #link: SourceLink;
  /** Counts the gaps in all that is asked for. */
  #asked = new GapReader();

  constructor(endpoint: Endpoint, link: SourceLink) {
    this.#endpoint = endpoint;
    this.#link = link;
  }

  /** Another scan begins: gaps are counted anew. */
  startOver(): void {
    this.#asked = new GapReader();
  }

  /** Answers a question for descriptions of files in `shown`. */
  async describe(exchange: Exchange, { root }: Snapshot): Promise<void> {
    const reader = new DescribeReader();
    for await (const { payload } of exchange.frames(FrameType.describe)) {
      reader.read(new ByteReader(payload));
    }
    const requests = reader.requests.map((request): DescribeRequest => ({
      ...fileOf(root, request),
      pages: request.pages,
    }));
    const calls = recipeCallsOf(this.#endpoint, this.#link.recipes);
    const descriptions = await calls.describe(requests, exchange.signal);
    await sendDescriptions(exchange, descriptions);
  }

  /** Answers a question for content of files in `shown`, page after page. */
  async supply(exchange: Exchange, { root }: Snapshot): Promise<void> {
    const reader = new RequestReader(this.#asked);
    const sender = new ContentSender(exchange, this.#link);
    for await (const { payload } of exchange.frames(FrameType.supply)) {
      const requests: ContentRequest[] = [];
      for (const request of reader.read(new ByteReader(payload))) {
        if (request.gaps !== undefined && !this.#link.recipes) {
          throw noRecipes();
        }
        requests.push(toContentRequest(root, request));
      }
      if (requests.length === 0) continue;
      const batches = this.#endpoint.supply(requests, exchange.signal);
      // The last one goes in one message with the end: two small ones in a row would
      // wait for each other on the way.
      let last: ContentBatch | undefined;
      for await (const batch of batches) {
        if (last !== undefined) await sender.send(last);
        last = batch;
      }
      if (last !== undefined) await sender.send(last);
    }
    if (reader.incomplete) {
      throw new ProtocolError("Requests end in the middle of one");
    }
    await sender.end();
  }
}

/**
 * What describes the files of `endpoint`, where both sides do that.
 * @throws {ProtocolError} Where they do not.
 */
export function recipeCallsOf(
  { recipes }: Endpoint,
  isAgreed: boolean,
): RecipeCalls {
  if (recipes === undefined || !isAgreed) throw noRecipes();
  return recipes;
}

/** @throws {ProtocolError} If the peer was not shown the file. */
function toContentRequest(
  root: DirectoryEntry,
  request: WireRequest,
): ContentRequest {
  const { resume, gaps } = request;
  const file = fileOf(root, request);
  return gaps === undefined
    ? { ...file, resume }
    : { ...file, resume, gaps: fromWireGaps(gaps) };
}

/** What the peer asks for has to be what it was shown. */
function fileOf(
  root: DirectoryEntry,
  { index, path, size, mtime }: Omit<WireRequest, "resume">,
): PlannedFile {
  const entry = entryAt(root, path);
  if (entry?.kind !== "file" || entry.size !== size || entry.mtime !== mtime) {
    throw new ProtocolError(
      `The peer asked for ${displayPath(path)}, which it was never offered`,
    );
  }
  return { index, path, entry };
}

function noRecipes(): ProtocolError {
  return new ProtocolError("Files can't be described to or by this side");
}
